"""Moves what is new in the log into the store, one transaction for each step.

Promises: a step commits rows, chain state, log entries, rejects, the graph *and* the positions
in the log together, so a kill at any moment leaves them equal; what is refused keeps its bytes
and a reason, and the next record is processed; an exception that is no verdict about the bytes
stops the step with the store unchanged. The store, not memory, says where to read on: after
every failure positions are read again. Source: DESIGN 7; reference 4.1 to 4.3.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import duckdb

from lineseal.consumers import telemetry
from lineseal.consumers.commit import moment, write_delivery
from lineseal.consumers.delivery import Delivery
from lineseal.consumers.entries import finding_entries, keyring_entries
from lineseal.consumers.findings import open_findings, update_key_findings
from lineseal.consumers.journal import Tail, load_tail
from lineseal.consumers.keyring_memory import facts_of, remember, trusted_keyring
from lineseal.consumers.merkle_log import append_entries
from lineseal.consumers.poison import PoisonGuard
from lineseal.consumers.report import StepReport
from lineseal.consumers.row_groups import RowGroups
from lineseal.consumers.second_chance import judge_poison_again
from lineseal.consumers.store import Store, write_fact
from lineseal.queries.database import damaged, is_damage
from lineseal.schemas.errors import LinesealError, LogGap, StoreError
from lineseal.schemas.ids import now_us
from lineseal.signing.keyring import Keyring
from lineseal.transport.base import LogReader, LogRecord

DEFAULT_LIMIT = 512
"""Records asked of the log at once."""
MAX_STEP_BYTES = 96 * 1024 * 1024
"""Sum of the values in one transaction; a single record may be larger. What a commit costs beside
its rows (the graph of every name it touches, checkpoints) is shared by more of them that way."""
_BEHIND_BYTES = 16 * 1024 * 1024
"""A log that gives so much at once has more waiting."""
LOG_IDENTITY = "log_identity"
"""Store fact: which very log the positions belong to, where the log can say."""
_COMMIT_ATTEMPTS = 3


class Materialiser:
    """Materialises a log into a store. Not safe to share between threads.

    Attributes:
        after_step: Called with the report of each step, after its commit, also when it was idle.

    """

    def __init__(
        self,
        store: Store,
        reader: LogReader,
        load_keyring: Callable[[], Keyring],
        deployment: str,
        clock: Callable[[], int] = now_us,
    ) -> None:
        """Prepare; the first step reads on where the store says.

        Args:
            store: Where to write; it may be released between steps.
            reader: The log.
            load_keyring: Gives the keyring of now; asked in every step that has records.
            deployment: Batches of any other deployment are refused.
            clock: Gives microseconds UTC.

        """
        self._store = store
        self._reader = reader
        self._load_keyring = load_keyring
        self._deployment = deployment
        self._clock = clock
        self._pending: deque[LogRecord] = deque()
        self._positions: dict[str, int] | None = None
        self._tail = Tail(0, 0)
        self._failed_commits = 0
        self._seek_after_commit = False
        self._behind = False
        self._guard = PoisonGuard(store.path)
        self._row_groups = RowGroups()
        self.after_step: list[Callable[[StepReport], None]] = []
        self._step_bytes = MAX_STEP_BYTES

    def step(self, limit: int = DEFAULT_LIMIT, timeout: float = 0.0) -> StepReport:
        """Deal with at most *limit* records, waiting up to *timeout* seconds for the first.

        With nothing new in the log the store is not touched, so it may stay released.

        Raises:
            LogError: The log cannot be read now.
            StoreBusy: Another process has the store open; call again later.
            StoreError: The store cannot be written; nothing of this step is in it.
            KeyringError: The keyring cannot be trusted, is older than one used before or of
                another history, or belongs to another deployment.

        """
        try:
            report = self._step(limit, timeout)
        except BaseException as error:
            # Whatever happened, the store knows where to read on.
            self._positions = None
            if isinstance(error, duckdb.Error) and is_damage(error):
                self._store.abandon()
                raise damaged(self._store.path, error) from error
            if isinstance(error, duckdb.OperationalError | duckdb.FatalException):
                self._store.abandon()
                reason = str(error).partition("\n")[0]
                raise StoreError(f"cannot write {self._store.path}: {reason}") from error
            raise
        for observer in self.after_step:
            observer(report)
        return report

    def has_reached(self, ends: Mapping[str, int]) -> bool:
        """Tell whether the store has everything before these positions."""
        positions = self._store.positions()
        return all(positions.get(stream, 0) >= end for stream, end in ends.items())

    def _step(self, limit: int, timeout: float) -> StepReport:
        if self._positions is None:
            self._read_positions()
        gap = None if self._pending else self._poll(limit, timeout)
        self._catch_up(limit)
        if not self._pending and gap is None:
            return StepReport(idle=True)
        if self._store.positions() != self._positions:
            # Somebody else materialised while the store was released.
            self._read_positions()
            return self._step(limit, timeout)
        keyring, warnings = self._current_keyring()
        try:
            report = self._commit_what_fits(gap or self._next_records(), keyring)
        finally:
            self._guard.leave()
        return report + StepReport(warnings=warnings)

    def _commit_what_fits(self, work: list[LogRecord] | LogGap, keyring: Keyring) -> StepReport:
        """Commit; when memory does not suffice, the next steps take half as much."""
        try:
            report = self._commit(work, keyring)
        except duckdb.OutOfMemoryException:
            if isinstance(work, LogGap) or len(work) == 1:
                raise
            self._pending.extendleft(reversed(work))
            self._step_bytes = sum(len(record.value) for record in work) // 2
            return StepReport()
        self._step_bytes = min(2 * self._step_bytes, MAX_STEP_BYTES)
        return report

    def _poll(self, limit: int, timeout: float) -> LogGap | None:
        try:
            records = self._reader.poll(limit, timeout)
        except LogGap as gap:
            return gap
        self._take_up(records)
        return None

    def _take_up(self, records: Sequence[LogRecord]) -> None:
        self._pending.extend(records)
        self._behind = _size(records) >= _BEHIND_BYTES

    def _catch_up(self, limit: int) -> None:
        """Read on while the log has much waiting, also behind what a step left over."""
        while self._behind and _size(self._pending) < MAX_STEP_BYTES:
            asked = limit - len(self._pending)
            if asked <= 0:
                return
            try:
                self._take_up(self._reader.poll(asked, 0))
            except LinesealError:
                # What came before it first; the log, asked again from there, says it again.
                self._behind, self._seek_after_commit = False, True

    def _read_positions(self) -> None:
        positions = self._store.positions()
        self._pending.clear()
        self._behind = self._seek_after_commit = False
        self._reader.seek(positions)
        self._tail = load_tail(self._store.connection)
        self._positions = positions

    def _next_records(self) -> list[LogRecord]:
        records = [self._pending.popleft()]
        size = len(records[0].value)
        if self._guard.alone or self._guard.is_poison(records[0]):
            return records
        while self._pending and size + len(self._pending[0].value) <= self._step_bytes:
            records.append(self._pending.popleft())
            size += len(records[-1].value)
        return records

    def _current_keyring(self) -> tuple[Keyring, tuple[str, ...]]:
        keyring = trusted_keyring(self._store, self._load_keyring(), self._deployment)
        if keyring.expired(self._clock()):
            return keyring, ("the keyring has expired; run 'lineseal keys renew'",)
        return keyring, ()

    def watch(self) -> StepReport:
        """Compare the store with the keyring and the clock, without anything new in the log.

        A key may have been revoked, a fork settled, a producer gone silent.

        Raises:
            StoreBusy, StoreError, KeyringError: As for ``step``.

        """
        keyring, warnings = self._current_keyring()
        connection = self._store.connection
        now = self._clock()
        ingest_time = max(now, load_tail(connection).last_ingest_time + 1)
        with self._store.writing:
            before = open_findings(connection)
            connection.execute("BEGIN")
            try:
                update_key_findings(connection, keyring, now, moment(ingest_time))
                after = open_findings(connection)
                remember(connection, keyring)
                entries = keyring_entries(connection, keyring, ingest_time)
                append_entries(
                    connection, entries + finding_entries(connection, moment(ingest_time))
                )
                self._store.memory.remember((), ingest_time, facts_of(keyring))
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(duckdb.Error):
                    connection.execute("ROLLBACK")
                raise
        # What was found is in the log: the next commit has to be later.
        self._tail = replace(self._tail, last_ingest_time=ingest_time)
        return StepReport(idle=True, warnings=warnings) + _changed(before, after)

    def second_chance(self) -> StepReport:
        """Judge again what was set aside because processes died over it; call it when idle.

        Raises:
            StoreBusy, StoreError, KeyringError: As for ``step``.

        """
        report = judge_poison_again(self._store, self._load_keyring, self._deployment, self._clock)
        if not report.idle:
            self._tail = load_tail(self._store.connection)
            for observer in self.after_step:
                observer(report)
        return report

    def _commit(self, work: list[LogRecord] | LogGap, keyring: Keyring) -> StepReport:
        connection = self._store.connection
        stored = self._positions or {}
        now = self._clock()
        memory = self._store.memory
        delivery = Delivery(
            connection, self._tail, deployment=self._deployment, now=now, seen_at=memory.seen_at
        )
        if isinstance(work, LogGap):
            delivery.take_gap(work)
        elif self._guard.is_poison(work[0]):
            delivery.take_poison(work[0])
        else:
            self._guard.enter(work, stored)
            delivery.take(work, keyring, stored)
        positions = {**stored, **delivery.positions}
        headers = [row["header_sha256"] for row in delivery.rows.of("batch")]
        memory.remember(headers, delivery.ingest_time, facts_of(keyring))
        with self._store.writing, telemetry.timed(telemetry.commit_duration):
            self._row_groups.before_commit(connection)
            before = open_findings(connection)
            connection.execute("BEGIN")
            try:
                write_delivery(connection, delivery, keyring, delivery.positions)
                self._write_identity(connection)
                after = open_findings(connection)
            except BaseException:
                with contextlib.suppress(duckdb.Error):
                    connection.execute("ROLLBACK")
                raise
            if not self._seal_commit(connection, stored, positions):
                return StepReport()
        self._tail = replace(delivery.tail, last_ingest_time=delivery.ingest_time)
        # The log does not know yet that it may go on behind a gap.
        seek = isinstance(work, LogGap) or self._seek_after_commit
        self._positions = None if seek else positions
        return delivery.report + _changed(before, after)

    def _write_identity(self, connection: duckdb.DuckDBPyConnection) -> None:
        identity = getattr(self._reader, "identity", None)
        if identity is not None:
            write_fact(connection, LOG_IDENTITY, identity)

    def _seal_commit(
        self,
        connection: duckdb.DuckDBPyConnection,
        before: dict[str, int],
        after: dict[str, int],
    ) -> bool:
        """Commit; tell whether it happened.

        An exception at COMMIT says nothing about that: a failed checkpoint raises although
        the commit is durable. Only the positions in the file do.
        """
        try:
            connection.execute("COMMIT")
        except duckdb.Error:
            self._store.abandon()
            self._read_positions()
            if self._positions == after != before:
                return True
            self._failed_commits += 1
            if self._failed_commits == _COMMIT_ATTEMPTS:
                raise
            return False
        self._failed_commits = 0
        return True


def _changed(before: dict[str, str], after: dict[str, str]) -> StepReport:
    return StepReport(
        idle=True,  # says nothing about the log
        opened={identity: code for identity, code in after.items() if identity not in before},
        closed=frozenset(before.keys() - after.keys()),
    )


def _size(records: Iterable[LogRecord]) -> int:
    return sum(len(record.value) for record in records)
