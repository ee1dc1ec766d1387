"""``lineseal relay``: ships the sealed batches of this home to Kafka."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from types import FrameType

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import note
from lineseal.settings import find_home, load_settings
from lineseal.transport.embedded import EmbeddedLogReader, open_log_folder
from lineseal.transport.open import open_kafka_writer
from lineseal.transport.relay.cursor import RelayCursor
from lineseal.transport.relay.pruning import pruning
from lineseal.transport.relay.ship import Relay, follow, seconds_from_now, ship_all
from lineseal.transport.relay.telemetry import observe_backlog


@click.command()
@click.option(
    "--once/--follow",
    default=False,
    help="Ship what is there and end; or go on until SIGTERM (the default).",
)
@click.option("--url", metavar="URL", help="Where to; default: [log] url.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="With --once: how long to try.",
)
@click.option(
    "--resend",
    is_flag=True,
    help="Ship again all that the outboxes still hold; consumers drop what they have.",
)
def relay(*, once: bool, url: str | None, timeout: float, resend: bool) -> int:
    """Ship sealed batches from this home's outboxes to Kafka.

    Batches arrive byte for byte as they were sealed, each at least once, in order per producer.
    What Kafka has acknowledged is remembered in log/relay.json. The outboxes are only read, unless
    [emitter] prune is on: then what the store confirmed is removed from them.
    """
    home = find_home()
    settings = load_settings(home)
    folder = open_log_folder(settings, home)
    observe_backlog(folder)
    with ExitStack() as stack:
        writer = stack.enter_context(closing(open_kafka_writer(url or settings.log.url, home)))
        reader = stack.enter_context(closing(EmbeddedLogReader(folder)))
        cursor = stack.enter_context(closing(RelayCursor.open(folder.parent)))
        if resend:
            cursor.forget()
        ship = Relay(reader, writer, cursor)
        try:
            if once:
                ship_all(ship, seconds_from_now(timeout))
            else:
                note("shipping until SIGTERM")
                with _stop_signals() as stopped, pruning(home, settings, folder, note):
                    follow(ship, lambda: bool(stopped), note)
        finally:
            note(f"{ship.shipped} batches shipped, {ship.waiting} waiting for acknowledgement")
    return Exit.OK


@contextmanager
def _stop_signals() -> Generator[list[int]]:
    """Collect SIGTERM and SIGINT in a list instead of being ended by them."""
    received: list[int] = []

    def remember(number: int, _: FrameType | None) -> None:
        received.append(number)

    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(each, remember) for each in signals]
    try:
        yield received
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)
