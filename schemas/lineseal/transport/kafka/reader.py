"""Reads a Kafka topic from positions the caller kept, and never skips a record silently.

No consumer group: partitions are assigned and sought to the positions given, nothing is
committed, nothing is reset. An empty answer of ``poll`` means that the end was reached, not that
the broker was slow. Positions that the broker no longer has, a topic that was made anew, a record
that cannot be taken apart: each is an error of its own that says exactly where.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Mapping, Sequence

from kafka import errors as kafka_errors

from lineseal.schemas.errors import (
    BrokerTruncation,
    LogError,
    RecordUnreadable,
    TopicReplaced,
)
from lineseal.transport.base import EVENTS_TOPIC, LogRecord
from lineseal.transport.kafka.faults import to_log_error
from lineseal.transport.kafka.session import Session, is_about_positions, is_about_records
from lineseal.transport.kafka.unpacking import NotUnpacked
from lineseal.transport.kafka.url import KafkaUrl

_LOOK_AGAIN_SECONDS = 10.0
"""How often the topic's id and partitions are asked for while everything works."""
_AGAIN_SECONDS = 0.1
_LOCATE_SECONDS = 1.0


class KafkaLogReader:
    """Reads one topic of a cluster. Implements ``LogReader``; streams are ``topic/partition``."""

    def __init__(
        self,
        url: KafkaUrl,
        topic: str = EVENTS_TOPIC,
        *,
        identity: str | None = None,
        largest_bytes: int = 0,
    ) -> None:
        """Read *topic*, by its name without the prefix; nothing connects before ``poll``.

        Args:
            url: The cluster.
            topic: Which of our topics; empty for somebody else's, whose whole name the URL gives.
            identity: What ``identity`` gave when the positions were made; another topic of the
                same name is then refused.
            largest_bytes: Bytes a record may have, where that is more than in topics of ours.

        """
        self._url = url
        self._topic = url.topic(topic)
        self._where = f"topic {self._topic} at {url}"
        self._identity = identity
        self._largest = largest_bytes
        self._given: dict[str, int] = {}
        self._positions: dict[int, int] = {}
        self._session: Session | None = None
        self._looked_at = 0.0

    @property
    def identity(self) -> str | None:
        """Return ``cluster/topic-id`` of what is being read; None before the first ``poll``."""
        return self._identity

    def seek(self, positions: Mapping[str, int]) -> None:
        """Read on from *positions*; streams not named start at their first record."""
        self._given = dict(positions)
        self._positions = {}
        self._looked_at = 0.0

    def poll(self, limit: int, timeout: float) -> Sequence[LogRecord]:
        """Return at most *limit* records, waiting up to *timeout* seconds for the first.

        None at all means that the end of every stream was reached. Connecting, or a broker that
        holds records and does not give them, may take the request timeout longer.

        Raises:
            BrokerTruncation: The broker no longer has what lies at a position.
            RecordUnreadable: The client cannot take apart what lies at a position.
            TopicReplaced: The topic was deleted and made again.
            LogError: The log cannot be read now. Positions are unchanged in all these cases.

        """
        deadline = time.monotonic() + timeout
        with self._fresh_session_after_errors() as session:
            if time.monotonic() - self._looked_at > _LOOK_AGAIN_SECONDS:
                self._look(session)
            return self._fetch(session, limit, deadline)

    def close(self) -> None:
        """Close the connections; calling it twice is fine."""
        session, self._session = self._session, None
        self._looked_at = 0.0
        if session is not None:
            session.close()

    @contextlib.contextmanager
    def _fresh_session_after_errors(self) -> Generator[Session]:
        if self._session is None:
            self._session = self._new_session()
        session = self._session
        try:
            yield session
        except kafka_errors.KafkaError as error:
            self.close()
            raise to_log_error(
                error, self._where, session.client_id, secured=self._url.options.secured
            ) from error
        except BaseException:
            self.close()
            raise

    def _new_session(self) -> Session:
        return Session(self._url, self._topic, self._largest)

    def _look(self, session: Session) -> None:
        """Check which topic this is, take in new partitions, seek what has no position yet."""
        view = session.view()
        if self._identity not in (None, view.identity):
            raise TopicReplaced(
                f"{self._where} is {view.identity}, not {self._identity} as"
                " before: what was read from that one cannot be continued in this one"
            )
        self._identity = view.identity
        partitions = sorted(view.partitions)
        if not self._positions.keys() == set(partitions) == session.assigned():
            ranges = session.ranges(partitions)
            for number in partitions:
                given = self._given.get(self._stream(number), ranges[number][0])
                self._positions.setdefault(number, given)
            self._check(ranges)
            session.assign(self._positions)
        self._looked_at = time.monotonic()

    def _fetch(self, session: Session, limit: int, deadline: float) -> list[LogRecord]:
        patience = deadline + self._url.options["request_timeout_ms"] / 1000
        while True:
            records = self._take(session, limit, max(0.0, deadline - time.monotonic()))
            if records:
                return records
            now = time.monotonic()
            if now < deadline:
                continue
            if self._at_end(session):
                return []
            if now > patience:
                raise LogError(f"{self._where} holds more than it gives")
            deadline = now + _AGAIN_SECONDS

    def _take(self, session: Session, limit: int, seconds: float) -> list[LogRecord]:
        try:
            found = session.take(limit, seconds)
        except Exception as error:
            if is_about_positions(error):
                self._check(session.ranges(self._positions))
            if is_about_records(error):
                self._locate_unreadable()
                raise LogError(f"{self._where}: {type(error).__name__}") from error
            raise
        for number, records in found.items():
            self._positions[number] = records[-1].next_position
        return [record for records in found.values() for record in records]

    def _at_end(self, session: Session) -> bool:
        for number, (_, end) in session.ranges(self._positions).items():
            if self._positions[number] < end:
                # A transaction's markers take positions too, and are no records.
                self._positions[number] = max(self._positions[number], session.reached(number))
                if self._positions[number] < end:
                    return False
        return True

    def _check(self, ranges: Mapping[int, tuple[int, int]]) -> None:
        for number, (first, end) in ranges.items():
            position = self._positions[number]
            stream = self._stream(number)
            if position < first:
                raise BrokerTruncation(
                    f"{stream}: the broker deleted records {position} to {first - 1} before they"
                    " were read",
                    stream=stream,
                    first=position,
                    last=first - 1,
                    resume=first,
                )
            if position > end:
                raise BrokerTruncation(
                    f"{stream}: the broker lost records {end} to {position - 1}, which were read"
                    " before; it will give their numbers to others",
                    stream=stream,
                    first=end,
                    last=position - 1,
                    resume=end,
                )

    def _locate_unreadable(self) -> None:
        """Find the partition whose next record the client cannot take apart."""
        for number, position in self._positions.items():
            # Each in a session of its own: a consumer of kafka-python 3.0.12 that failed on a
            # record loops for ever when it is polled again.
            with contextlib.closing(self._new_session()) as session:
                session.assign({number: position})
                try:
                    session.take(1, _LOCATE_SECONDS)
                except Exception as error:
                    if not is_about_records(error):
                        raise
                    raise self._unreadable(number, position, error) from error

    def _unreadable(self, number: int, position: int, error: Exception) -> RecordUnreadable:
        stream = self._stream(number)
        last, why = position, type(error).__name__
        if isinstance(error, NotUnpacked):
            # The batch is one thing: what it packs cannot be read one by one either.
            last, why = max(position, error.last_offset or position), str(error)
        what = f"record {position}" if last == position else f"records {position} to {last}"
        return RecordUnreadable(
            f"{stream}: {what} cannot be read: {why}",
            stream=stream,
            first=position,
            last=last,
            resume=last + 1,
        )

    def _stream(self, number: int) -> str:
        return f"{self._topic}/{number}"
