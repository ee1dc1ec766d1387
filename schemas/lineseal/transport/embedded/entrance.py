"""Lets one thread at a time into the outbox, and never lets a thread wait for itself.

A signal handler runs in the middle of whatever its thread does. When it emits an event while
that thread commits one, an ordinary lock would wait for ever; here the second call is refused.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator

from lineseal.schemas.errors import LogError
from lineseal.transport.embedded.forking import FORK_GATE


class Entrance:
    """Guards what only one caller at a time may use, and no fork may interrupt."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._inside = False

    @property
    def is_taken(self) -> bool:
        """Return whether somebody is inside now, be it this thread; a moment later may differ."""
        return self._inside

    @contextlib.contextmanager
    def alone(self) -> Generator[None]:
        """Wait for the others to leave, then be the only one inside.

        Raises:
            LogError: This very thread is inside already, or a fork spoilt this process.

        """
        with FORK_GATE.inside(), self._lock:
            if self._inside:
                raise LogError("the outbox was called from a signal handler while it was busy")
            self._inside = True
            try:
                yield
            finally:
                self._inside = False
