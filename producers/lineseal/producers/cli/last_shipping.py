"""Ships the outbox when the program of ``lineseal run`` has ended: its container ends with it."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from lineseal.schemas.errors import LinesealError
from lineseal.settings import find_home, load_settings
from lineseal.transport.embedded import open_log_folder
from lineseal.transport.embedded.voice import LOGGER
from lineseal.transport.open import is_kafka
from lineseal.transport.relay.background import BackgroundRelay
from lineseal.transport.relay.drain import drain, is_all_shipped


def ship_what_is_left() -> None:
    """Ship this home's outboxes to Kafka, for ``[emitter] drain_seconds``; never raises.

    A signal ends it early: whoever wants this process gone does not wait for a broker.
    """
    try:
        home = find_home()
        settings = load_settings(home)
        seconds = settings.emitter.drain_seconds
        if not seconds or not is_kafka(settings.log.url):
            return
        folder = open_log_folder(settings, home)
        if is_all_shipped(folder):
            return
        relay = BackgroundRelay(settings.log.url, home, folder)
        with _cut_short_by_signals(relay):
            relay.start()
            drain(relay, seconds)
    except LinesealError as error:
        LOGGER.warning("what this run recorded was not shipped: %s [%s]", error, error.code)


@contextmanager
def _cut_short_by_signals(relay: BackgroundRelay) -> Generator[None]:
    def cut_short(number: int, frame: FrameType | None) -> None:
        del number, frame
        relay.cut_short()

    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    previous = [(each, signal.getsignal(each)) for each in signals]
    try:
        for each, handler in previous:
            if handler != signal.SIG_IGN:
                signal.signal(each, cut_short)
        yield
    finally:
        for each, handler in previous:
            signal.signal(each, handler)
