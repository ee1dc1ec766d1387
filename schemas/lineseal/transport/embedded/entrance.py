"""Lets one thread at a time into the outbox, and never lets a thread wait for itself.

A signal handler runs in the middle of whatever its thread does. When it emits an event while
that thread commits one, an ordinary lock would wait for ever; here the second call is refused. So
is one that would take two entrances in the wrong order: another thread may do it in the right one.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator

from lineseal.schemas.errors import LogError
from lineseal.transport.embedded.forking import FORK_GATE

_BUSY = "the outbox was called from a signal handler while it was busy"


def held_here(lock: threading.RLock) -> bool:
    """Return whether this thread holds *lock*; exact also between two steps of taking it."""
    return bool(lock._is_owned())  # type: ignore[attr-defined] # noqa: SLF001 - as Condition does


class Entrance:
    """Guards what only one caller at a time may use, and no fork may interrupt."""

    def __init__(self, inner: Entrance | None = None) -> None:
        """Whoever needs this entrance and *inner* takes this one first, never second."""
        self._lock = threading.RLock()
        self._inner = inner
        self._inside = False

    @property
    def is_mine(self) -> bool:
        """Return whether this thread is inside, or just coming in or leaving."""
        return held_here(self._lock)

    @property
    def is_taken(self) -> bool:
        """Return whether somebody is inside now, be it this thread; a moment later may differ."""
        return self._inside

    @contextlib.contextmanager
    def alone(self) -> Generator[None]:
        """Wait for the others to leave, then be the only one inside.

        Raises:
            LogError: This very thread is inside already, or inside the inner entrance; or a fork
                spoilt this process.

        """
        if self._inner is not None and self._inner.is_mine:
            # Who is inside here may be waiting for the inner one.
            raise LogError(_BUSY)
        with FORK_GATE.inside(), self._lock:
            if self._inside:
                raise LogError(_BUSY)
            self._inside = True
            try:
                yield
            finally:
                self._inside = False
