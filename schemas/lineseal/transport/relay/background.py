"""Ships from a thread of the process that emits, for jobs on hosts where no relay runs.

Nothing of the job waits for it: it has its own reader of the outbox files, its own connection and
its own cursor file, which only one relay of a log folder can hold. Where another relay holds it,
this one stands by and takes over when that one is gone. Whatever fails is a warning; the outboxes
keep everything. A forked child inherits no thread, so it starts a relay of its own.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from contextlib import ExitStack, closing
from pathlib import Path

from lineseal.schemas.errors import LinesealError, LogError, RelayBusy, TopicReplaced
from lineseal.settings import Home
from lineseal.transport.embedded import EmbeddedLogReader
from lineseal.transport.embedded.voice import LOGGER
from lineseal.transport.open import open_kafka_writer
from lineseal.transport.relay.cursor import RelayCursor, all_acknowledged
from lineseal.transport.relay.ship import Relay, follow, ship_all
from lineseal.transport.relay.telemetry import observe_backlog

STANDBY_SECONDS = 2.0
"""How long a relay waits before it looks again whether another one is gone."""
_LOOK_SECONDS = 0.1
_CLOSING_SECONDS = 5.0
"""Closing a connection to a silent broker may take this much longer than the drain."""

_relays: weakref.WeakSet[BackgroundRelay] = weakref.WeakSet()
_abandoned: list[object] = []
"""What a forked child inherited and must neither use nor close."""


class BackgroundRelay:
    """Ships the outboxes of one folder until it is stopped. Safe to share between threads.

    Attributes:
        shipped: Batches the broker acknowledged so far.
        waiting: Batches that were read and are not acknowledged, as far as is known.
        problem: Why nothing is shipped at the moment, or None.

    """

    def __init__(self, url: str, home: Home, folder: Path) -> None:
        """Prepare to ship the outboxes in *folder* to *url*; nothing is started yet."""
        self._url = url
        self._home = home
        self._folder = folder
        self._reset()
        _relays.add(self)

    def _reset(self) -> None:
        self._guard = threading.Lock()
        self._pid = os.getpid()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._deadline = 0.0
        self._is_cut_short = False
        self._cursor: RelayCursor | None = None
        self._inherited: ExitStack | None = None
        self._drained = False
        self.shipped = 0
        self.waiting = 0
        self.problem: LinesealError | None = None

    def start(self) -> None:
        """Start the thread; nothing happens when it runs already or none can be started."""
        if self._thread is not None and self._pid == os.getpid():
            return
        with self._guard:
            if self._thread is not None:
                return
            self._stopping.clear()
            self._drained = False
            thread = threading.Thread(target=self._run, name="lineseal-relay", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is shutting down
                return
            self._thread = thread

    def stop(self, seconds: float) -> bool:
        """Ship what the outboxes hold now, for at most *seconds*, and end.

        Returns:
            Whether all of it was acknowledged. What was not stays in the outboxes.

        """
        with self._guard:
            thread, self._thread = self._thread, None
        if thread is None:
            return True
        self._deadline = time.monotonic() + seconds
        self._stopping.set()
        thread.join(seconds + _CLOSING_SECONDS)
        return self._drained

    def cut_short(self) -> None:
        """Give up the drain that is under way, or comes; call it from a signal handler."""
        self._is_cut_short = True

    def abandon_after_fork(self) -> None:
        """Forget what a child inherited, without touching the parent's connections."""
        if self._cursor is not None:
            self._cursor.close()  # the parent keeps its lock
        if self._inherited is not None:
            _abandoned.append(self._inherited.pop_all())
        self._reset()

    def _run(self) -> None:
        while not self._drained:
            try:
                self._hold()
            except RelayBusy as error:
                self._note(error, quiet=True)
                self._drained = self._stopping.is_set() and self._done_by_another()
            except TopicReplaced as error:
                self._note(error)
                return
            except LinesealError as error:
                self._note(error)
            except Exception:  # noqa: BLE001 - a relay never harms the job
                LOGGER.exception("the relay in this job failed; the outbox keeps everything")
            if self._stopping.is_set():
                if self._left() <= 0:
                    return
                time.sleep(_LOOK_SECONDS)
            else:
                self._stopping.wait(STANDBY_SECONDS)

    def _hold(self) -> None:
        """Be the relay of the folder until told to stop, then drain.

        Raises:
            RelayBusy: Another relay is.
            LinesealError: The log cannot be opened.

        """
        observe_backlog(self._folder)
        with ExitStack() as stack:
            self._cursor = stack.enter_context(closing(RelayCursor.open(self._folder.parent)))
            self._inherited = stack
            writer = stack.enter_context(closing(open_kafka_writer(self._url, self._home)))
            reader = stack.enter_context(closing(EmbeddedLogReader(self._folder)))
            relay = Relay(reader, writer, self._cursor)
            try:
                follow(relay, self._stopping.is_set, self._say, grace=0.0)
                self._drain(relay)
            finally:
                self.shipped += relay.shipped
                self.waiting = relay.waiting
        self._cursor = self._inherited = None

    def _drain(self, relay: Relay) -> None:
        ship_all(relay, self._left)
        self._drained = True

    def _left(self) -> float:
        return 0.0 if self._is_cut_short else self._deadline - time.monotonic()

    def _done_by_another(self) -> bool:
        try:
            return all_acknowledged(self._folder)
        except LogError:
            return False

    def _say(self, text: str) -> None:
        LOGGER.warning("the relay in this job %s", text)

    def _note(self, error: LinesealError, *, quiet: bool = False) -> None:
        self.problem = error
        if isinstance(error, LogError) and self._stopping.is_set():
            # Said by whoever waits for the drain.
            return
        if not quiet:
            LOGGER.warning("the relay in this job cannot ship: %s [%s]", error, error.code)


def _after_fork_in_child() -> None:
    for relay in list(_relays):
        relay.abandon_after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)
