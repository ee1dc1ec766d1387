"""One record of an incident, from the first alert to what was learned: ``lineseal incident``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import (
    Answer,
    note,
    output_options,
    print_answer,
    print_table,
    to_json,
)
from lineseal.consumers.respond.digests import digest_of
from lineseal.consumers.respond.subjects import about_subject, to_subject
from lineseal.queries.cli.common import ask
from lineseal.queries.incident.questions import (
    INCIDENT,
    INCIDENTS,
    PARTS,
    IncidentParams,
    IncidentsParams,
    PartsParams,
)
from lineseal.queries.render import print_record
from lineseal.schemas.errors import NotFound, QueryError
from lineseal.schemas.model import Incident, IncidentState, Subject
from lineseal.settings import find_home, load_settings
from lineseal.signing.holder import Holder
from lineseal.transport.saying import say

LIST = ("incident_id", "state", "opened_at", "opened_by", "cause", "failed_control")
TOLD = ("time", "what", "reference", "by", "own_key", "detail")
HEAD = ("state", "opened_at", "opened_by", "closed_at", "closed_by", "cause", "failed_control")


@click.group(short_help="Record incidents, and show all that belongs to one.")
def incident() -> None:
    """Record an incident and show all that belongs to it, as one record.

    Orders belong to it that were given with '--ticket ID', or about one of its subjects while it
    was open.
    """


def _telling(command: Callable[..., int]) -> Callable[..., int]:
    many = (
        ("--action", "actions", "TEXT", "What was done."),
        ("--evidence", "evidence", "FILE", "A file that was kept, named with its digest."),
        ("--order", "orders", "ID", "An order of containment, by the start of its event id."),
        ("--finding", "findings", "ID", "A finding about a chain or key, by the start of its id."),
        ("--alert", "alerts", "ID", "An alert, by the start of its id."),
        ("--subject", "subjects", "SUBJECT", "What it is about: a REF, or type:name."),
    )
    command = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the id.")(
        command
    )
    for flag, name, metavar, text in many:
        explained = f"{text} May be repeated."
        command = click.option(flag, name, metavar=metavar, multiple=True, help=explained)(command)
    command = click.option("--failed-control", metavar="TEXT", help="Which control failed.")(
        command
    )
    command = click.option("--cause", metavar="TEXT", help="What caused it.")(command)
    command = click.option(
        "--as", "person", required=True, metavar="PERSON", help="Who says so, under their own key."
    )(command)
    return click.argument("incident_id", metavar="ID")(command)


@incident.command(name="open", short_help="Open an incident, or add to an open one.")
@_telling
def open_(incident_id: str, **told: Any) -> int:
    """Open the incident ID, or add to it while it is open; opening a closed one opens it again."""
    return _say(incident_id, IncidentState.OPENED, **told)


@incident.command(short_help="Close an incident, with cause and failed control.")
@_telling
def close(incident_id: str, **told: Any) -> int:
    """Close the incident ID. Its cause and the control that failed have to be known by then."""
    found = ask(INCIDENT, IncidentParams(incident_id=incident_id))
    if found.extra["state"] == "closed":
        raise QueryError(f"the incident {incident_id} is closed already")
    for name in ("cause", "failed_control"):
        if not (told[name] or found.extra[name]):
            flag = name.replace("_", "-")
            raise click.UsageError(f"what was learned is part of closing: give --{flag} TEXT")
    for reference in found.extra["still_contained"]:
        note(f"warning: {reference} is still contained")
    return _say(incident_id, IncidentState.CLOSED, **told)


@incident.command(short_help="Show one incident with all that belongs to it.")
@click.argument("incident_id", metavar="ID")
@click.option("--known-at", metavar="TIME", help="Leave out what was ingested after TIME.")
@output_options
def show(incident_id: str, known_at: str | None, output: str) -> int:
    """Show the incident ID: what was found, ordered and kept, in order; cause, failed control."""
    params = IncidentParams(incident_id=incident_id, known_at=known_at)
    answer = ask(INCIDENT, params, unread=True)
    print_answer(answer, output, columns=TOLD, table=_table)
    return Exit.OK


@incident.command(name="list", short_help="List incidents, the open ones first.")
@click.option("--known-at", metavar="TIME", help="Leave out what was ingested after TIME.")
@output_options
def list_(known_at: str | None, output: str) -> int:
    """List incidents, the open ones first.

    Exit status: 0 none is open; 1 some are.
    """
    answer = ask(INCIDENTS, IncidentsParams(known_at=known_at), unread=True)
    print_answer(answer, output, columns=LIST)
    return Exit.FINDING if any(row["state"] == "opened" for row in answer.rows) else Exit.OK


def _say(
    incident_id: str,
    state: IncidentState,
    *,
    person: str,
    cause: str | None,
    failed_control: str | None,
    subjects: Iterable[str],
    alerts: tuple[str, ...],
    findings: tuple[str, ...],
    orders: tuple[str, ...],
    evidence: Iterable[str],
    actions: tuple[str, ...],
    as_json: bool,
) -> int:
    home = find_home()
    settings = load_settings(home)
    named = [_subject(text) for text in subjects]
    if alerts or findings or orders:
        params = PartsParams(alerts=list(alerts), findings=list(findings), orders=list(orders))
        found = ask(PARTS, params).rows
        named += [Subject(type=row["type"], name=row["id"]) for row in found]
    for text in evidence:
        path = Path(text)
        named.append(Subject(type="evidence", name=f"{path.name}@{digest_of(path)}"))
    body = Incident(
        incident_id=incident_id,
        state=state,
        subjects=tuple(named),
        cause=cause,
        failed_control=failed_control,
        actions=actions,
    )
    (event_id,) = say(home, settings, Holder.parse(person, person=True), body)
    if as_json:
        row = {"event_id": event_id, "incident_id": incident_id, "state": state.value}
        click.echo(to_json(Answer(query="incident", subject=incident_id, rows=[row]).to_dict()))
    else:
        click.echo(event_id)
    return Exit.OK


def _subject(text: str) -> Subject:
    try:
        return to_subject(about_subject(text, unseen=False).extra["about"])
    except NotFound:
        note(f"warning: the store knows nothing called {text}; it is recorded all the same")
        return to_subject(about_subject(text, unseen=True).extra["about"])


def _table(console: Console, answer: Answer) -> None:
    head = {name: answer.extra[name] for name in HEAD if answer.extra[name]}
    for name in ("subjects", "actions"):
        if answer.extra[name]:
            head[name] = answer.extra[name]
    print_record(console, Answer(query="incident", rows=[head]))
    console.print()
    print_table(console, TOLD, answer.rows)
