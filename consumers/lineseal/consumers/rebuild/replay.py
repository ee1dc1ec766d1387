"""Takes a log into a new store as the old one did: the same commits, at the same times.

Where there is no old store that can be read, the times at which batches were first accepted stand
beside it (``memory``); what is not there, and what was refused, counts from now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lineseal.consumers.commit import write_delivery
from lineseal.consumers.delivery import Delivery, Place, Precedents, place_of
from lineseal.consumers.journal import load_tail
from lineseal.consumers.judge import judge_record
from lineseal.consumers.keyring_memory import facts_of
from lineseal.consumers.memory import Memory
from lineseal.consumers.rebuild.plan import Decision, Plan
from lineseal.consumers.rebuild.spool import Spool
from lineseal.consumers.store import Store
from lineseal.schemas.errors import ContractError, LogGap, PoisonSkipped
from lineseal.signing.frame import decode_frame
from lineseal.signing.keyring import Keyring
from lineseal.signing.verify import VerifiedBatch
from lineseal.transport.base import LogRecord

_STEP_BYTES = 32 * 1024 * 1024
_NOT_IN_LOG = LogGap.code
"""A reject that stands for records that the log lost; it has no bytes."""


@dataclass(slots=True)
class Replayed:
    """Count what a replay met.

    Attributes:
        records: Records of the log that were dealt with.
        from_store: Records that the log lost and the old store still had.
        lost: Records that neither has.
        refused_then: Records refused then that would be accepted today.
        never_seen: Records below the old store's positions that it knows nothing of.
        unread: Records behind its positions: not taken in.
        without_time: Records whose first time is not known; they count from now.

    """

    records: int = 0
    from_store: int = 0
    lost: int = 0
    refused_then: int = 0
    never_seen: int = 0
    unread: int = 0
    without_time: int = 0


class Replay:
    """Fills one new store."""

    def __init__(
        self,
        store: Store,
        memory: Memory,
        keyring: Keyring,
        deployment: str,
        *,
        remember: bool,
    ) -> None:
        """Fill *store*.

        Args:
            store: New and open.
            memory: The file beside the old store.
            keyring: The keyring of now.
            deployment: Whose store it is.
            remember: Write into *memory* what is accepted and was not in it.

        """
        self._store = store
        self._memory = memory
        self._keyring = keyring
        self._deployment = deployment
        self._remember = remember

    def repeat(
        self, plan: Plan, spool: Spool, now: Callable[[], int], advance: Callable[[int], None]
    ) -> Replayed:
        """Repeat what the old store took in, then take what it should know and does not.

        Args:
            plan: What the old store decided.
            spool: The log.
            now: Gives microseconds UTC.
            advance: Called with the number of decisions dealt with.

        """
        done = Replayed()
        arrived: dict[Place, int] = {}
        for at, decisions in plan.commits():
            records = self._records(decisions, plan, spool, done)
            refusals = {each.place: each.refusal for each in decisions if each.refusal is not None}
            self._count_changed_minds(decisions, records, done)
            self._commit(records, at, Precedents(arrived=arrived, refusals=refusals))
            arrived |= {each.place: at for each in decisions if each.settled}
            done.records += len(records)
            advance(len(decisions))
        spool.read_all()
        done.unread = spool.drop_from(plan.positions)
        for records in _chunks(spool.at(None)):
            done.never_seen += self._commit(records, now(), stored=plan.positions)
        return done

    def restore(
        self, spool: Spool, now: Callable[[], int], advance: Callable[[int], None]
    ) -> Replayed:
        """Take in the whole log at the times that are remembered beside the lost store."""
        done = Replayed()
        for time in spool.times():
            for records in _chunks(spool.at(time)):
                self._commit(records, now() if time is None else time)
                done.records += len(records)
                done.without_time += len(records) if time is None else 0
                advance(len(records))
        return done

    def seen_at(self, record: LogRecord) -> int | None:
        """Return when the batch in *record* was first accepted, if it is one and that is known."""
        try:
            header = decode_frame(record.value).header
        except ContractError:
            return None
        return self._memory.seen_at(hashlib.sha256(header).hexdigest())

    def _records(
        self, decisions: Sequence[Decision], plan: Plan, spool: Spool, done: Replayed
    ) -> list[LogRecord]:
        places = [each.place for each in decisions]
        records: list[LogRecord] = []
        for decision, found in zip(decisions, spool.find(places), strict=True):
            record = found
            if record is None:
                record = plan.record(decision)
                is_gap = decision.refusal is not None and decision.refusal.code == _NOT_IN_LOG
                if record is None:
                    done.lost += 1
                elif not is_gap:
                    done.from_store += 1
            if record is not None:
                records.append(record)
        # What was accepted on retry is wanted again.
        spool.drop([each.place for each in decisions if not each.settled])
        return records

    def _count_changed_minds(
        self, decisions: Sequence[Decision], records: Sequence[LogRecord], done: Replayed
    ) -> None:
        unsettled = {
            each.place: each.at
            for each in decisions
            if each.refusal is not None
            and not each.settled
            and each.refusal.code not in (_NOT_IN_LOG, PoisonSkipped.code)
        }
        if not unsettled:
            return
        for record in records:
            at = unsettled.get(place_of(record))
            if at is not None and isinstance(self._judge(record, at), VerifiedBatch):
                done.refused_then += 1

    def _judge(self, record: LogRecord, at: int) -> VerifiedBatch | ContractError:
        return judge_record(
            record,
            self._keyring,
            deployment=self._deployment,
            now=at,
            seen_at=self._memory.seen_at,
        )

    def _commit(
        self,
        records: Sequence[LogRecord],
        at: int,
        precedents: Precedents | None = None,
        stored: Mapping[str, int] | None = None,
    ) -> int:
        """Commit; return how many records were news."""
        with self._store.transaction() as connection:
            delivery = Delivery(
                connection,
                load_tail(connection),
                deployment=self._deployment,
                now=at,
                seen_at=self._memory.seen_at,
            )
            delivery.take(records, self._keyring, stored or {}, precedents)
            news = delivery.report.batches + sum(delivery.report.rejects.values())
            if not news:
                return 0
            if self._remember:
                headers = [row["header_sha256"] for row in delivery.rows.of("batch")]
                self._memory.remember(headers, delivery.ingest_time, facts_of(self._keyring))
            write_delivery(connection, delivery, self._keyring, delivery.positions)
        return news


def _chunks(records: Iterator[LogRecord]) -> Iterator[list[LogRecord]]:
    chunk: list[LogRecord] = []
    size = 0
    for record in records:
        if chunk and size + len(record.value) > _STEP_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(record)
        size += len(record.value)
    if chunk:
        yield chunk
