"""Stop what is suspicious, and let it go again: ``freeze``, ``hold``, ``release``, ``containment``.

Every order is signed with the own key of the person who gives it.
"""

from __future__ import annotations

from collections.abc import Callable
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
from lineseal.consumers.respond.subjects import about_subject, to_subject
from lineseal.queries.cli.common import ask
from lineseal.queries.containment.answer import NAMED_TYPES, find_standing
from lineseal.queries.containment.questions import (
    CONTAINMENT,
    ContainmentParams,
)
from lineseal.schemas.errors import ConfigurationError
from lineseal.schemas.ids import now_us
from lineseal.schemas.model import Containment, ContainmentAction
from lineseal.settings import Settings, find_home, load_settings
from lineseal.signing.containment import install_containment_list
from lineseal.signing.holder import Holder
from lineseal.signing.keyring_file import load_keyring
from lineseal.transport.saying import say

ORDERS = ("reference", "action", "since", "ordered_by", "own_key", "released_by", "reason")
PIPELINES = ("job", "stage", "producer", "runs", "last_run", "owners")
_SUBJECTS = f"REF, or one of {', '.join(NAMED_TYPES)} and its name: source:partner-feed."


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the id.")(
        command
    )
    command = click.option("--ticket", metavar="TEXT", help="Incident or ticket it belongs to.")(
        command
    )
    command = click.option("--reason", metavar="TEXT", help="Why, for those who ask later.")(
        command
    )
    command = click.option(
        "--as", "person", metavar="PERSON", help="Who orders it, under their own key."
    )(command)
    return click.argument("subject", metavar="SUBJECT")(command)


def _stopping(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option(
        "--unseen",
        is_flag=True,
        help="Order it although the store knows nothing of that name.",
    )(command)
    command = click.option(
        "--notify", metavar="NAME", multiple=True, help="Who was told; may be repeated."
    )(command)
    command = click.option(
        "--dry-run", is_flag=True, help="List the pipelines it would stop and who owns them."
    )(command)
    return _options(command)


@click.command(short_help="Stop jobs from reading something.", epilog=f"SUBJECT is a {_SUBJECTS}")
@_stopping
def freeze(subject: str, person: str | None, reason: str | None, **options: Any) -> int:
    """Freeze SUBJECT: gates refuse it and what was made from it, and jobs refuse to read it.

    A source or feedback channel means the artifacts that came from there, a stage or producer the
    jobs of it. Only two people can release it again.
    """
    return _stop(ContainmentAction.FREEZE, subject, person, reason, **options)


@click.command(short_help="Keep something as it is, unused.", epilog=f"SUBJECT is a {_SUBJECTS}")
@_stopping
def hold(subject: str, person: str | None, reason: str | None, **options: Any) -> int:
    """Hold SUBJECT: as frozen, and to be kept as it is, for evidence."""
    return _stop(ContainmentAction.HOLD, subject, person, reason, **options)


@click.command(short_help="Release what is frozen or held; two people have to.")
@_options
def release(
    subject: str, person: str | None, reason: str | None, ticket: str | None, as_json: bool
) -> int:
    """Release SUBJECT, or the order whose event id starts so. Two people have to, one after
    the other, each under their own key: the first release alone changes nothing.
    """  # noqa: D205 - one sentence would not do
    home, settings = find_home(), load_settings(find_home())
    holder, text = _signed(person, reason)
    row = find_standing(_standing(settings), subject, holder.name)
    body = Containment(
        subject=to_subject(row["about"]),
        action=ContainmentAction.RELEASE,
        reason=text,
        ordered_by=holder.name,
        ticket=ticket or row["ticket"],
    )
    (event_id,) = say(home, settings, holder, body)
    left = row["releases_needed"] - 1
    _print(event_id, row["reference"], as_json=as_json)
    if left:
        note(f"{row['reference']} stays contained until a second person releases it too")
    else:
        note(f"{row['reference']} is released once 'lineseal materialise' has read this")
    return Exit.OK


@click.group(invoke_without_command=True, short_help="List what is frozen, held or in quarantine.")
@click.option("--as-of", metavar="TIME", help="Leave out what happened after TIME.")
@click.option("--known-at", metavar="TIME", help="Leave out what was ingested after TIME.")
@output_options
@click.pass_context
def containment(ctx: click.Context, as_of: str | None, known_at: str | None, output: str) -> int:
    """List what is frozen, held or in quarantine, and who released it so far.

    Exit status: 0 nothing is; 1 something is.
    """
    if ctx.invoked_subcommand is not None:
        return Exit.OK
    answer = _standing(load_settings(find_home()), as_of=as_of, known_at=known_at)
    print_answer(answer, output, columns=ORDERS)
    return Exit.FINDING if answer.rows else Exit.OK


@containment.command(short_help="Put a containment list into this home.")
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
def install(file: Path) -> int:
    """Verify FILE, the containment.json of another home, and put it into this one.

    For hosts whose jobs emit and where no materialiser runs. A list that is older than the one
    here is refused.
    """
    home = find_home()
    deployment = load_settings(home).deployment
    keyring = load_keyring(home.keyring, roots=deployment.roots, threshold=deployment.threshold)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {file}: {error.strerror}") from error
    found = install_containment_list(
        home.containment, data, keyring, deployment=deployment.name, now=now_us()
    )
    note(f"{len(found.contained)} orders are in force: version {found.version}")
    return Exit.OK


def _stop(
    action: ContainmentAction,
    subject: str,
    person: str | None,
    reason: str | None,
    *,
    ticket: str | None,
    notify: tuple[str, ...],
    dry_run: bool,
    unseen: bool,
    as_json: bool,
) -> int:
    home, settings = find_home(), load_settings(find_home())
    found = about_subject(subject, unseen=unseen)
    if dry_run:
        print_answer(found, "json" if as_json else "table", columns=PIPELINES, table=_table)
        return Exit.OK
    holder, text = _signed(person, reason)
    body = Containment(
        subject=to_subject(found.extra["about"]),
        action=action,
        reason=text,
        ordered_by=holder.name,
        notified=notify,
        ticket=ticket,
    )
    (event_id,) = say(home, settings, holder, body)
    _print(event_id, found.extra["reference"], as_json=as_json)
    note(
        f"{found.extra['reference']}: contained once "
        f"'lineseal materialise' has read this; jobs that read it: {len(found.rows)} (--dry-run)"
    )
    return Exit.OK


def _standing(settings: Settings, **moment: str | None) -> Answer:
    officers = list(settings.policy.containment_officers)
    return ask(CONTAINMENT, ContainmentParams(officers=officers, **moment), unread=True)


def _signed(person: str | None, reason: str | None) -> tuple[Holder, str]:
    if not person or not reason:
        raise click.UsageError("an order names who gives it and why: --as PERSON --reason TEXT")
    return Holder.parse(person, person=True), reason


def _print(event_id: str, reference: str, *, as_json: bool) -> None:
    if as_json:
        row = {"event_id": event_id, "reference": reference}
        click.echo(to_json(Answer(query="order", subject=reference, rows=[row]).to_dict()))
    else:
        click.echo(event_id)


def _table(console: Console, answer: Answer) -> None:
    print_table(console, PIPELINES, answer.rows)
    note(f"{_versions(len(answer.extra['artifacts']))} could not be read any more")
    if made := answer.extra["made_from_it"]:
        note(
            f"made from that: {_versions(len(made))}, which gates refuse and jobs may go on "
            f"reading unless you freeze them too: {', '.join(made[:5])}"
            + (" ..." if len(made) > 5 else "")
        )


def _versions(count: int) -> str:
    return "1 version" if count == 1 else f"{count} versions"
