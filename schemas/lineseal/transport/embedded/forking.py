"""Makes ``os.fork`` wait until no thread is inside SQLite or the signing library.

A child has only the thread that forked. A lock which another thread held at that moment inside
native code (SQLite's memory, the signing library's once-only values) is never released in it: the
child would hang at its first event. Whoever works on an outbox is *inside* the gate; a fork waits
until everybody has left and keeps others out meanwhile. What others had locked inside SQLite the
child looks at itself. Source: DESIGN 5; fault F52.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Generator

from lineseal.schemas.errors import LogError
from lineseal.transport.embedded.sqlite_mutexes import SqliteMutexes
from lineseal.transport.embedded.voice import LOGGER

FORK_PATIENCE_SECONDS = 10.0
"""Longest wait of a fork for a disk or a key service: a fork must not hang either."""


class ForkGate:
    """Counts the threads that are inside. Always enter it before any lock, never after one."""

    def __init__(self) -> None:
        """Start with nobody inside."""
        self._changed = threading.Condition(threading.RLock())
        self._depths: dict[int, int] = {}
        self._forks = 0
        self._spoilt = False
        self._mutexes = SqliteMutexes()

    @contextlib.contextmanager
    def inside(self) -> Generator[None]:
        """Be inside, after a fork that is under way; a thread may be inside several times.

        Raises:
            LogError: This process was forked while another thread was inside for too long.

        """
        me = threading.get_ident()
        with self._changed:
            if self._spoilt:
                raise LogError("this process was forked in the middle of a write; start it anew")
            while self._forks and me not in self._depths:
                self._changed.wait()
            self._depths[me] = self._depths.get(me, 0) + 1
        try:
            yield
        finally:
            self._leave(me)

    def _leave(self, me: int) -> None:
        with self._changed:
            self._depths[me] -= 1
            if not self._depths[me]:
                del self._depths[me]
                if self._forks:
                    self._changed.notify_all()

    def close_for_fork(self, patience_seconds: float = FORK_PATIENCE_SECONDS) -> None:
        """Keep others out, and wait until they have left, but not longer than the patience."""
        deadline = time.monotonic() + patience_seconds
        self._mutexes.find()
        with self._changed:
            self._forks += 1
            while self._others() and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            if self._others():
                LOGGER.warning("forked in the middle of a write: the child cannot emit events")

    def open_after_fork(self) -> None:
        """Let others in again; called in the parent."""
        with self._changed:
            self._forks -= 1
            self._changed.notify_all()

    def start_anew(self) -> None:
        """Forget the parent's threads; called in the child."""
        self._spoilt = self._spoilt or bool(self._others()) or not self._mutexes.free()
        self._changed = threading.Condition(threading.RLock())
        me = threading.get_ident()
        self._depths = {me: self._depths[me]} if me in self._depths else {}
        self._forks = 0

    def _others(self) -> set[int]:
        # A signal handler may fork in the middle of what its own thread does.
        return self._depths.keys() - {threading.get_ident()}


FORK_GATE = ForkGate()
"""The one of this process."""

# Hooks registered last run first: this one before that of logging, which who is inside may need.
os.register_at_fork(
    before=FORK_GATE.close_for_fork,
    after_in_parent=FORK_GATE.open_after_fork,
    after_in_child=FORK_GATE.start_anew,
)
