"""Keeps the feed up to date and every sink going, each in a thread of its own.

A sink that is slow, down or parked does not hold up the others. ``once`` brings every sink as far
as it gets without waiting for what is down.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lineseal.consumers.forward.courier import PARKED_SECONDS, Courier
from lineseal.consumers.forward.feed import Feed
from lineseal.consumers.forward.health import raise_parked
from lineseal.consumers.forward.manifest import add_manifest
from lineseal.consumers.forward.source import OpenStore, read_store
from lineseal.consumers.sinks.base import Sink
from lineseal.schemas.errors import LinesealError, NotFound, StoreBusy
from lineseal.schemas.ids import now_us
from lineseal.services import ServiceLog
from lineseal.signing.signers import KeySigner

POLL_SECONDS = 0.5
KEEP_US = 30 * 86_400 * 1_000_000
"""How long documents are kept that every sink has."""
_PRUNE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwarderOptions:
    """Say what a forwarder works with besides feed and sinks."""

    deployment: str
    open_store: OpenStore
    log: ServiceLog
    signer: KeySigner | None = None
    clock: Callable[[], int] = now_us


class Forwarder:
    """Ships the store of one home to its sinks. Owns the sinks, not the feed."""

    def __init__(self, feed: Feed, sinks: Mapping[str, Sink], options: ForwarderOptions) -> None:
        """Go on where the feed says."""
        self._feed = feed
        self._options = options
        self._added = threading.Condition()
        self._said: str | None = None
        self.couriers = [
            Courier(name, sink, feed, options.clock, self._parked) for name, sink in sinks.items()
        ]

    def pump(self) -> int:
        """Take what is new in the store into the feed; return how many records.

        Raises:
            LinesealError: The store or the feed cannot be used.

        """
        options = self._options
        added = read_store(options.open_store, self._feed, options.deployment, options.clock)
        if add_manifest(self._feed, options.deployment, options.signer, options.clock()):
            added += 1
        if added:
            self._wake()
        return added

    def once(self) -> None:
        """Take what is new into the feed and bring every sink as far as it gets now.

        Raises:
            LinesealError: The store or the feed cannot be used.

        """
        self.pump()
        threads = [threading.Thread(target=self._drain, args=(each,)) for each in self.couriers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # A sink that parked has raised an alert meanwhile: the others carry it now.
        for courier in self.couriers:
            self._drain(courier)

    def run(self, stop: threading.Event, ready: Callable[[], None]) -> None:
        """Go on until *stop* is set; call *ready* once all is under way.

        Raises:
            LinesealError: Nothing that passes on its own.

        """
        over = threading.Event()
        threads = [
            threading.Thread(target=self._keep, args=(each, over), name=f"sink-{each.name}")
            for each in self.couriers
        ]
        for thread in threads:
            thread.start()
        try:
            ready()
            self._pump_until(stop)
        finally:
            # Not stop: it may be shared, and the one who set it up decides.
            over.set()
            self._wake()
            for thread in threads:
                thread.join()

    def close(self) -> None:
        """Close the sinks."""
        for courier in self.couriers:
            courier.close()

    def _pump_until(self, stop: threading.Event) -> None:
        names = [courier.name for courier in self.couriers]
        since_prune = _PRUNE_SECONDS
        while not stop.is_set():
            try:
                self.pump()
            except (StoreBusy, NotFound) as error:
                self._say("the store cannot be read yet", error)
            if since_prune >= _PRUNE_SECONDS:
                self._feed.prune(names, self._options.clock() - KEEP_US)
                since_prune = 0.0
            stop.wait(POLL_SECONDS)
            since_prune += POLL_SECONDS

    def _keep(self, courier: Courier, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                pause = self._next(courier)
            except LinesealError as error:
                self._options.log.warning("a sink failed", sink=courier.name, code=error.code)
                pause = PARKED_SECONDS
            except Exception as error:  # noqa: BLE001 - one sink must not end the others
                self._options.log.warning(
                    "a sink failed", sink=courier.name, error=type(error).__name__
                )
                pause = PARKED_SECONDS
            if pause > 0:
                stop.wait(pause)

    def _next(self, courier: Courier) -> float:
        if self._is_parked(courier) and not courier.try_parked():
            return PARKED_SECONDS
        step = courier.step()
        if step.idle:
            with self._added:
                self._added.wait(POLL_SECONDS)
        return step.pause

    def _drain(self, courier: Courier) -> None:
        if self._is_parked(courier) and not courier.try_parked():
            return
        while True:
            step = courier.step()
            if step.pause or step.idle:
                return

    def _is_parked(self, courier: Courier) -> bool:
        return any(
            state.parked is not None for state in self._feed.states() if state.name == courier.name
        )

    def _parked(self, name: str, reason: str, at: int) -> None:
        self._options.log.error("sink parked: nothing reaches its receiver", sink=name)
        raise_parked(self._feed, self._options.deployment, name, reason, at)
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError), self._added:
            self._added.notify_all()

    def _say(self, text: str, error: LinesealError) -> None:
        if error.code != self._said:
            self._said = error.code
            self._options.log.info(text, code=error.code)
