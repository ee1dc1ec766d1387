"""The commands ``detect``, ``rules`` and ``alerts``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, output_options, print_answer, to_json
from lineseal.commandline.progress import Progress
from lineseal.consumers.detect import rule_tests
from lineseal.consumers.detect.detector import Detection
from lineseal.consumers.detect.policy import load_policy
from lineseal.consumers.detect.running import Detections
from lineseal.consumers.detect.saying import say
from lineseal.consumers.detect.triage import alert_rows, find_alert, shown
from lineseal.consumers.follow import follow, stop_on_signals
from lineseal.consumers.logs import configure_logs
from lineseal.consumers.running import opened
from lineseal.consumers.store import Store
from lineseal.queries.cli.common import home_store
from lineseal.queries.render import print_record
from lineseal.queries.rules import Rule, shipped_rules, user_rules
from lineseal.schemas.errors import HomeNotFound, NotFound
from lineseal.schemas.model import Override, Subject
from lineseal.settings import Settings, find_home, load_settings
from lineseal.signing.holder import Holder

_OWNER_ONLY = 0o077
ALERT_COLUMNS = ("id", "rule", "severity", "status", "subject", "last_seen", "count", "reasons")
RULE_COLUMNS = ("rule", "severity", "status", "clock", "title")


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


@click.group(short_help="List, show and test detection rules.")
def rules() -> None:
    """List, show and test detection rules: the shipped ones, and your own ([detect] rules)."""


@rules.command("list", short_help="List the rules.")
@output_options
def list_rules(output: str) -> int:
    """List the rules that can run, and how each stands."""
    disabled = _settings().policy.disabled_rules
    rows = [
        {
            "rule": rule.rule_id,
            "severity": rule.severity,
            "status": "disabled" if rule.rule_id in disabled else rule.status,
            "clock": rule.clock,
            "title": rule.title,
            "version": rule.version,
            "confidence": rule.confidence,
            "techniques": list(rule.atlas),
            "owasp": list(rule.owasp),
            "own": rule.own,
            "runbook": rule.runbook,
        }
        for rule in _rules().values()
    ]
    print_answer(Answer(query="rules", rows=rows), output, columns=RULE_COLUMNS)
    return Exit.OK


@rules.command("show", short_help="Show one rule with its statement.")
@click.argument("rule_id", metavar="ID")
@output_options
def show_rule(rule_id: str, output: str) -> int:
    """Show what the rule ID finds, its parameters as set here, and its statement."""
    rule = _rule(rule_id)
    parameters = {}
    if rule_id not in (settings := _settings()).policy.disabled_rules:
        parameters = dict(load_policy(settings, _home()).parameters[rule_id])
    row: dict[str, Any] = {
        "rule": rule.rule_id,
        "uuid": rule.uuid,
        "title": rule.title,
        "status": rule.status,
        "version": rule.version,
        "severity": rule.severity,
        "confidence": rule.confidence,
        "techniques": list(rule.atlas),
        "owasp": list(rule.owasp),
        "reads": list(rule.reads),
        "clock": rule.clock,
        "key": rule.key,
        "window_seconds": rule.window_seconds,
        "parameters": parameters,
        "false_positives": list(rule.false_positives),
        "runbook": rule.runbook,
        "why": rule.why,
    }
    if output == "table":
        print_answer(Answer(query="rule", subject=rule_id, rows=[row]), output, table=print_record)
        click.echo(rule.sql)
        return Exit.OK
    print_answer(
        Answer(query="rule", subject=rule_id, rows=[{**row, "statement": rule.sql}]), output
    )
    return Exit.OK


@rules.command("test", short_help="Run the cases beside rules.")
@click.argument("rule_ids", metavar="[ID]...", nargs=-1)
@output_options
def test_rules(rule_ids: tuple[str, ...], output: str) -> int:
    """Run the cases in the JSON file beside each rule, or beside the rules named.

    Exit status: 0 all passed; 1 a case failed.
    """
    chosen = [_rule(rule_id) for rule_id in rule_ids] or list(_rules().values())
    folder = _own_folder()
    rows: list[dict[str, Any]] = []
    with Progress("testing rules", len(chosen)) as progress:
        for rule in chosen:
            rows += [
                {
                    "rule": rule.rule_id,
                    "case": result.case,
                    "passed": result.passed,
                    "expected": list(result.expected),
                    "found": list(result.found),
                }
                for result in rule_tests.run_rule(rule, folder)
            ]
            progress.advance(1)
    failed = [row for row in rows if not row["passed"]]
    shown_rows = rows if output != "table" else failed
    print_answer(Answer(query="rules test", rows=shown_rows), output)
    note(f"{len(rows)} cases of {len(chosen)} rules, {len(failed)} failed")
    return Exit.FINDING if failed else Exit.OK


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
    with home_store() as connection:
        rows = alert_rows(connection, only_open=only_open, rule=rule)
    columns = None if output == "csv" else ALERT_COLUMNS
    print_answer(Answer(query="alerts", rows=rows), output, columns=columns)
    return Exit.FINDING if any(row["status"] == "open" for row in rows) else Exit.OK


@alerts.command("show", short_help="Show one alert with its evidence and context.")
@click.argument("identity", metavar="ID")
@output_options
def show_alert(identity: str, output: str) -> int:
    """Show the alert whose id starts with ID: evidence, context, history of decisions."""
    with home_store() as connection:
        row = shown(connection, find_alert(connection, identity))
    print_answer(Answer(query="alert", subject=identity, rows=[row]), output, table=print_record)
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
    with home_store() as connection:
        alert_id, before = find_alert(connection, identity)
    body = Override(
        target=Subject(type="alert", name=alert_id),
        before=before,
        after=after,
        made_by=person,
        reason=reason,
    )
    event_id = say(home, settings, Holder.parse(person, person=True), body)
    click.echo(event_id)
    note(f"alert {alert_id} is {after} once 'lineseal materialise' has read the record")
    return Exit.OK


def _home() -> Any:
    try:
        return find_home()
    except HomeNotFound:
        return None


def _settings() -> Settings:
    return load_settings(_home())


def _own_folder() -> Path | None:
    home, settings = _home(), _settings()
    return home.resolve(settings.detect.rules) if home and settings.detect.rules else None


def _rules() -> dict[str, Rule]:
    folder = _own_folder()
    return {**shipped_rules(), **(user_rules(folder) if folder else {})}


def _rule(rule_id: str) -> Rule:
    known = _rules()
    if rule_id not in known:
        raise NotFound(f"there is no rule {rule_id!r}; 'lineseal rules list' names them")
    return known[rule_id]
