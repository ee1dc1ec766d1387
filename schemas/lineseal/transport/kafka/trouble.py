"""Remembers why the broker did not answer.

kafka-python tries again in the background and in the end says only that time ran out; the cause
(refused, wrong certificate, wrong password) goes to its log. This handler keeps the cause per
client, so that our errors can name it: the newest, but a refusal is not covered up by the closed
connections that follow it, nor those by a timeout. It prints nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from kafka import errors as kafka_errors

_MAX_CLIENTS = 64
_DENIED = (
    kafka_errors.AuthorizationError,
    kafka_errors.SaslAuthenticationFailedError,
    kafka_errors.UnsupportedSaslMechanismError,
    kafka_errors.IllegalSaslStateError,
)
_TLS = "[SSL:"
"""What OpenSSL's texts begin with; kafka-python wraps them as ordinary connection errors."""
_HANG_UPS = ("socket disconnected", "Connection reset", "Broken pipe")
_VAGUE = frozenset({"Cancelled", "KafkaTimeoutError", "NodeNotReadyError"})
"""Exceptions that say only that something did not happen."""
_FRESH_SECONDS = 60.0
"""Older causes may have been overcome since."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Say what an exception said, without holding its frames and what they hold."""

    kind: type[BaseException]
    text: str

    @classmethod
    def of(cls, error: BaseException) -> Cause:
        """Take over kind and text of *error*."""
        return cls(type(error), str(error))

    @property
    def is_denial(self) -> bool:
        """Return True when broker or client refused the other: waiting does not help."""
        return issubclass(self.kind, _DENIED) or _TLS in self.text

    @property
    def is_hang_up(self) -> bool:
        """Return True when the other side closed the connection without a word."""
        return any(text in self.text for text in _HANG_UPS)

    @property
    def weight(self) -> int:
        """Return how much it tells: a timeout little, a refusal most."""
        if self.is_denial:
            return 2
        return 0 if issubclass(self.kind, kafka_errors.RequestTimedOutError) else 1

    @property
    def is_vague(self) -> bool:
        """Return True when it does not say why something did not happen."""
        return self.kind.__name__ in _VAGUE


class _Troubles(logging.Handler):
    """Remembers the newest exception that was logged in each client's own thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._newest: OrderedDict[str, tuple[float, Cause]] = OrderedDict()
        self._guard = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what the exception in *record* says, if there is one."""
        arguments = record.args if isinstance(record.args, tuple) else ()
        for argument in arguments:
            if isinstance(argument, BaseException):
                cause = Cause.of(argument)
                if not cause.is_vague:
                    self._keep(str(record.threadName), cause)

    def newest(self, threads: tuple[str, ...]) -> Cause | None:
        """Return the newest cause in *threads* that is fresh."""
        with self._guard:
            for thread, (at, cause) in reversed(self._newest.items()):
                if thread in threads and time.monotonic() - at < _FRESH_SECONDS:
                    return cause
        return None

    def _keep(self, thread: str, cause: Cause) -> None:
        with self._guard:
            at, before = self._newest.pop(thread, (0.0, cause))
            if before.weight > cause.weight and time.monotonic() - at < _FRESH_SECONDS:
                cause = before
            self._newest[thread] = (time.monotonic(), cause)
            if len(self._newest) > _MAX_CLIENTS:
                self._newest.popitem(last=False)


_TROUBLES = _Troubles()
logging.getLogger("kafka").addHandler(_TROUBLES)


def newest_trouble(client_id: str) -> Cause | None:
    """Return what last went wrong for the client, or None when nothing was logged lately."""
    # The names of the threads that consumer and admin client, and the producer, work in.
    return _TROUBLES.newest((f"kafka-io-{client_id}", f"{client_id}-network-thread"))
