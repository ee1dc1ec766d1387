"""Seals what was accepted, in the background, and ends the epoch.

A daemon thread owns the sealing of one outbox: it adopts what crashed processes of the producer
left behind, seals ``linger_ms`` after the first pending event or as soon as a batch is full, says
with an empty batch now and then that an idle epoch is alive, and on ``stop`` seals the rest and
closes the outbox. The job's thread never waits for a signature that a key service makes.
Nothing depends on the thread for safety: what it did not get to stays durable in the outbox and
is sealed by the producer's next opening.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from lineseal.producers.tally import Tally
from lineseal.schemas.errors import LinesealError
from lineseal.schemas.limits import MAX_BATCH_EVENTS
from lineseal.transport.embedded import Outbox
from lineseal.transport.embedded.voice import LOGGER

_FIRST_RETRY_SECONDS = 0.5
_LAST_RETRY_SECONDS = 30.0
_LOSS_SECONDS = 5.0
"""A loss is sealed at once, so that it outlives a kill, but no more often than this."""


class Sealing:
    """Seals one open outbox until it is stopped. Safe to share between threads."""

    def __init__(
        self,
        outbox: Outbox,
        tally: Tally,
        *,
        linger_seconds: float,
        heartbeat_seconds: float,
        adopt: Callable[[], int],
    ) -> None:
        """Take over *outbox*; *adopt* seals what crashed processes left, called once.

        An idle epoch says every *heartbeat_seconds* that it is alive; never when that is 0.
        """
        self.outbox = outbox
        self._tally = tally
        self._linger = linger_seconds
        self._heartbeat = heartbeat_seconds or None
        self._loss_noticed = 0.0
        self._adopt = adopt
        self._wake = threading.Condition()
        self._pending = outbox.pending_count
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; where none can be started any more, ``stop`` does the work."""
        thread = threading.Thread(target=self._run, name="lineseal-sealing", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is shutting down
            return
        self._thread = thread

    def notify(self, count: int) -> None:
        """Say that *count* more events were accepted; some are sealed already."""
        if not (self.outbox.pending_count or self._tally.has_loss):
            return
        with self._wake:
            before, self._pending = self._pending, self._pending + count
            if before == 0 or self._pending >= MAX_BATCH_EVENTS:
                self._wake.notify()

    def notify_loss(self) -> None:
        """Say that events were dropped, which the next batch has to tell."""
        now = time.monotonic()
        with self._wake:
            if now - self._loss_noticed >= _LOSS_SECONDS:
                self._loss_noticed = now
                self._pending = max(self._pending, 1)
                self._wake.notify()

    def seal_now(self, *, heartbeat: bool = False) -> int:
        """Seal what is pending and any loss, and return how many batches were written.

        With *heartbeat* a batch without events is written when there is nothing else.

        Raises:
            LogError, KeyUnusable: It could not be sealed; it stays pending.

        """
        loss = self._tally.take_loss()
        try:
            return self.outbox.seal_pending(loss=loss, heartbeat=heartbeat)
        except BaseException:
            self._tally.give_back(loss)
            raise
        finally:
            # What came in meanwhile, or did not get its turn, waits for the next round.
            with self._wake:
                self._pending = self.outbox.pending_count

    def stop(self, timeout_seconds: float) -> bool:
        """Seal the rest, end the epoch and close the outbox.

        Returns:
            Whether that was done in time; if not, the thread goes on with it.

        """
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is None:
            self._finish()
            return True
        if self._thread is threading.current_thread():
            return True  # a garbage collection in the thread itself; its loop ends next
        if self.outbox.is_busy_here:
            return False  # a signal handler: the thread goes on when this one leaves the outbox
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._try(self._adopt, "adopt what a crashed process left")
        retry = _FIRST_RETRY_SECONDS
        while (idle := self._wait()) is not None:
            if self._try(partial(self.seal_now, heartbeat=idle), "seal events"):
                retry = _FIRST_RETRY_SECONDS
                continue
            with self._wake:
                self._wake.wait_for(lambda: self._stopping, retry)
                self._pending = max(self._pending, 1)
            retry = min(2 * retry, _LAST_RETRY_SECONDS)
        self._finish()

    def _wait(self) -> bool | None:
        """Wait until there is something to seal and its time has come; None to stop.

        True when a heartbeat is due because nothing came.
        """
        with self._wake:
            if not self._wake.wait_for(lambda: self._stopping or self._pending, self._heartbeat):
                return True
            deadline = time.monotonic() + self._linger
            while not self._stopping and self._pending < MAX_BATCH_EVENTS:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._wake.wait(left)
            return None if self._stopping else False

    def _finish(self) -> None:
        if self._tally.has_loss:
            self._try(self.seal_now, "seal events")
        # This seals what is pending, together with the end of the epoch.
        self._try(self.outbox.close, "end the epoch")

    def _try(self, action: Callable[[], object], what: str) -> bool:
        try:
            action()
        except LinesealError as error:
            LOGGER.warning("cannot %s: %s [%s]; the events are kept", what, error, error.code)
            return False
        except Exception:  # noqa: BLE001 - the thread must live on
            LOGGER.exception("cannot %s; the events are kept", what)
            return False
        return True
