"""``lineseal forward``: ships alerts and human decisions to the SIEM."""

from __future__ import annotations

import os
import sys

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, to_json
from lineseal.consumers.follow import stop_on_signals
from lineseal.consumers.forward.feed import Feed
from lineseal.consumers.forward.opening import open_forwarder
from lineseal.consumers.forward.status import sink_rows
from lineseal.consumers.logs import configure_logs, get_logger
from lineseal.schemas.ids import now_us
from lineseal.settings import find_home, load_settings

_OWNER_ONLY = 0o077


@click.command()
@click.option(
    "--once/--follow",
    "once",
    default=False,
    help="Ship what is in the store now and end; or go on until SIGTERM (the default).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the sinks' state as JSON at the end.")
def forward(*, once: bool, as_json: bool) -> int:
    """Ship alerts and human decisions to the SIEM, each at least once.

    Where to is said in [sinks.NAME] of lineseal.toml; without any, into the file
    siem/lineseal.jsonl in the home. A record whose receiver is down waits, however long; what a
    receiver refuses is kept as a dead letter; a sink whose configuration is wrong is parked and
    consumes nothing. See 'lineseal sinks status'.

    Exit status with --once: 0 when every sink has everything, 1 when a receiver refused a record,
    4 when a sink is parked, 5 when a receiver cannot be reached.
    """
    home = find_home()
    settings = load_settings(home)
    os.umask(_OWNER_ONLY)
    configure_logs(as_json=not once and not sys.stderr.isatty())
    with open_forwarder(home, settings, get_logger()) as (forwarder, feed):
        if once:
            forwarder.once()
        else:
            stop = stop_on_signals()
            forwarder.run(stop, lambda: note("forwarding until SIGTERM"))
        names = {courier.name for courier in forwarder.couriers}
        return _report(feed, names, once=once, as_json=as_json)


def _report(feed: Feed, names: set[str], *, once: bool, as_json: bool) -> int:
    rows = [row for row in sink_rows(feed, names, now_us()) if row["sink"] in names]
    if as_json:
        click.echo(to_json(Answer(query="forward", rows=rows).to_dict()))
    status = Exit.OK
    for row in rows:
        if once:
            waiting, refused = row["waiting"], row["dead"]
            note(f"{row['sink']}: {row['sent']} sent, {waiting} waiting, {refused} refused")
        if row["state"] == "parked":
            note(f"{row['sink']} is parked: {row['reason']}")
            status = Exit.NOT_ALLOWED
        elif row["waiting"]:
            note(f"{row['sink']} cannot go on yet: {row['reason']}")
            status = status or Exit.UNREACHABLE
    if any(row["dead"] for row in rows):
        note("see 'lineseal sinks status'; 'lineseal sinks redrive NAME' sends dead letters again")
        status = status or Exit.FINDING
    return status if once else Exit.OK
