"""Lets many threads share one commit, without a thread of its own.

Whoever calls puts its events into a queue. If nobody commits at that moment, the caller leads: it
commits everything queued so far in one transaction and then passes the lead to the first that
queued up meanwhile. A single thread never waits for another one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from lineseal.schemas.errors import LogError, OutboxFull
from lineseal.transport.embedded.entrance import Entrance, held_here

_PATIENCE_SECONDS = 30.0
"""Longest wait for another thread's commit: a hanging disk must not hang every thread for ever."""


class _Submission:
    """Carries one caller's events to the commit and its outcome back."""

    __slots__ = ("_woken", "error", "events", "settled", "size", "thread")

    def __init__(self, events: Sequence[bytes]) -> None:
        self.events = events
        self.size = sum(map(len, events))
        self.thread = threading.get_ident()
        self.settled = False
        self.error: LogError | None = None
        self._woken = threading.Lock()
        self._woken.acquire()

    def settle(self, error: LogError | None = None) -> None:
        """Say how it ended; an error is copied, since each thread raises its own."""
        if error is not None:
            self.error = type(error)(*error.args)
            self.error.__cause__ = error.__cause__
        self.settled = True
        self.wake()

    def wake(self) -> None:
        """Wake the caller: its events are settled, or it is to lead."""
        if self._woken.locked():
            self._woken.release()

    def wait(self) -> None:
        """Wait to be woken, or until patience ends."""
        self._woken.acquire(timeout=_PATIENCE_SECONDS)


class GroupCommit:
    """Commits the events of all waiting threads together."""

    def __init__(
        self,
        entrance: Entrance,
        room: Callable[[], int],
        commit: Callable[[Sequence[bytes]], None],
    ) -> None:
        """Commit through *commit*, called alone inside, at most ``room()`` bytes at a time."""
        self._entrance = entrance
        self._room = room
        self._commit = commit
        self._queue: deque[_Submission] = deque()
        # Guards the queue and the lead. Re-entrant, for signal handlers.
        self._order = threading.RLock()
        self._leader: int | None = None

    def __len__(self) -> int:
        """Return how many callers wait for the next commit."""
        return len(self._queue)

    def submit(self, events: Sequence[bytes]) -> None:
        """Return once *events* are committed, all of them or none.

        Raises:
            OutboxFull: They do not fit.
            LogError: The commit failed; or it was interrupted in another thread, and whether
                the events are stored is unknown.

        """
        mine = _Submission(events)
        if self._leader == mine.thread or self._entrance.is_mine or held_here(self._order):
            # Whoever leads may be waiting for this very thread.
            raise LogError("the outbox was called from a signal handler in mid-commit")
        try:
            if not self._enqueue(mine):
                mine.wait()
            if self._leader == mine.thread and not mine.settled:
                with self._entrance.alone():
                    self._commit_queue()
        finally:
            self._leave(mine)
        if mine.error is not None:
            raise mine.error
        if not mine.settled:
            raise LogError("the commit was interrupted or hangs; the events may be stored or not")

    def _enqueue(self, mine: _Submission) -> bool:
        """Queue up; True when nobody leads, so that the caller now does."""
        with self._order:
            self._queue.append(mine)
            if self._leader is None:
                self._leader = mine.thread
            return self._leader == mine.thread

    def _leave(self, mine: _Submission) -> None:
        """Leave the queue, however it ended, and pass the lead on."""
        with self._order:
            if not mine.settled and mine in self._queue:
                self._queue.remove(mine)
            if self._leader != mine.thread:
                return
            self._leader = self._queue[0].thread if self._queue else None
            for one in tuple(self._queue):
                # A thread queues twice when its signal handler emits while it waits.
                if one.thread == self._leader:
                    one.wake()

    def _commit_queue(self) -> None:
        waiting = [self._queue.popleft() for _ in range(len(self._queue))]
        fitting: list[_Submission] = []
        try:
            room = self._room()
            for one in waiting:
                if one.size > room:
                    one.settle(OutboxFull("the outbox is over its cap ([emitter] max_bytes)"))
                    continue
                room -= one.size
                fitting.append(one)
            if fitting:
                self._commit([event for one in fitting for event in one.events])
        except LogError as error:
            for one in waiting:
                if not one.settled:
                    one.settle(error)
        except BaseException:
            # Interrupted: the events may be stored or not, and nobody shall wait to be told.
            for one in waiting:
                one.wake()
            raise
        else:
            for one in fitting:
                one.settle()
