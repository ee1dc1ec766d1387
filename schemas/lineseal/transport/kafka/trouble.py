"""Remembers why the broker did not answer.

kafka-python tries again in the background and in the end says only that time ran out; the cause
(refused, wrong certificate, wrong password) goes to its log. This handler keeps the cause per
client, so that our errors can name it: the newest, but a refusal is not covered up by the closed
connections that follow it. It prints nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict

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
_VAGUE = frozenset({"Cancelled", "KafkaTimeoutError", "NodeNotReadyError"})
"""Exceptions that say only that something did not happen."""
_FRESH_SECONDS = 60.0
"""Older causes may have been overcome since."""


class _Troubles(logging.Handler):
    """Remembers the newest exception that was logged in each client's own thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._newest: OrderedDict[str, tuple[float, BaseException]] = OrderedDict()
        self._guard = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exception in *record*, if there is one."""
        arguments = record.args if isinstance(record.args, tuple) else ()
        for argument in arguments:
            if isinstance(argument, BaseException) and not is_vague(argument):
                self._keep(str(record.threadName), argument)

    def of(self, threads: tuple[str, ...]) -> BaseException | None:
        """Return the newest exception of *threads* that is fresh."""
        with self._guard:
            for thread, (at, error) in reversed(self._newest.items()):
                if thread in threads and time.monotonic() - at < _FRESH_SECONDS:
                    return error
        return None

    def _keep(self, thread: str, error: BaseException) -> None:
        with self._guard:
            at, before = self._newest.pop(thread, (0.0, error))
            if is_denial(before) and time.monotonic() - at < _FRESH_SECONDS:
                error = before
            self._newest[thread] = (time.monotonic(), error)
            if len(self._newest) > _MAX_CLIENTS:
                self._newest.popitem(last=False)


def is_denial(error: BaseException) -> bool:
    """Return True when broker or client refused the other: waiting does not help."""
    return isinstance(error, _DENIED) or _TLS in str(error)


def is_vague(error: BaseException) -> bool:
    """Return True when *error* does not say why something did not happen."""
    return type(error).__name__ in _VAGUE


_TROUBLES = _Troubles()
logging.getLogger("kafka").addHandler(_TROUBLES)


def newest_trouble(client_id: str) -> BaseException | None:
    """Return what last went wrong for the client, or None when nothing was logged lately."""
    # The names of the threads that consumer and admin client, and the producer, work in.
    return _TROUBLES.of((f"kafka-io-{client_id}", f"{client_id}-network-thread"))
