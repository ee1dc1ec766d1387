"""``lineseal sinks``: how the sinks stand, whether they let us in, dead letters once more."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, output_options, print_answer
from lineseal.consumers.forward.feed import Feed
from lineseal.consumers.forward.opening import feed_path
from lineseal.consumers.forward.status import COLUMNS, sink_rows
from lineseal.consumers.sinks.base import Outcome
from lineseal.consumers.sinks.open import DEFAULT_SINK, open_sink
from lineseal.schemas.errors import NotFound
from lineseal.schemas.ids import now_us
from lineseal.settings import Home, Settings, SinkSettings, find_home, load_settings


@click.group()
def sinks() -> None:
    """Look after the receivers that 'lineseal forward' ships to."""


@sinks.command()
@output_options
def status(*, output: str) -> int:
    """Say how every sink stands; status 1 when one is parked or has dead letters."""
    home, settings = _home()
    with _feed(home) as feed:
        rows = sink_rows(feed, _named(settings), now_us())
        head = {"feed_id": feed.feed_id, "feed_seq": feed.head}
    print_answer(Answer(query="sinks", rows=rows, extra=head), output, columns=COLUMNS)
    if output == "table":
        for row in rows:
            if row["reason"]:
                note(f"{row['sink']}: {row['reason']}")
    bad = any(row["dead"] or row["state"] == "parked" for row in rows)
    return Exit.FINDING if bad else Exit.OK


@sinks.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
def test(*, names: tuple[str, ...]) -> int:
    """Connect to each sink (or to NAME) and say whether it lets us in; no record is sent.

    A parked sink that lets us in again goes on. Exit status: 0 all do, 4 one refuses, 5 one cannot
    be reached.
    """
    home, settings = _home()
    configured = _named(settings)
    result = Exit.OK
    with _feed(home) as feed:
        for name in names or tuple(configured):
            sink = open_sink(name, _found(configured, name), home)
            receipt = sink.check()
            sink.close()
            if receipt.outcome is Outcome.OK:
                feed.unpark(name)
                note(f"{name}: lets us in")
            elif receipt.outcome is Outcome.RETRY:
                note(f"{name}: cannot be reached: {receipt.detail}")
                result = result or Exit.UNREACHABLE
            else:
                note(f"{name}: refuses us: {receipt.detail}")
                result = Exit.NOT_ALLOWED
    return result


@sinks.command()
@click.argument("name")
def redrive(*, name: str) -> int:
    """Have the dead letters of NAME sent again, by the forwarder that runs or the next one."""
    home, settings = _home()
    _found(_named(settings), name)
    with _feed(home) as feed:
        number = feed.redrive(name)
    note(f"{number} dead letters of {name} will be sent again")
    return Exit.OK


def _home() -> tuple[Home, Settings]:
    home = find_home()
    return home, load_settings(home)


def _named(settings: Settings) -> dict[str, SinkSettings]:
    return dict(settings.sinks) or {DEFAULT_SINK: SinkSettings()}


def _found(configured: dict[str, SinkSettings], name: str) -> SinkSettings:
    if name not in configured:
        raise NotFound(f"there is no sink {name!r}", tuple(sorted(configured)))
    return configured[name]


@contextmanager
def _feed(home: Home) -> Generator[Feed]:
    feed = Feed(feed_path(home))
    try:
        yield feed
    finally:
        feed.close()
