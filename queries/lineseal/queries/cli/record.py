"""What happened, and who did it? ``timeline``, ``who``, ``overrides``, ``access`` and more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import output_options, print_answer
from lineseal.queries.cli.common import ask
from lineseal.queries.record import questions

TIMELINE = ("event_time", "reference", "did", "by", "own_key", "reason", "stands_out")
OVERRIDES = (
    "event_time",
    "target",
    "before",
    "after",
    "made_by",
    "own_key",
    "approved_by",
    "reason",
)
ACCESS = ("event_time", "principal", "action", "outcome", "resource", "granted_to", "reason")
FEEDBACK = ("event_time", "channel", "reference", "submissions", "submitters", "top_submitters")
INVENTORY = ("type", "name", "owner", "things", "first_seen", "last_seen", "may_write")

_ANCESTRY = "The same of everything it was made from."


def _moment(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option(
        "--known-at", metavar="TIME", help="Leave out what was ingested after TIME."
    )(command)
    return click.option("--as-of", metavar="TIME", help="Leave out what happened after TIME.")(
        command
    )


def _window(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option(
        "--known-at", metavar="TIME", help="Leave out what was ingested after TIME."
    )(command)
    command = click.option("--until", metavar="TIME", help="Event time, included.")(command)
    return click.option("--since", metavar="TIME", help="Event time, included.")(command)


@click.command(short_help="Show what happened to a version, in order.")
@click.argument("reference", metavar="REF")
@click.option("--ancestry", is_flag=True, help=_ANCESTRY)
@_moment
@output_options
def timeline(
    reference: str, ancestry: bool, as_of: str | None, known_at: str | None, output: str
) -> int:
    """Show what happened to a version, the oldest first: runs, checks, decisions, access."""
    params = questions.TimelineParams(
        reference=reference, ancestry=ancestry, as_of=as_of, known_at=known_at
    )
    answer = ask(questions.TIMELINE, params, unread=True)
    print_answer(answer, output, columns=TIMELINE)
    return Exit.OK


@click.command(short_help="Show what people did to a version.")
@click.argument("reference", metavar="REF")
@click.option("--ancestry", is_flag=True, help=_ANCESTRY)
@_moment
@output_options
def who(
    reference: str, ancestry: bool, as_of: str | None, known_at: str | None, output: str
) -> int:
    """Show what people did to a version, in order, with their reasons.

    "own key" says that the person's own key signed it; any other name is only asserted. What
    stands out: decisions by default or time-out, by who asked for it or made it, and overrides
    that nobody else approved.
    """
    params = questions.TimelineParams(
        reference=reference, ancestry=ancestry, people=True, as_of=as_of, known_at=known_at
    )
    answer = ask(questions.TIMELINE, params, unread=True)
    print_answer(answer, output, columns=TIMELINE)
    return Exit.OK


@click.command(short_help="List human overrides.")
@click.option("--by", metavar="PERSON", help="Only those this person made.")
@click.option("--target", metavar="REF", help="Only of this; without @version, of every version.")
@_window
@output_options
def overrides(
    by: str | None,
    target: str | None,
    since: str | None,
    until: str | None,
    known_at: str | None,
    output: str,
) -> int:
    """List human overrides: who changed what into what, and why."""
    params = questions.OverridesParams(
        by=by, target=target, since=since, until=until, known_at=known_at
    )
    answer = ask(questions.OVERRIDES, params, unread=True)
    print_answer(answer, output, columns=OVERRIDES)
    return Exit.OK


@click.command(short_help="List who accessed what.")
@click.option("--principal", metavar="NAME", help="Only what this one did.")
@click.option("--resource", metavar="REF", help="Only of this REF, or type:name.")
@_window
@output_options
def access(
    principal: str | None,
    resource: str | None,
    since: str | None,
    until: str | None,
    known_at: str | None,
    output: str,
) -> int:
    """List who read, wrote, was granted or was refused what."""
    params = questions.AccessParams(
        principal=principal, resource=resource, since=since, until=until, known_at=known_at
    )
    answer = ask(questions.ACCESS, params, unread=True)
    print_answer(answer, output, columns=ACCESS)
    return Exit.OK


@click.command(short_help="Show whose feedback went into a model.")
@click.argument("reference", metavar="MODEL")
@_moment
@output_options
def feedback(reference: str, as_of: str | None, known_at: str | None, output: str) -> int:
    """Show whose feedback went into a model: windows of its whole ancestry, by pseudonym."""
    params = questions.FeedbackParams(reference=reference, as_of=as_of, known_at=known_at)
    answer = ask(questions.FEEDBACK, params, unread=True)
    print_answer(answer, output, columns=FEEDBACK)
    return Exit.OK


@click.command(short_help="List stages, sources, suppliers, owners and writers.")
@click.option("--known-at", metavar="TIME", help="Leave out what was ingested after TIME.")
@output_options
def inventory(known_at: str | None, output: str) -> int:
    """List the supply chain: stages, sources, suppliers, owners, and who writes.

    Writers are those that wrote and those that may: "may write" is what their active keys allow,
    by the newest keyring that the store knows; * is anything.
    """
    answer = ask(questions.INVENTORY, questions.InventoryParams(known_at=known_at), unread=True)
    print_answer(answer, output, columns=INVENTORY)
    return Exit.OK
