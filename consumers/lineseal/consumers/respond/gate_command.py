"""May this be trained on, promoted, rolled back to? The command ``lineseal gate``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, note, output_options, print_answer, print_table
from lineseal.consumers.respond.digests import digest_of
from lineseal.queries.cli.common import ask
from lineseal.queries.gate.answer import APPROVED, INCOMPLETE, reasons
from lineseal.queries.gate.policy import default_text, parse_policies
from lineseal.queries.gate.questions import GATE, GateParams
from lineseal.schemas.errors import ConfigurationError, InvalidReference
from lineseal.schemas.model import Artifact, Decision, Gate, Kind, Subject, Verdict
from lineseal.schemas.reference import parse_reference
from lineseal.settings import Home, Settings, find_home, load_settings
from lineseal.signing.holder import Holder
from lineseal.transport.saying import say

COLUMNS = ("rule", "outcome", "reference", "reason")
_BODY_GATES = {"train": Gate.TRAINING, "promote": Gate.PROMOTION, "rollback": Gate.ROLLBACK}
_MOST_REASONS = 100
_MOST_CHARACTERS = 400
_STATUS = {APPROVED: Exit.OK, INCOMPLETE: Exit.INCOMPLETE}


@click.group(short_help="Judge a version before training, promotion or rollback.")
def gate() -> None:
    """Judge a version before it is trained on, promoted or rolled back to.

    The verdict is recorded under signature, with every reason and the digest of the policy.

    Exit status: 0 approved; 1 refused; 6 something that has to be known is not; 3 not found.
    """


def _judging(command: Callable[..., int]) -> Callable[..., int]:
    command = output_options(command)
    command = click.option(
        "--dry-run", is_flag=True, help="Judge only: no verdict is recorded, no key is needed."
    )(command)
    command = click.option(
        "--file",
        "files",
        metavar="[REF=]PATH",
        multiple=True,
        help="Compare the bytes of this file or folder with what is recorded for REF, or for what "
        "is judged; may be given more than once.",
    )(command)
    command = click.option(
        "--policy",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="The policy; default: [gate] policy, else what 'lineseal gate policy' prints.",
    )(command)
    return click.argument("reference", metavar="REF")(command)


@gate.command(short_help="May REF be trained on?")
@_judging
def train(
    reference: str, policy: Path | None, files: tuple[str, ...], dry_run: bool, output: str
) -> int:
    """Judge whether REF, a data set or a model to start from, may be trained on."""
    return _judge("train", reference, policy, files, dry_run=dry_run, output=output)


@gate.command(short_help="May REF be promoted?")
@_judging
def promote(
    reference: str, policy: Path | None, files: tuple[str, ...], dry_run: bool, output: str
) -> int:
    """Judge whether the model REF may be promoted."""
    return _judge("promote", reference, policy, files, dry_run=dry_run, output=output)


@gate.command(short_help="May REF be rolled back to?")
@_judging
def rollback(
    reference: str, policy: Path | None, files: tuple[str, ...], dry_run: bool, output: str
) -> int:
    """Judge whether the model REF may be rolled back to; 'lineseal last-good' finds one."""
    return _judge("rollback", reference, policy, files, dry_run=dry_run, output=output)


@gate.command(short_help="Print the default policy.")
@click.option(
    "--check",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Say whether FILE is a policy, and print its digest instead.",
)
def policy(check: Path | None) -> int:
    """Print the default policy as a file to start from."""
    if check is None:
        click.echo(default_text(), nl=False)
    else:
        click.echo(parse_policies(_read(check)).digest)
    return Exit.OK


def _judge(
    name: str,
    reference: str,
    policy: Path | None,
    files: Iterable[str],
    *,
    dry_run: bool,
    output: str,
) -> int:
    home = find_home()
    settings = load_settings(home)
    params = GateParams(
        name=name,
        reference=reference,
        policy=_policy_text(home, settings, policy),
        given=[_given(text) for text in files],
        officers=list(settings.policy.containment_officers),
    )
    answer = ask(GATE, params, unread=True)
    if not dry_run:
        event_id = _record(home, settings, name, answer)
        answer = replace(answer, extra={**answer.extra, "event_id": event_id})
    print_answer(answer, output, columns=COLUMNS, table=_table)
    return _STATUS.get(answer.verdict or "", Exit.FINDING)


def _record(home: Home, settings: Settings, name: str, answer: Answer) -> str:
    """Say the verdict under signature; a gate that cannot does not let anything through."""
    named = answer.extra["version"]
    thing = Artifact(
        kind=Kind(named["kind"]),
        namespace=named["namespace"],
        name=named["name"],
        version=named["version"],
        digest=named["digest"],
    )
    found = reasons(answer)
    cut = [
        text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…" for text in found
    ]
    if len(cut) > _MOST_REASONS:
        cut = [*cut[:_MOST_REASONS], f"and {len(cut) - _MOST_REASONS} more reasons"]
    verdict = Verdict(
        gate=_BODY_GATES[name],
        subject=Subject(type="artifact", artifact=thing),
        decision=Decision.APPROVE if answer.verdict == APPROVED else Decision.REJECT,
        policy_digest=answer.extra["policy_digest"],
        reasons=tuple(cut),
    )
    (event_id,) = say(home, settings, _holder(home, settings), verdict)
    return event_id


def _holder(home: Home, settings: Settings) -> Holder:
    name = settings.gate.producer or settings.emitter.producer
    if not name:
        raise ConfigurationError(
            f"nobody to sign the verdict as: set [gate] producer in {home.config}"
        )
    return Holder.parse(name)


def _policy_text(home: Home, settings: Settings, given: Path | None) -> str | None:
    if given is None and settings.gate.policy:
        given = home.resolve(settings.gate.policy)
    return None if given is None else _read(given)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the gate policy {path}: {error}") from error


def _given(text: str) -> str:
    """Turn ``[REF=]PATH`` into ``[REF]=DIGEST``."""
    reference, equals, path = text.partition("=")
    if equals:
        try:
            parse_reference(reference)
        except InvalidReference:
            equals = ""  # a path that holds a "="
    if not equals:
        reference, path = "", text
    return f"{reference}={digest_of(Path(path))}"


def _table(console: Console, answer: Answer) -> None:
    print_table(console, COLUMNS, answer.rows)
    note(f"{answer.verdict}: {answer.extra['gate']} {answer.subject}")
