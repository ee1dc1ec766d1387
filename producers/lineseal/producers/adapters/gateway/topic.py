"""Takes what OpenLineage clients write to a topic of Kafka, each event once.

The client's Kafka transport writes plain JSON, unsigned. It is taken as the gateway takes what
comes over HTTP: kept byte for byte, mapped, sealed under the gateway's key, said by
``kafka:TOPIC``. Where to read on is remembered only once everything before it is durable, so a kill
costs a repetition, which is recognised, never an event. Who may write to the topic is up to
Kafka's own access lists; ``[gateway] topic_namespaces`` and ``topic_writes`` bound what they say.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import Self

from lineseal.producers.adapters.gateway.rejects import RejectLog, Where
from lineseal.producers.adapters.gateway.telemetry import EVENTS, count
from lineseal.producers.adapters.openlineage.document import Document, Refused, read_documents
from lineseal.producers.adapters.openlineage.encoding import Sender
from lineseal.producers.adapters.openlineage.intake import (
    Outcome,
    Ready,
    Rights,
    Submission,
    Taken,
    judge,
)
from lineseal.producers.adapters.openlineage.kept import Bookmark
from lineseal.producers.adapters.reception import open_intake, open_ledger, parse_kinds
from lineseal.schemas.errors import InvalidDocument, LogError, LogGap, TopicReplaced
from lineseal.schemas.model import Actor, ActorKind, Origin
from lineseal.services import ServiceLog
from lineseal.settings import Home, Settings
from lineseal.transport.backoff import Backoff
from lineseal.transport.base import LogRecord
from lineseal.transport.open import IdentifiedReader, kafka_url, open_foreign_topic

POLL_SECONDS = 1.0
_AT_ONCE = 256
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_HEAD_ROOM_BYTES = 1024 * 1024
"""What a fetch holds besides the value of its largest record."""


class TopicIntake:
    """Reads ``[gateway] topic`` for one home. Use as a context manager, from one thread.

    Attributes:
        counts: How many events were recorded, repeated and refused so far.

    """

    def __init__(self, home: Home, settings: Settings, log: ServiceLog) -> None:
        """Prepare; entering opens everything but the connection.

        Raises:
            ConfigurationError: ``[gateway] topic`` names no topic in Kafka.
            MissingExtra: The Kafka client is not installed.

        """
        self._home, self._settings, self._log = home, settings, log
        self._topic = kafka_url(settings.gateway.topic, home).prefix
        gateway = settings.gateway
        name = f"kafka:{self._topic}"
        self._sender = Sender(
            producer=gateway.producer,
            actor=Actor(kind=ActorKind.SERVICE, id=name),
            origin=Origin.GATEWAY,
            kinds=parse_kinds(gateway.kinds),
            writes=gateway.topic_writes,
        )
        self._rights = Rights(name, gateway.topic_namespaces, gateway.topic_writes)
        self.counts: dict[str, int] = {"recorded": 0, "repeated": 0, "refused": 0}
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        """Open the documents and the outbox, and look where to read on.

        Raises:
            KeyMissing, KeyUnusable, ConfigurationError, LogError: They cannot be opened.

        """
        try:
            self._ledger = self._closing.enter_context(open_ledger(self._home, self._settings))
            intake = open_intake(self._home, self._settings, self._ledger)
            self._intake = self._closing.enter_context(intake)
            rejects = RejectLog(self._home, self._settings, self._log, self._ledger)
            self._rejects = self._closing.enter_context(closing(rejects))
            bookmark = self._ledger.bookmark(self._topic)
            self._positions = dict(bookmark.positions)
            self._reader = self._open_reader(bookmark.identity)
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Seal what is pending, and close everything."""
        self._reader.close()
        self._closing.close()

    def step(self, seconds: float) -> int:
        """Take what comes within *seconds*; return how many records, 0 at the end of the topic.

        Raises:
            LogError: Kafka or the outbox cannot be used now; calling again goes on where it was.

        """
        try:
            records = self._reader.poll(_AT_ONCE, seconds)
        except TopicReplaced as error:
            self._start_over(error)
            return 1
        except LogGap as gap:
            self._pass_by(gap)
            return 1
        if not records:
            return 0
        try:
            self._take(records)
        except BaseException:
            self._reader.seek(self._positions)
            raise
        return len(records)

    def _take(self, records: Sequence[LogRecord]) -> None:
        """Make records durable, then remember that they are."""
        judged = [(record, one) for record in records for one in self._judged(record)]
        outcomes = self._intake.record([one for _, one in judged])
        for (record, one), outcome in zip(judged, outcomes, strict=True):
            if outcome.reason is None:
                self.counts[outcome.taken.value] += 1
                count(EVENTS, 1, {"lineseal.outcome": outcome.taken.value})
            elif isinstance(one, Ready):
                self._refuse(record, one.entry.text, outcome.reason, outcome.code)
        after = {record.stream: record.next_position for record in records}
        self._move(self._positions | after)

    def _judged(self, record: LogRecord) -> list[Outcome | Ready]:
        """Read a record: one event, or an array of events."""
        try:
            found = read_documents(self._within_limit(record.value))
            return [self._judge(record, each) for each in found]
        except InvalidDocument as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - one record must not stop the topic for ever
            self._log.error("a record crashed the mapping", at=record.position, exc_info=error)
            reason = f"a fault of the gateway: {type(error).__name__}"
        self._refuse(record, record.value, reason)
        return []

    def _within_limit(self, value: bytes) -> bytes:
        limit = self._settings.gateway.max_event_bytes
        if len(value) > limit:
            raise InvalidDocument(f"more than {limit} bytes; see [gateway] max_event_bytes")
        return value

    def _judge(self, record: LogRecord, found: Document | Refused) -> Outcome | Ready:
        if isinstance(found, Refused):
            self._refuse(record, found.text, found.reason)
            return Outcome(Taken.INVALID, "", reason=found.reason)
        judged = judge(Submission(found, self._sender, self._rights))
        if isinstance(judged, Outcome):
            self._refuse(record, found.text, judged.reason or "", judged.code)
        return judged

    def _refuse(
        self, record: LogRecord, text: bytes, reason: str, code: str = InvalidDocument.code
    ) -> None:
        self.counts["refused"] += 1
        where = Where(record.stream, record.position)
        self._rejects.add(text, reason, self._rights.owner, where, code)

    def _move(self, positions: dict[str, int]) -> None:
        self._rejects.flush()
        self._ledger.move(self._topic, Bookmark(positions, self._reader.identity))
        self._positions = positions

    def _pass_by(self, gap: LogGap) -> None:
        """Go on behind records that cannot be had; that they are missing is kept as a reject."""
        self._log.error("records of the topic are lost", code=gap.code, reason=str(gap))
        self.counts["refused"] += 1
        where = Where(gap.stream, gap.first)
        self._rejects.add(b"", str(gap), self._rights.owner, where, gap.code)
        self._move(self._positions | {gap.stream: gap.resume})
        self._reader.seek(self._positions)

    def _start_over(self, error: TopicReplaced) -> None:
        """Read a topic that was made anew from its start: nothing of it was read before."""
        self._log.warning("the topic was made anew: reading it from its start", reason=str(error))
        self._reader.close()
        self._positions = {}
        self._reader = self._open_reader(None)

    def _open_reader(self, identity: str | None) -> IdentifiedReader:
        gateway = self._settings.gateway
        reader = open_foreign_topic(
            gateway.topic,
            self._home,
            identity=identity,
            largest_bytes=gateway.max_event_bytes + _HEAD_ROOM_BYTES,
        )
        reader.seek(self._positions)
        return reader


def follow(intake: TopicIntake, stop: threading.Event, log: ServiceLog) -> None:
    """Take what comes until *stop* is set; wait and go on when Kafka or the disk is in trouble.

    Raises:
        LogError: What waiting does not mend, such as a topic that is not there.

    """
    backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
    while not stop.is_set():
        try:
            intake.step(POLL_SECONDS)
        except LogError as error:
            if not error.retryable:
                raise
            log.warning("cannot take events now", code=error.code, reason=str(error))
            stop.wait(backoff.pause())
        else:
            backoff.reset()
