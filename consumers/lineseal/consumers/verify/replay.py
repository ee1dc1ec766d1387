"""Makes anew what the tables hold, by taking the signed batches in again, commit by commit.

Verifies every batch as the materialiser did, at the moment it did, and applies it to an empty
store in memory with the code that wrote the real one. ``compare`` tells how the two differ. The
keyring is that of now: a key that was good when the batch came is still in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import duckdb

from lineseal.consumers.apply import Arrival, apply
from lineseal.consumers.columnar.judge import accept_in_columns
from lineseal.consumers.copies import update_copies
from lineseal.consumers.findings import update_chain_findings
from lineseal.consumers.judge import judge_events
from lineseal.consumers.once import keep_once
from lineseal.consumers.resolve import resolve
from lineseal.consumers.rows import Rows
from lineseal.consumers.verify.batches import StoredBatch
from lineseal.consumers.verify.problems import BATCH_CHANGED, Problems
from lineseal.consumers.write import TableWriter
from lineseal.schemas.errors import ContractError
from lineseal.signing.keyring import Keyring
from lineseal.signing.verify import VerifiedBatch, verify_batch

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store's times are UTC without zone


def verify_stored(
    batch: StoredBatch, keyring: Keyring, deployment: str, problems: Problems
) -> VerifiedBatch | None:
    """Verify signature, scope, header and root of one batch; a failure becomes a problem."""
    try:
        return verify_batch(
            batch.value,
            keyring,
            deployment=deployment,
            at=batch.first_seen,
            log_key=batch.producer,
            by=batch.entry.ingest_time,
        )
    except ContractError as error:
        problems.add(error.code, batch.name, str(error))
        return None


class Replay:
    """Takes batches in again, into a store in memory that may spill into *folder*."""

    def __init__(self, store: Path, folder: Path, memory_limit: str, keyring: Keyring) -> None:
        """Make the empty store, with the real one attached read-only as ``stored``."""
        self._keyring = keyring
        self.connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": memory_limit,
                "temp_directory": str(folder),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        path = str(store).replace("'", "''")
        self.connection.execute(f"ATTACH '{path}' AS stored (READ_ONLY)")
        self.connection.execute("SET enable_progress_bar = false")
        self.connection.execute("SET enable_external_access = false")
        self.connection.execute("SET lock_configuration = true")
        for script in ddl():
            self.connection.execute(script)
        self._writer = TableWriter(self.connection)

    def close(self) -> None:
        """Forget everything."""
        self.connection.close()

    def commit(
        self,
        batches: list[tuple[StoredBatch, VerifiedBatch]],
        ingest_time: int,
        problems: Problems,
        count: Callable[[int], None],
    ) -> None:
        """Apply the batches of one commit; *count* is told how many events that were."""
        arrivals = [_arrival(stored, ingest_time) for stored, _ in batches]
        rows = Rows()
        one_by_one = accept_in_columns([batch for _, batch in batches], arrivals, rows)
        for (stored, batch), arrival, indexes in zip(batches, arrivals, one_by_one, strict=True):
            events, refused = judge_events(batch, indexes)
            rows.extend(apply(batch, events, arrival))
            found = {item.index: item.error.code for item in refused}
            if found != stored.refused:
                problems.add(
                    BATCH_CHANGED,
                    stored.name,
                    f"events refused then: {_say(stored.refused)}; by the contract: {_say(found)}",
                )
            count(len(batch.events))
        self.connection.execute("BEGIN")
        self._writer.insert_all(rows)
        moment = _EPOCH + dt.timedelta(microseconds=ingest_time)
        keep_once(self.connection, moment)
        resolve(self.connection, moment)
        update_copies(self.connection, moment)
        update_chain_findings(self.connection, moment, self._keyring.settled)
        self.connection.execute("COMMIT")


def ddl() -> list[str]:
    """Return the statements that make a store, in their order."""
    folder = files("lineseal.schemas").joinpath("ddl")
    scripts = sorted(folder.iterdir(), key=lambda script: script.name)
    return [script.read_text("utf-8") for script in scripts if script.name.endswith(".sql")]


def _arrival(batch: StoredBatch, ingest_time: int) -> Arrival:
    return Arrival(
        stream=batch.entry.stream,
        position=batch.entry.position,
        log_key=batch.producer,
        logged_at=batch.logged_at,
        ingest_time=ingest_time,
    )


def _say(refused: dict[int, str]) -> str:
    return ", ".join(f"{index}: {code}" for index, code in sorted(refused.items())) or "none"
