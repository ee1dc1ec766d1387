"""``lineseal emit BODY``: records one fact from a shell, durable when the command returns."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

import click

from lineseal.commandline.output import Answer, note, to_json
from lineseal.producers.cli.examples import EXAMPLES
from lineseal.producers.cli.options import options_for, values_from
from lineseal.producers.emitter import Emitter
from lineseal.producers.friendly import build
from lineseal.producers.identity import identify
from lineseal.schemas.avsc import field_types
from lineseal.schemas.errors import InvalidEvent
from lineseal.schemas.ids import new_uuid7
from lineseal.schemas.model import BODY_FIELDS, ActorKind, AnyBody, RunState
from lineseal.settings import find_home, load_settings

_ACTOR_FIELDS = ("approver", "made_by", "ordered_by", "changed_by", "erased_by")
"""Filled with the emitter's own actor when they are not given."""
_DECIDED_BY = {"approval": "approver", "override": "made_by", "containment": "ordered_by"}
"""Body to the field that names the person who decided."""
_DEFAULTS: dict[str, dict[str, str]] = {
    "approval": {"mode": "explicit"},
    "evaluation": {"phase": "release"},
}


class BodyGroup(click.Group):
    """Has one command for each body of the contract."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all bodies in the order of the contract."""
        del ctx
        return [name.replace("_", "-") for name in BODY_FIELDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Make the command of one body, or None when there is no such body."""
        del ctx
        name = cmd_name.replace("-", "_")
        return _command(name, BODY_FIELDS[name]) if name in BODY_FIELDS else None


@click.group(cls=BodyGroup)
def emit() -> None:
    """Record one fact: an approval, an override, a validation, an incident ...

    A REF is kind:[namespace/]name[@version|@sha256:HEX]. The command returns when the event is
    durable, signed and in the log, and prints its id.
    """


def _command(name: str, body: type) -> click.Command:
    text = (body.__doc__ or "").replace("``", "")
    example = EXAMPLES[name].format(run_id="UUID", hex="64_HEX_CHARACTERS")
    example = example.replace(" --", " \\\n    --")

    def call(**given: Any) -> None:
        _emit(name, body, **given)

    filled = {*_ACTOR_FIELDS, *_DEFAULTS.get(name, {})}
    common: list[click.Parameter] = [
        click.Option(
            ["--from-json", "source"],
            metavar="FILE|-",
            help="Take the fields from a JSON object, or several events from an array of them; "
            "options win.",
        ),
        click.Option(
            ["--as", "person"],
            metavar="PERSON",
            help="Sign as this person, with keys/person-PERSON.pem.",
        ),
        click.Option(["--job"], metavar="NS/NAME", help="The job the event belongs to."),
        click.Option(["--stage"], metavar="TEXT", help="The stage of the pipeline."),
        click.Option(
            ["--run-id"],
            metavar="ID",
            help="The run the event belongs to: any name of "
            "its own, best a UUID; state START makes one when none is given.",
        ),
        *_profile_options(body),
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON instead of the id."),
    ]
    return click.Command(
        name.replace("_", "-"),
        callback=call,
        params=[*options_for(body, filled), *common],
        help=text,
        short_help=text.split("\n", 1)[0],
        epilog=f"\b\nExample:\n  lineseal emit {name.replace('_', '-')} {example}",
    )


def _profile_options(body: type) -> list[click.Parameter]:
    if "profile" not in field_types(body):
        return []
    hint = "Take the profile from what 'lineseal profile --json' printed."
    return [click.Option(["--profile-file"], metavar="FILE|-", help=hint)]


def _emit(
    name: str,
    body: type,
    *,
    source: str | None,
    person: str | None,
    job: str | None,
    stage: str | None,
    run_id: str | None,
    as_json: bool,
    profile_file: str | None = None,
    **given: Any,
) -> None:
    options = values_from(given)
    if profile_file is not None:
        options["profile"] = {**_read_profile(profile_file), **options.get("profile", {})}
    objects = [{}] if source is None else _read(source)
    with Emitter.from_env(person=person, strict=True) as emitter:
        bodies: list[AnyBody] = []
        deciders: list[object] = []
        for item in objects:
            values = {**_DEFAULTS.get(name, {}), **item, **options}
            for field in field_types(body):
                if field in _ACTOR_FIELDS and values.get(field) is None:
                    values[field] = emitter.actor_id
            bodies.append(cast("AnyBody", build(body, values)))
            deciders.append(values.get(_DECIDED_BY.get(name, "")))
            if values.get("state") == RunState.START and run_id is None:
                run_id = new_uuid7()
        ids = emitter.emit_many(bodies, job=job, stage=stage, run_id=run_id)
    if name in _DECIDED_BY:
        _note_asserted(person, deciders)
    if as_json:
        rows = [{"event_id": event_id, "body": name, "run_id": run_id} for event_id in ids]
        click.echo(to_json(Answer(query="emit", rows=rows).to_dict()))
    else:
        for event_id in ids:
            click.echo(event_id)


def _note_asserted(person: str | None, deciders: list[object]) -> None:
    """Say so when the signature does not prove who decided."""
    home = find_home()
    signed_by = identify(home, load_settings(home), person=person).actor
    human = signed_by.kind is ActorKind.HUMAN
    whose = "the key of" if human else "the service key of"
    for decider in dict.fromkeys(deciders):
        if decider != signed_by.id:
            meaning = f"that {str(decider)!r} decided is only asserted"
        elif not human:
            meaning = "no person stands for it"
        else:
            continue
        note(
            f"note: the decision is signed by {whose} {signed_by.id!r}: {meaning}; use --as PERSON"
        )


def _read_profile(source: str) -> dict[str, Any]:
    """Read a profile; the whole answer of ``lineseal profile`` holds it as ``profile``."""
    found = _read(source)
    if len(found) != 1:
        raise InvalidEvent(f"{source} holds {len(found)} profiles, not one")
    inner = found[0].get("profile", found[0])
    if not isinstance(inner, dict):
        raise InvalidEvent(f"{source} holds no profile")
    return cast("dict[str, Any]", inner)


def _read(source: str) -> list[dict[str, Any]]:
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text("utf-8")
        value = json.loads(text)
    except OSError as error:
        raise click.UsageError(f"cannot read {source}: {error.strerror}") from error
    except ValueError as error:
        raise click.UsageError(f"{source} is not JSON: {error}") from error
    items: list[Any] = value if isinstance(value, list) else [value]
    if not all(isinstance(item, dict) for item in items):
        raise InvalidEvent("an event is given as a JSON object of its fields")
    return items
