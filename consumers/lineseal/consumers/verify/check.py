"""Runs every check over one store, in the order in which each may rely on the ones before."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lineseal.commandline.progress import Progress
from lineseal.consumers.journal import Entry
from lineseal.consumers.verify.batches import StoredBatch, log_of_batches, stored_batches
from lineseal.consumers.verify.checkpoints import check_checkpoints, find_checkpoints
from lineseal.consumers.verify.compare import compare_schema, compare_tables
from lineseal.consumers.verify.log import beside, check_log, entries
from lineseal.consumers.verify.problems import Problems
from lineseal.consumers.verify.records import check_keyrings, check_records, parser
from lineseal.consumers.verify.replay import Replay, verify_stored
from lineseal.consumers.verify.source import check_source
from lineseal.consumers.verify.state import check_state
from lineseal.settings import Home, Settings
from lineseal.signing.keyring import Keyring
from lineseal.signing.keyring_file import load_keyring
from lineseal.signing.verify import VerifiedBatch


@dataclass(slots=True)
class Report:
    """Hold what was verified, what is wrong and what was left out.

    Attributes:
        problems: What is wrong.
        entries: Entries of the log.
        batches: Batches whose signature and root verified.
        events: Events in them.
        checkpoints: Checkpoints that were compared.
        records: Records of the log that the store was compared with.
        covered: Entries that a checkpoint outside the store covers.
        seconds: How long signatures, roots and rows took.

    """

    problems: Problems
    entries: int = 0
    batches: int = 0
    events: int = 0
    checkpoints: int = 0
    records: int = 0
    covered: int = 0
    seconds: float = 0.0


def verify_store(
    store: Path,
    home: Home,
    settings: Settings,
    *,
    quick: bool = False,
    copies: Iterable[Path] = (),
    scratch: Path | None = None,
) -> Report:
    """Verify the store at *store*, which nobody writes.

    Args:
        store: The DuckDB file, or a copy of it.
        home: Whose checkpoints, log and keyring it is compared with.
        settings: The home's.
        quick: Leave out what the tables say: signatures, roots, log and checkpoints only.
        copies: More files that hold checkpoints.
        scratch: Folder for what does not fit in memory; default: beside the store.

    Raises:
        KeyringError: The keyring cannot be trusted; nothing can be verified without.
        StoreError: The store cannot be read.

    """
    report = Report(Problems())
    keyring = load_keyring(
        home.keyring, roots=settings.deployment.roots, threshold=settings.deployment.threshold
    )
    with tempfile.TemporaryDirectory(prefix="verify-", dir=scratch or store.parent) as folder:
        replay = Replay(store, Path(folder), settings.store.memory_limit, keyring)
        try:
            _Check(replay, report, home, settings, keyring, quick=quick).run(copies)
        finally:
            replay.close()
    return report


class _Check:
    """Runs the checks of one store."""

    def __init__(
        self,
        replay: Replay,
        report: Report,
        home: Home,
        settings: Settings,
        keyring: Keyring,
        *,
        quick: bool,
    ) -> None:
        self._replay = replay
        self._report = report
        self._home = home
        self._settings = settings
        self._keyring = keyring
        self._quick = quick
        self._stored = beside(replay.connection)

    def run(self, copies: Iterable[Path]) -> None:
        report, problems = self._report, self._report.problems
        compare_schema(self._replay.connection, problems)
        found = find_checkpoints(
            self._stored, self._home, self._settings, self._keyring, copies, problems
        )
        checked = check_log(self._stored, (each.signed.checkpoint.size for each in found), problems)
        log = [(index, entry) for index, entry, _ in entries(self._stored)]
        report.entries, report.checkpoints = checked.size, len(found)
        deployment = self._settings.deployment
        report.covered = check_checkpoints(found, checked, self._stored, deployment.name, problems)
        if not report.covered:
            problems.leave_out("no checkpoint outside the store vouches for it")
        check_records(self._stored, log, problems)
        parse = parser(deployment.roots, deployment.threshold)
        check_keyrings(self._stored, self._keyring, parse, problems)
        check_state(self._stored, deployment.name, log, problems)
        self._check_batches(log)
        with Progress("comparing with the log", len(log)) as progress:
            report.records = check_source(
                self._stored, self._home, self._settings, log, problems, progress.advance
            )

    def _check_batches(self, log: list[tuple[int, Entry]]) -> None:
        report, problems = self._report, self._report.problems
        started = time.monotonic()
        ((total,),) = self._stored.execute("SELECT count(*) FROM event").fetchall()
        with Progress("verifying events", total) as progress:
            for commit in stored_batches(self._stored, log_of_batches(log), problems):
                verified = self._verified(commit)
                report.batches += len(verified)
                report.events += sum(len(batch.events) for _, batch in verified)
                if self._quick:
                    progress.advance(sum(len(batch.events) for _, batch in verified))
                elif verified:
                    ingest_time = verified[0][0].entry.ingest_time
                    self._replay.commit(verified, ingest_time, problems, progress.advance)
        if self._quick:
            problems.leave_out("the tables were not compared with the events (--quick)")
        else:
            with Progress("comparing tables", 30) as progress:
                for _ in compare_tables(self._replay.connection, problems):
                    progress.advance(1)
        report.seconds = time.monotonic() - started

    def _verified(self, commit: list[StoredBatch]) -> list[tuple[StoredBatch, VerifiedBatch]]:
        pairs = [
            (
                stored,
                verify_stored(
                    stored, self._keyring, self._settings.deployment.name, self._report.problems
                ),
            )
            for stored in commit
        ]
        return [(stored, batch) for stored, batch in pairs if batch is not None]
