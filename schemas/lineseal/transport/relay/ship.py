"""Ships batches from outbox files to Kafka, in order, at least once.

One window at a time: read, hand over, wait until the broker has acknowledged all of it, remember,
next. A failure at any point leaves the window as it is, and the next call goes on with it; a
crash ships the window again. Duplicates are removed by (producer, epoch, batch number).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from lineseal.schemas.errors import LogError, TopicReplaced
from lineseal.transport.backoff import Backoff
from lineseal.transport.base import LogReader, LogRecord
from lineseal.transport.open import IdentifiedWriter
from lineseal.transport.relay.cursor import RelayCursor
from lineseal.transport.relay.telemetry import BATCHES, FAILURES, REBUILDS, count
from lineseal.transport.relay.traceparent import traceparent_of

WINDOW_RECORDS = 1000
GRACE_SECONDS = 8.0
"""How long an orderly stop waits for acknowledgements that are on their way."""
_IDENTITY_SECONDS = 30.0
_ASK_SECONDS = 5.0
_STEP_SECONDS = 0.5
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_REPEAT_SECONDS = 300.0
_NAP_SECONDS = 0.2


class Relay:
    """Ships one log folder to one topic. Owns none of what it is given.

    Attributes:
        shipped: Batches the broker acknowledged so far.

    """

    def __init__(self, reader: LogReader, writer: IdentifiedWriter, cursor: RelayCursor) -> None:
        """Go on where *cursor* stands."""
        self._reader = reader
        self._writer = writer
        self._cursor = cursor
        self._window: list[LogRecord] = []
        self._to_hand_over: deque[LogRecord] = deque()
        self._identified_at: float | None = None
        self.shipped = 0
        reader.seek(cursor.positions)

    @property
    def waiting(self) -> int:
        """Return how many batches were read and are not acknowledged yet."""
        return len(self._window)

    def read(self, timeout: float) -> int:
        """Read the next window, waiting up to *timeout* seconds for it; return ``waiting``.

        Raises:
            LogError: The outboxes cannot be read.

        """
        if not self._window:
            self._window = list(self._reader.poll(WINDOW_RECORDS, timeout))
            self._to_hand_over = deque(self._window)
        return self.waiting

    def ship(self, timeout: float, ask_timeout: float = _ASK_SECONDS) -> bool:
        """Ship the window; True when all of it was acknowledged within *timeout* seconds.

        Now and then the topic's id is asked for first: for up to *ask_timeout* seconds.

        Raises:
            TopicReplaced: The topic is not the one the cursor counts for.
            LogError: Nothing can be shipped now; call again later.

        """
        before = self._writer.rebuilds
        try:
            return self._ship(timeout, ask_timeout)
        except LogError as error:
            count(FAILURES, 1, {"error.type": error.code})
            raise
        finally:
            count(REBUILDS, self._writer.rebuilds - before)

    def _ship(self, timeout: float, ask_timeout: float) -> bool:
        self._check_identity(ask_timeout)
        while self._to_hand_over:
            record = self._to_hand_over[0]
            self._writer.append(record.key, record.value, traceparent_of(record.value))
            self._to_hand_over.popleft()
        if self._writer.flush(timeout):
            return False
        self._cursor.advance({record.stream: record.next_position for record in self._window})
        self.shipped += len(self._window)
        count(BATCHES, len(self._window))
        self._window = []
        return True

    def _check_identity(self, timeout: float) -> None:
        now = time.monotonic()
        if self._identified_at is None or now - self._identified_at > _IDENTITY_SECONDS:
            self._cursor.bind(self._writer.identity(timeout))
            self._identified_at = now


def ship_all(relay: Relay, left: Callable[[], float]) -> None:
    """Ship what the outboxes hold now; *left* says how many seconds may still go by.

    Raises:
        LogError: Not everything was acknowledged in time, or waiting is no cure.

    """
    backoff = Backoff(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
    trouble: LogError | None = None
    while relay.read(0.0):
        seconds = left()
        if seconds <= 0:
            raise LogError(
                f"{relay.waiting} batches were not acknowledged in time and stay in the outbox:"
                f" {trouble or 'the broker does not answer'}"
            ) from trouble
        try:
            if relay.ship(min(seconds, _STEP_SECONDS), min(seconds, _ASK_SECONDS)):
                backoff.reset()
        except LogError as error:
            if not error.retryable:
                raise
            trouble = error
            _nap(min(backoff.pause(), seconds), lambda: left() <= 0)


def seconds_from_now(seconds: float) -> Callable[[], float]:
    """Return a clock that says how many of *seconds* are left."""
    deadline = time.monotonic() + seconds
    return lambda: deadline - time.monotonic()


def follow(
    relay: Relay,
    stopping: Callable[[], bool],
    say: Callable[[str], None],
    grace: float = GRACE_SECONDS,
) -> None:
    """Ship whatever comes until *stopping* returns True.

    What is on its way then is finished, for at most *grace* seconds. No failure ends it but a
    replaced topic, which a person has to decide about: the outboxes keep everything meanwhile.
    *say* is told of a failure when it is new, and when it is over.

    Raises:
        TopicReplaced: The topic is not the one the cursor counts for.

    """
    backoff = Backoff(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS)
    said, said_at = "", 0.0
    while not stopping():
        try:
            if not relay.read(_STEP_SECONDS) or not relay.ship(_STEP_SECONDS):
                continue
        except TopicReplaced:
            raise
        except LogError as error:
            if str(error) != said or time.monotonic() - said_at > _REPEAT_SECONDS:
                said, said_at = str(error), time.monotonic()
                say(f"cannot ship, trying again: {error} [{error.code}]")
            _nap(backoff.pause(), stopping)
            continue
        backoff.reset()
        if said:
            say("shipping again")
            said = ""
    _finish(relay, grace)


def _finish(relay: Relay, grace: float) -> None:
    deadline = time.monotonic() + grace
    while relay.waiting and time.monotonic() < deadline:
        try:
            relay.ship(min(_STEP_SECONDS, deadline - time.monotonic()))
        except LogError:
            return


def _nap(seconds: float, stopping: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not stopping() and time.monotonic() < until:
        time.sleep(min(_NAP_SECONDS, max(0.0, until - time.monotonic())))
