"""Lets one thread at a time into the outbox, and never lets a thread wait for itself.

A signal handler runs in the middle of whatever its thread does. When it emits an event while
that thread commits one, an ordinary lock would wait for ever; here the second call is refused.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator

from lineseal.schemas.errors import LogError

_FORK_WAIT_SECONDS = 1.0


class Entrance:
    """Guards what only one caller at a time may use."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._inside = False
        self._fork_holder: int | None = None

    @contextlib.contextmanager
    def alone(self) -> Generator[None]:
        """Wait for the others to leave, then be the only one inside.

        Raises:
            LogError: This very thread is inside already.

        """
        with self._lock:
            if self._inside:
                raise LogError("the outbox was called from a signal handler while it was busy")
            self._inside = True
            try:
                yield
            finally:
                self._inside = False

    def hold_for_fork(self) -> None:
        """Keep other threads out until ``release_after_fork``, if that works within a second."""
        if self._lock.acquire(timeout=_FORK_WAIT_SECONDS):
            self._fork_holder = threading.get_ident()

    def release_after_fork(self) -> None:
        """Let other threads in again, if this thread kept them out."""
        if self._fork_holder == threading.get_ident():
            self._fork_holder = None
            self._lock.release()
