"""``lineseal import dvc``: the stages of a ``dvc.lock`` as runs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, output_options, print_answer
from lineseal.producers.adapters.openlineage.encoding import Occasion, Sender, encode_bodies
from lineseal.producers.adapters.openlineage.intake import Outcome, Ready, ready
from lineseal.producers.adapters.openlineage.mapping import Mapped
from lineseal.producers.adapters.reception import open_intake, open_ledger, parse_kinds
from lineseal.producers.capture.environment import capture_code
from lineseal.producers.capture.git import committed_at
from lineseal.schemas.errors import InvalidDocument, MissingExtra, Unreadable
from lineseal.schemas.model import Actor, ActorKind, Origin
from lineseal.settings import Settings, find_home, load_settings
from lineseal.signing.times import parse_time

_MAX_BYTES = 32 * 1024 * 1024
_COLUMNS = ("stage", "run_id", "inputs", "outputs", "taken")


@click.command("dvc")
@click.argument("lock", metavar="DVC.LOCK", type=click.Path(path_type=Path))
@click.option(
    "--namespace", default="dvc", show_default=True, help="Namespace of its stages and data."
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="PATTERN",
    help="Paths that are models, such as 'models/*'; may be repeated.",
)
@click.option(
    "--at",
    metavar="TIME",
    help="When it was reproduced; default: when the file was committed, else last changed.",
)
@output_options
def import_dvc(
    lock: Path, namespace: str, models: tuple[str, ...], at: str | None, output: str
) -> int:
    """Import the stages of a dvc.lock: each is a run with what it read and wrote.

    DVC's hashes name versions; they are kept as reported digests, never as evidence. Importing the
    same file again changes nothing; a stage that was reproduced since becomes another run.
    """
    home = find_home()
    settings = load_settings(home)
    moment = _moment(lock, at)
    named = tuple(f"model={namespace}/{pattern}" for pattern in models)
    sender = _sender(settings, named)
    prepared = _prepare(lock, namespace, sender, moment)
    with open_ledger(home, settings) as ledger, open_intake(home, settings, ledger) as intake:
        outcomes = intake.record([one for _, one in prepared])
    rows = [_row(row, outcome) for (row, _), outcome in zip(prepared, outcomes, strict=True)]
    print_answer(Answer(query="import dvc", subject=str(lock), rows=rows), output, columns=_COLUMNS)
    return Exit.OK


def _prepare(
    lock: Path, namespace: str, sender: Sender, moment: int
) -> list[tuple[dict[str, object], Ready]]:
    try:
        from lineseal.producers.adapters.dvc import read_stages  # noqa: PLC0415 - needs YAML
    except ModuleNotFoundError as error:
        raise MissingExtra("reading a dvc.lock needs: pip install 'lineseal[dvc]'") from error
    data = lock.read_bytes()
    if len(data) > _MAX_BYTES:
        raise InvalidDocument(f"{lock} is larger than {_MAX_BYTES} bytes")
    code = capture_code(lock.resolve().parent, None)
    prepared: list[tuple[dict[str, object], Ready]] = []
    for stage in read_stages(data, namespace=namespace, kinds=sender.kinds, code=code):
        identity = hashlib.sha256(stage.text).digest()
        occasion = Occasion(
            event_time=moment, identity=identity, job=stage.job, run_id=stage.run_id
        )
        events = encode_bodies([stage.event], sender, occasion)
        written = tuple(use.artifact for use in stage.event.outputs)
        mapped = Mapped(events, moment, stage.job, stage.run_id, written, ())
        row: dict[str, object] = {
            "stage": stage.name,
            "run_id": stage.run_id,
            "inputs": len(stage.event.inputs),
            "outputs": len(stage.event.outputs),
        }
        prepared.append((row, ready(stage.text, identity, mapped, sender)))
    return prepared


def _row(row: dict[str, object], outcome: Outcome) -> dict[str, object]:
    return {**row, "taken": outcome.taken.value}


def _sender(settings: Settings, named: tuple[str, ...]) -> Sender:
    producer = settings.gateway.producer
    return Sender(
        producer=producer,
        actor=Actor(kind=ActorKind.SERVICE, id=producer),
        origin=Origin.IMPORT,
        kinds=parse_kinds((*named, *settings.gateway.kinds)),
    )


def _moment(lock: Path, at: str | None) -> int:
    if at is not None:
        try:
            return parse_time(at)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--at") from error
    try:
        changed = lock.stat().st_mtime_ns // 1000
    except OSError as error:
        raise Unreadable(f"cannot read {lock}: {error.strerror}") from error
    return committed_at(lock) or changed
