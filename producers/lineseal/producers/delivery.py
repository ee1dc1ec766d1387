"""Gets encoded events into this process's own outbox, over forks, failures and exits.

The outbox is opened at the first event. A forked child drops the outbox it inherited and opens
its own at its first event, so that it speaks in an epoch of its own. While no outbox can be
opened or written, what comes is counted as lost, and the loss is sealed as soon as possible.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections.abc import Sequence

from lineseal.producers.identity import Identity
from lineseal.producers.sealing import Sealing
from lineseal.producers.tally import Tally
from lineseal.schemas.errors import LinesealError, LogError
from lineseal.transport.embedded.forking import FORK_GATE
from lineseal.transport.open import is_kafka
from lineseal.transport.relay.background import BackgroundRelay
from lineseal.transport.relay.drain import drain

CLOSE_SECONDS = 10.0
"""How long closing waits for the disk; what is not sealed by then stays durable."""
_FIRST_RETRY_SECONDS = 1.0
_LAST_RETRY_SECONDS = 60.0

_deliveries: weakref.WeakSet[Delivery] = weakref.WeakSet()


class Delivery:
    """Owns the open outbox of one emitter in this process. Safe to share between threads."""

    def __init__(self, identity: Identity, tally: Tally, *, relay: bool = False) -> None:
        """Prepare to deliver as *identity* and to count in *tally*; nothing is opened yet.

        With *relay*, and a log in Kafka, a thread of this process ships what is sealed.
        """
        self._identity = identity
        self._tally = tally
        self._relay: BackgroundRelay | None = None
        self._with_relay = relay and is_kafka(identity.settings.log.url)
        self._reset()
        _deliveries.add(self)

    def _reset(self) -> None:
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._sealing: Sealing | None = None
        self._opening = False
        self._retry_seconds = _FIRST_RETRY_SECONDS
        self._not_before = 0.0
        self._failure: LinesealError | None = None

    def accept(self, events: Sequence[bytes]) -> None:
        """Make *events* durable.

        Raises:
            LinesealError: They could not be; they are counted as dropped.

        """
        try:
            sealing = self._open_sealing()
            try:
                sealing.outbox.accept(events)
            except LogError:
                if self._sealing is sealing:
                    raise
                # Another thread closed it in between.
                sealing = self._open_sealing()
                sealing.outbox.accept(events)
        except Exception as error:
            self._tally.drop(len(events), getattr(error, "code", type(error).__name__))
            if self._sealing is not None:
                self._sealing.notify_loss()
            raise
        self._tally.accept(len(events))
        sealing.notify(len(events))

    def seal_now(self) -> None:
        """Seal what is pending and any loss; nothing happens before the first event.

        Raises:
            LogError, KeyUnusable: It could not be sealed; it stays pending.

        """
        sealing = self._sealing if self._pid == os.getpid() else None
        if sealing is not None:
            sealing.seal_now()

    def close(self, timeout_seconds: float = CLOSE_SECONDS) -> bool:
        """Seal everything, end the epoch and release the outbox; the next event opens another.

        Returns:
            Whether that was done in time.

        """
        if self._pid != os.getpid():
            self.after_fork()
        with self._lock:
            sealing = self._sealing
            if sealing is None and self._tally.has_loss:
                sealing = self._last_try()
            self._sealing = None
        return sealing is None or sealing.stop(timeout_seconds)

    def drain(self) -> None:
        """Let this process's own relay ship what is left, bounded, and end it; say what stays."""
        if self._relay is not None:
            drain(self._relay, self._identity.settings.emitter.drain_seconds)

    def after_fork(self) -> None:
        """Drop what a child inherited; what the parent lost is the parent's to tell."""
        if self._sealing is not None:
            self._sealing.outbox.abandon_after_fork()
        self._tally.after_fork()
        self._reset()

    def _open_sealing(self) -> Sealing:
        if self._pid != os.getpid():
            self.after_fork()
        return self._sealing or self._open()

    def _open(self) -> Sealing:
        with self._lock:
            if self._sealing is not None:
                return self._sealing
            if self._opening:
                raise LogError("the outbox was called from a signal handler while it was opened")
            if self._failure is not None and time.monotonic() < self._not_before:
                # The same object raised again and again would collect tracebacks.
                raise self._failure.with_traceback(None)
            self._opening = True
            try:
                # What a child inherits is either not there yet or known here.
                with FORK_GATE.inside():
                    self._sealing = self._identity.open_sealing(self._tally)
            except LinesealError as error:
                self._failure = error
                self._not_before = time.monotonic() + self._retry_seconds
                self._retry_seconds = min(2 * self._retry_seconds, _LAST_RETRY_SECONDS)
                raise
            finally:
                self._opening = False
            self._retry_seconds = _FIRST_RETRY_SECONDS
            self._sealing.start()
            self._start_relay()
            _close_in_worker(self)
            return self._sealing

    def _start_relay(self) -> None:
        """Ship from a thread; it stands by while another relay of this log folder works."""
        if self._with_relay and self._relay is None:
            self._relay = self._identity.relay()
        if self._relay is not None:
            self._relay.start()

    def _last_try(self) -> Sealing | None:
        try:
            with FORK_GATE.inside():
                return self._identity.open_sealing(self._tally)
        except LinesealError:
            return None


def _close_in_worker(delivery: Delivery) -> None:
    """Close at the end of a ``multiprocessing`` worker too: it skips ``atexit``."""
    process = sys.modules.get("multiprocessing.process")
    util = sys.modules.get("multiprocessing.util")
    if process is not None and util is not None and process.parent_process() is not None:
        util.Finalize(delivery, delivery.close, exitpriority=10)


def _after_fork_in_child() -> None:
    for delivery in list(_deliveries):
        delivery.after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)
