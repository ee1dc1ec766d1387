"""Appends records to a Kafka topic so that each arrives at least once, in order per key.

Every record stays here until the broker acknowledged it. A delivery failure costs a new producer
object and a resend from the oldest unacknowledged record (``producer``); consumers drop what then
comes twice by (producer, epoch, batch number).
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from kafka import errors as kafka_errors

from lineseal.schemas.errors import LogError, TooLarge
from lineseal.schemas.limits import MAX_RECORD_BYTES
from lineseal.transport.backoff import Backoff
from lineseal.transport.base import EVENTS_TOPIC
from lineseal.transport.kafka.cluster import open_cluster
from lineseal.transport.kafka.faults import to_log_error
from lineseal.transport.kafka.producer import Producer
from lineseal.transport.kafka.trouble import newest_trouble
from lineseal.transport.kafka.url import KafkaUrl

MAX_UNACKNOWLEDGED_BYTES = 32 * 1024 * 1024
_LOOK_SECONDS = 0.25
_SHORTEST_ASK_SECONDS = 0.5
_LONGEST_ASK_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 30.0


@dataclass(slots=True)
class _Pending:
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    future: Any = None
    done: bool = False


class KafkaLogWriter:
    """Writes one topic of a cluster. Implements ``LogWriter``; nothing connects before ``flush``.

    Attributes:
        rebuilds: How many producer objects were given up after a failure.
        last_error: Why the newest of them was, or None.

    """

    def __init__(self, url: KafkaUrl, topic: str = EVENTS_TOPIC) -> None:
        """Write *topic*, by its name without the prefix."""
        self._url = url
        self._topic = url.topic(topic)
        self._where = f"topic {self._topic} at {url}"
        # Together, in this order: what is not acknowledged.
        self._sent: deque[_Pending] = deque()
        self._unsent: deque[_Pending] = deque()
        self._pending_bytes = 0
        self._producer: Producer | None = None
        self._changed = threading.Event()
        self._backoff = Backoff(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
        self._not_before = 0.0
        self._last_progress = 0.0
        self._asked = False
        self._pid = os.getpid()
        self._closed = False
        self.rebuilds = 0
        self.last_error: LogError | None = None

    def append(self, key: str, value: bytes, traceparent: str | None = None) -> None:
        """Hand over one record; ``flush`` says when the broker has it.

        *traceparent* goes beside it as a header, for tools that follow messages.

        Raises:
            TooLarge: The value is over 1 MiB.
            LogError: 32 MiB wait already and the broker takes none of it, or the writer is
                closed or belongs to the parent process; the record was not taken.

        """
        self._check_usable()
        if len(value) > MAX_RECORD_BYTES:
            raise TooLarge(f"the record is {len(value)} bytes, more than {MAX_RECORD_BYTES}")
        if self._pending_bytes + len(value) > MAX_UNACKNOWLEDGED_BYTES:
            self.flush(self._url.options["request_timeout_ms"] / 1000)
            if self._pending_bytes + len(value) > MAX_UNACKNOWLEDGED_BYTES:
                raise LogError(f"{self._url} acknowledges nothing: {self.last_error or 'waiting'}")
        self._drop_oldest_acknowledged()
        if not self._sent and not self._unsent:
            self._last_progress = time.monotonic()  # nothing was waiting, so nothing was stuck
        headers = [] if traceparent is None else [("traceparent", traceparent.encode())]
        self._unsent.append(_Pending(key.encode(), value, headers))
        self._pending_bytes += len(value)
        if self._producer is not None and self._producer.ready:
            self._send_unsent(self._producer, None)

    def flush(self, timeout: float) -> int:
        """Wait up to *timeout* seconds and return how many records are not acknowledged yet.

        Connecting may take up to a second longer than *timeout*.

        Raises:
            LogError: The broker refuses us or a record, or there is no such topic; what was not
                acknowledged is kept, and the next call tries again.

        """
        self._check_usable()
        deadline = time.monotonic() + timeout
        while True:
            self._changed.clear()
            self._drop_oldest_acknowledged()
            if not self._sent and not self._unsent:
                return 0
            producer = self._ready_producer(deadline)
            if producer is not None:
                self._send_unsent(producer, deadline)
                self._give_up_when_broken(producer)
            left = deadline - time.monotonic()
            if left <= 0:
                self._drop_acknowledged()
                return len(self._sent) + len(self._unsent)
            self._changed.wait(min(left, _LOOK_SECONDS))

    def identity(self, timeout: float) -> str:
        """Return what names this very topic: it changes when the topic is made anew.

        Raises:
            LogError: The cluster cannot be asked within *timeout* seconds.

        """
        cluster = open_cluster(self._url, timeout)
        try:
            return cluster.view(self._topic).identity
        finally:
            cluster.close()

    def close(self) -> None:
        """Close the connection; what is not acknowledged by now is the caller's to send again."""
        self._closed = True
        self._abandon()
        self._unsent.clear()
        self._pending_bytes = 0

    def _check_usable(self) -> None:
        if self._closed:
            raise LogError("the log writer is closed")
        if self._pid != os.getpid():
            # kafka-python would take records in the child and never send them.
            raise LogError("the log writer belongs to the parent process; open a new one")

    def _drop_oldest_acknowledged(self) -> None:
        while self._sent and _acknowledged(self._sent[0]):
            self._count_off(self._sent.popleft())

    def _drop_acknowledged(self) -> None:
        for each in self._sent:
            if _acknowledged(each):
                self._count_off(each)
        self._sent = deque(each for each in self._sent if not each.done)

    def _count_off(self, each: _Pending) -> None:
        each.done = True
        self._pending_bytes -= len(each.value)
        self._last_progress = time.monotonic()
        self._backoff.reset()

    def _ready_producer(self, deadline: float) -> Producer | None:
        """Return a producer that has not failed, or None while it is too early for a new one."""
        if self._producer is not None:
            self._give_up_when_broken(self._producer)
        if self._producer is None:
            pause = self._not_before - time.monotonic()
            if pause > 0:
                time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
            if time.monotonic() < self._not_before:
                return None
            self._producer = Producer(self._url, self._topic, self._changed)
            self._last_progress = time.monotonic()
            self._asked = False
        return self._producer

    def _give_up_when_broken(self, producer: Producer) -> None:
        failure = producer.failure
        if failure is None and time.monotonic() - self._last_progress > self._patience:
            failure = kafka_errors.KafkaTimeoutError(
                f"nothing was acknowledged for {self._patience:.0f} seconds"
            )
        if failure is None:
            return
        self._abandon()
        self.rebuilds += 1
        self._not_before = time.monotonic() + self._backoff.pause()
        self.last_error = to_log_error(
            failure, self._where, producer.client_id, secured=self._url.options.secured
        )
        if not self.last_error.retryable:
            raise self.last_error from failure

    @property
    def _patience(self) -> float:
        """Seconds without any acknowledgement after which a producer counts as stuck."""
        return float(self._url.options["delivery_timeout_ms"] / 1000 * 1.25)

    def _send_unsent(self, producer: Producer, deadline: float | None) -> None:
        while self._unsent:
            each = self._unsent[0]
            try:
                each.future = producer.send(each.key, each.value, each.headers)
            except kafka_errors.KafkaTimeoutError:
                if deadline is not None:
                    self._ask_why(producer, deadline - time.monotonic())
                return
            except (kafka_errors.KafkaError, ValueError) as error:
                # The object may have failed in its own thread meanwhile: that is the cause then.
                producer.failure = producer.failure or error
                return
            self._sent.append(self._unsent.popleft())

    def _ask_why(self, producer: Producer, seconds: float) -> None:
        """Find out whether we are refused, the topic is missing, or the broker only silent."""
        trouble = newest_trouble(producer.client_id)
        if trouble is not None and trouble.is_denial:
            # A timeout is what the client will call it; to_log_error() finds the cause again.
            producer.failure = producer.failure or kafka_errors.KafkaTimeoutError()
        if producer.failure is not None or self._asked:
            return
        self._asked = True
        try:
            self.identity(min(_LONGEST_ASK_SECONDS, max(_SHORTEST_ASK_SECONDS, seconds)))
        except LogError as error:
            self.last_error = error
            if not error.retryable:
                producer.failure = error

    def _abandon(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None and self._pid == os.getpid():
            producer.abandon()
        self._drop_acknowledged()
        self._unsent.extendleft(reversed(self._sent))
        self._sent.clear()


def _acknowledged(pending: _Pending) -> bool:
    return pending.future is not None and bool(pending.future.succeeded())
