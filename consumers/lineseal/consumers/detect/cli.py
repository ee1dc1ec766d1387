"""The commands ``detect`` and ``alerts``."""

from __future__ import annotations

import os
import sys

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, output_options, print_answer, to_json
from lineseal.consumers.detect.detector import Detection
from lineseal.consumers.detect.running import Detections
from lineseal.consumers.detect.triage import (
    ALERT,
    ALERTS,
    AlertParams,
    AlertsParams,
    print_alert,
    print_alerts,
)
from lineseal.consumers.follow import follow, stop_on_signals
from lineseal.consumers.logs import configure_logs
from lineseal.consumers.running import opened
from lineseal.consumers.store import Store
from lineseal.queries.cli.common import ask
from lineseal.schemas.errors import NotFound
from lineseal.schemas.model import Override, Subject
from lineseal.settings import find_home, load_settings
from lineseal.signing.holder import Holder
from lineseal.transport.saying import say

_OWNER_ONLY = 0o077


@click.command(short_help="Run the detections over the store.")
@click.option(
    "--once/--follow",
    "once",
    default=True,
    show_default=True,
    help="Judge what is in the store now; or materialise and detect until stopped.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on stdout.")
def detect(once: bool, as_json: bool) -> int:
    """Run the detections over what came since they last looked.

    'lineseal materialise' and 'lineseal up' do that by themselves after every commit.

    Exit status: 0 nothing new was found; 1 alerts were opened; 6 a rule could not be run.
    """
    home = find_home()
    settings = load_settings(home)
    os.umask(_OWNER_ONLY)
    configure_logs(as_json=not once and not sys.stderr.isatty())
    if once:
        path = home.resolve(settings.store.path)
        if not path.is_file():
            raise NotFound(f"there is no store at {path}; run 'lineseal materialise' first")
        with Store(
            path, deployment=settings.deployment.name, memory_limit=settings.store.memory_limit
        ) as store:
            detections = Detections(home, settings, store)
            try:
                done = detections.run()
            finally:
                detections.close()
    else:
        with opened(home, settings) as work:
            follow(work.materialiser, work.store, stop_on_signals())
            done = work.detections.total if work.detections is not None else Detection()
    row = {
        "rules_run": done.rules_run,
        "opened": done.opened,
        "updated": done.updated,
        "closed": done.closed,
    }
    if as_json:
        answer = Answer(
            query="detect", complete=not done.failures, warnings=done.failures, rows=[row]
        )
        click.echo(to_json(answer.to_dict()))
    note(f"alerts opened: {done.opened}, updated: {done.updated}, closed: {done.closed}")
    if done.opened:
        note("see 'lineseal alerts'")
        return Exit.FINDING
    return Exit.INCOMPLETE if done.failures else Exit.OK


@click.group(short_help="List alerts, and decide about them.", invoke_without_command=True)
@click.option("--open/--all", "only_open", default=True, help="Only those not closed (default).")
@click.option("--rule", metavar="ID", help="Only those of this rule.")
@output_options
@click.pass_context
def alerts(ctx: click.Context, only_open: bool, rule: str | None, output: str) -> int:
    """List alerts, the most severe first; 'alerts show ID' has one with its context.

    Exit status: 0 none is open; 1 there are open alerts.
    """
    if ctx.invoked_subcommand is not None:
        return Exit.OK
    answer = ask(ALERTS, AlertsParams(only_open=only_open, rule=rule))
    print_answer(answer, output, table=print_alerts)
    if not answer.rows:
        note("no open alerts" if only_open else "no alerts")
    return Exit.FINDING if any(row["status"] == "open" for row in answer.rows) else Exit.OK


@alerts.command("show", short_help="Show one alert with its evidence and context.")
@click.argument("identity", metavar="ID")
@output_options
def show_alert(identity: str, output: str) -> int:
    """Show the alert whose id starts with ID: evidence, context, history of decisions."""
    print_answer(ask(ALERT, AlertParams(identity=identity)), output, table=print_alert)
    return Exit.OK


_as_option = click.option(
    "--as", "person", required=True, metavar="PERSON", help="Decide under this person's own key."
)
_reason_option = click.option(
    "--reason", required=True, metavar="TEXT", help="Why, for those who ask later."
)


@alerts.command("ack", short_help="Say that somebody looks into an alert.")
@click.argument("identity", metavar="ID")
@_as_option
@_reason_option
def acknowledge(identity: str, person: str, reason: str) -> int:
    """Acknowledge the alert whose id starts with ID; that is an override record."""
    return _decide(identity, person, reason, "acknowledged")


@alerts.command("close", short_help="Close an alert.")
@click.argument("identity", metavar="ID")
@_as_option
@_reason_option
def close(identity: str, person: str, reason: str) -> int:
    """Close the alert whose id starts with ID; that is an override record.

    It opens again when something newer than this decision is found.
    """
    return _decide(identity, person, reason, "closed")


def _decide(identity: str, person: str, reason: str, after: str) -> int:
    home = find_home()
    settings = load_settings(home)
    (row,) = ask(ALERT, AlertParams(identity=identity)).rows
    alert_id, before = str(row["alert_id"]), str(row["status"])
    body = Override(
        target=Subject(type="alert", name=alert_id),
        before=before,
        after=after,
        made_by=person,
        reason=reason,
    )
    (event_id,) = say(home, settings, Holder.parse(person, person=True), body)
    click.echo(event_id)
    note(f"alert {alert_id} is {after} once 'lineseal materialise' has read the record")
    return Exit.OK
