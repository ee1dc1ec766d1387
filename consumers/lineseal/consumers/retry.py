"""Judges again what was refused: a key may have been enrolled since, or Lineseal upgraded.

A record is judged at the moment it first came, as DESIGN 4.3 asks, and its key has to be valid by
now. What is accepted gets rows, graph, findings and an entry of the log at the moment of the
retry, so ``--known-at`` does not pretend that it was known before. Rejects stay, with what became
of them. Positions in the log are not touched. Each step is one transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import duckdb

from lineseal.consumers.commit import moment, write_delivery
from lineseal.consumers.delivery import Delivery, Place, Precedents, place_of
from lineseal.consumers.entries import retry_entries
from lineseal.consumers.journal import load_tail
from lineseal.consumers.judge import judge_record
from lineseal.consumers.keyring_memory import facts_of, trusted_keyring
from lineseal.consumers.merkle_log import append_entries
from lineseal.consumers.store import Store
from lineseal.schemas.errors import ContractError, LogGap, PoisonSkipped
from lineseal.schemas.ids import now_us
from lineseal.signing.keyring import Keyring
from lineseal.signing.verify import VerifiedBatch
from lineseal.transport.base import LogRecord

ACCEPTED = "ACCEPTED"
DUPLICATE = "DUPLICATE"
_STEP_BYTES = 32 * 1024 * 1024
_STEP_RECORDS = 4096
_WAITING = """
SELECT reject_id, octet_length(raw) FROM reject
WHERE event_index IS NULL AND code <> $gap AND code = coalesce($code::VARCHAR, code)
  AND ($code::VARCHAR IS NOT NULL OR code <> $poison)
  AND coalesce(outcome, '') NOT IN ($accepted, $duplicate)
ORDER BY reject_id"""
_RECORDS = """
SELECT reject_id, stream, position, log_key, raw, epoch_us(logged_at), epoch_us(ingest_time)
FROM reject WHERE reject_id IN (SELECT unnest($ids::BIGINT[])) ORDER BY reject_id"""
_OUTCOME = """
UPDATE reject SET retried_at = $at, outcome = new.outcome
FROM (SELECT unnest($ids::BIGINT[]) AS id, unnest($outcomes::VARCHAR[]) AS outcome) AS new
WHERE reject_id = new.id"""


@dataclass(frozen=True, slots=True)
class Retried:
    """Say what became of one step.

    Attributes:
        done: Rejects judged again so far, and how many there are in all.
        outcomes: ACCEPTED, DUPLICATE or the code it was refused with again, to the number.
        events: Events accepted.
        refused_events: Code to number of single events that were refused in accepted batches.

    """

    done: tuple[int, int]
    outcomes: Counter[str] = field(default_factory=Counter[str])
    events: int = 0
    refused_events: Counter[str] = field(default_factory=Counter[str])


@dataclass(frozen=True, slots=True)
class _Refused:
    """One reject that waits: its number, the record, and when it first came."""

    reject_id: int
    record: LogRecord
    arrived: int


class Retry:
    """Judges again the rejects of one store, while no materialiser of this process uses it."""

    def __init__(
        self,
        store: Store,
        load_keyring: Callable[[], Keyring],
        deployment: str,
        clock: Callable[[], int] = now_us,
    ) -> None:
        """Use the keyring of now; *clock* gives microseconds UTC."""
        self._store = store
        self._load_keyring = load_keyring
        self._deployment = deployment
        self._clock = clock

    def run(self, code: str | None = None) -> Iterator[Retried]:
        """Judge again what was refused with *code*, step by step.

        By default everything, but for records that killed whoever judged them.

        Raises:
            StoreBusy, StoreError: The store cannot be written; what was yielded stays.
            KeyringError: The keyring cannot be trusted, or is older than one used before.

        """
        keyring = trusted_keyring(self._store, self._load_keyring(), self._deployment)
        waiting = self._store.connection.execute(
            _WAITING,
            {
                "gap": LogGap.code,
                "poison": PoisonSkipped.code,
                "code": code,
                "accepted": ACCEPTED,
                "duplicate": DUPLICATE,
            },
        ).fetchall()
        done = 0
        for ids in _steps(waiting):
            done += len(ids)
            yield self._step(ids, keyring, (done, len(waiting)))

    def judge(self, ids: list[int]) -> Retried:
        """Judge these rejects again, in one transaction; raises as ``run``."""
        keyring = trusted_keyring(self._store, self._load_keyring(), self._deployment)
        return self._step(ids, keyring, (len(ids), len(ids)))

    def _step(self, ids: list[int], keyring: Keyring, done: tuple[int, int]) -> Retried:
        with self._store.transaction() as connection:
            rejects = _load(connection, ids)
            delivery = Delivery(
                connection,
                load_tail(connection),
                deployment=self._deployment,
                now=self._clock(),
                seen_at=self._store.memory.seen_at,
            )
            outcomes = self._deliver(rejects, delivery, keyring)
            accepted = [row["header_sha256"] for row in delivery.rows.of("batch")]
            self._store.memory.remember(accepted, delivery.ingest_time, facts_of(keyring))
            if accepted:
                write_delivery(connection, delivery, keyring, {})
            connection.execute(
                _OUTCOME,
                {"at": moment(delivery.ingest_time), "ids": ids, "outcomes": outcomes},
            )
            append_entries(connection, retry_entries(connection, ids))
        report = delivery.report
        return Retried(done, Counter(outcomes), report.events, Counter(report.rejects))

    def _deliver(
        self, rejects: Sequence[_Refused], delivery: Delivery, keyring: Keyring
    ) -> list[str]:
        """Put what verifies now into *delivery*; return what became of each."""
        arrived: dict[Place, int] = {}
        good: list[LogRecord] = []
        verdicts: list[VerifiedBatch | ContractError] = []
        for reject in rejects:
            verdict = judge_record(
                reject.record,
                keyring,
                deployment=self._deployment,
                now=delivery.ingest_time,
                seen_at=self._store.memory.seen_at,
                arrived=reject.arrived,
            )
            verdicts.append(verdict)
            if isinstance(verdict, VerifiedBatch):
                good.append(reject.record)
                arrived.setdefault(place_of(reject.record), reject.arrived)
        delivery.take(good, keyring, {}, Precedents(arrived=arrived))
        new = {row["header_sha256"] for row in delivery.rows.of("batch")}
        return [_outcome(verdict, new) for verdict in verdicts]


def _outcome(verdict: VerifiedBatch | ContractError, new: set[str]) -> str:
    """Say what became of a record; the first of several with one batch is the accepted one."""
    if isinstance(verdict, ContractError):
        return verdict.code
    if verdict.header_sha256 not in new:
        return DUPLICATE
    new.remove(verdict.header_sha256)
    return ACCEPTED


def _steps(waiting: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Cut the rejects into steps that fit into memory."""
    ids: list[int] = []
    size = 0
    for identity, length in waiting:
        if ids and (size + length > _STEP_BYTES or len(ids) == _STEP_RECORDS):
            yield ids
            ids, size = [], 0
        ids.append(identity)
        size += length
    if ids:
        yield ids


def _load(connection: duckdb.DuckDBPyConnection, ids: list[int]) -> list[_Refused]:
    rows = connection.execute(_RECORDS, {"ids": ids}).fetchall()
    return [
        _Refused(
            identity,
            LogRecord(stream=stream, position=position, key=key, value=raw, logged_at=logged_at),
            ingest_time,
        )
        for identity, stream, position, key, raw, logged_at, ingest_time in rows
    ]
