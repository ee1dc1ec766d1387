"""``lineseal run -- CMD``: records a run of any program, without changing the program.

The program comes first: its input and output are its own, its signals are forwarded, its exit
status is this command's, and whatever fails in Lineseal is a warning on stderr.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable, Iterator

import click

from lineseal.commandline.escape import visible
from lineseal.commandline.exit_codes import Exit
from lineseal.producers.artifacts import ArtifactSpec, artifact
from lineseal.producers.capture.command_line import redact_command
from lineseal.producers.cli.child import Child
from lineseal.producers.cli.last_shipping import ship_what_is_left
from lineseal.producers.emitter import Emitter
from lineseal.producers.run import PARENT_NAME, PARENT_NAMESPACE, PARENT_RUN, Run
from lineseal.producers.text import fit
from lineseal.schemas.errors import Contained, InvalidReference, LinesealError
from lineseal.schemas.reference import parse_reference
from lineseal.settings import find_home
from lineseal.settings.home import HOME_VARIABLE

_NOT_EXECUTABLE = 126
_NOT_FOUND = 127
_BY_SIGNAL = 128


def _artifacts(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> list[ArtifactSpec]:
    """Read ``REF`` or ``REF=PATH``; a REF with a ``=`` of its own cannot be given here."""
    del ctx, param
    found: list[ArtifactSpec] = []
    for value in values:
        reference, _, path = value.partition("=")
        try:
            parse_reference(reference)
        except InvalidReference as error:
            raise click.BadParameter(f"{value!r}: {error}") from error
        found.append(artifact(reference, path=path or None))
    return found


def _pairs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Read ``NAME=VALUE``, split at the first ``=``."""
    del ctx, param
    pairs = [value.partition("=") for value in values]
    for name, separator, _ in pairs:
        if not separator or not name:
            raise click.BadParameter(f"{name!r} is not NAME=VALUE")
    return {name: text for name, _, text in pairs}


_EPILOG = """\b
Example:
  lineseal run --job fraud/train --stage train \\
    --reads dataset:lake/transactions=data/transactions.parquet \\
    --writes model:registry/fraud@7=model.pkl -- python train.py
"""


@click.command(context_settings={"allow_interspersed_args": False}, epilog=_EPILOG)
@click.option("--job", required=True, metavar="NS/NAME", help="The job this is a run of.")
@click.option("--stage", metavar="TEXT", help="The stage of the pipeline, such as train.")
@click.option(
    "--reads",
    metavar="REF[=PATH]",
    multiple=True,
    callback=_artifacts,
    help="An artifact the program reads; with a path it is hashed before the program starts. "
    "May be repeated.",
)
@click.option(
    "--writes",
    metavar="REF[=PATH]",
    multiple=True,
    callback=_artifacts,
    help="An artifact the program writes; with a path it is hashed after the program ended. "
    "May be repeated.",
)
@click.option(
    "--parameter",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_pairs,
    help="A parameter of the run. May be repeated.",
)
@click.option("--trigger", metavar="TEXT", help="What started it: a schedule, a person.")
@click.option(
    "--override-reason",
    metavar="TEXT",
    help="Why it reads what is frozen or in quarantine; recorded, with --override-approver.",
)
@click.option("--override-approver", metavar="PERSON", help="Who agreed to that.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    job: str,
    stage: str | None,
    reads: list[ArtifactSpec],
    writes: list[ArtifactSpec],
    parameters: dict[str, str],
    trigger: str | None,
    override_reason: str | None,
    override_approver: str | None,
    command: tuple[str, ...],
) -> int:
    """Run a program and record it as one run of a job.

    The exit status is the program's own: 128+N when signal N ended it, 127 when it was not found,
    126 when it cannot be executed. Lineseal's own failures are warnings. Only when something it
    reads is frozen or in quarantine the program is not started, and the exit status is 4.
    """
    if (override_reason is None) is not (override_approver is None):
        raise click.UsageError("an override needs --override-reason and --override-approver")
    # No relay yet: the program may have one, and this one ships after the program ended.
    with Emitter.from_env(strict=False, relay=False) as emitter:
        record = emitter.run(
            job,
            stage=stage,
            parameters=parameters,
            trigger=trigger,
            entry_point=fit(redact_command(command)),
        )
        with record:
            try:
                record.reads(*reads, override_reason=override_reason, approved_by=override_approver)
            except Contained as error:
                _say(f"lineseal: error: {error} [{error.code}]")
                record.fail(str(error))
                status, started = int(Exit.NOT_ALLOWED), False
            else:
                status, started = _run_child(command, record)
            # What a failed program left behind is recorded too: it is there. But what lies there
            # when the program never ran is of an earlier run.
            if started:
                record.writes(*_written(writes))
    if emitter.stats.dropped:
        _say(f"lineseal: warning: {emitter.stats.dropped} events of this run could not be recorded")
    ship_what_is_left()
    return status


def _run_child(command: tuple[str, ...], record: Run) -> tuple[int, bool]:
    """Run the program; return its status and whether it was started at all."""
    child = Child()
    try:
        returned = child.run(command, _environment(record))
    except OSError as error:
        _say(f"lineseal: error: cannot start {command[0]}: {error.strerror}")
        record.fail(f"cannot start the program: {error.strerror}")
        missing = isinstance(error, FileNotFoundError)
        return _NOT_FOUND if missing else _NOT_EXECUTABLE, False
    if returned == 0:
        return 0, True
    what = f"exit status {returned}" if returned > 0 else f"ended by {_signal_name(-returned)}"
    if child.received is None:
        record.fail(what)
    else:
        record.abort(f"{what} after {child.received.name}")
    return returned if returned > 0 else _BY_SIGNAL - returned, True


def _written(outputs: Iterable[ArtifactSpec]) -> Iterator[ArtifactSpec]:
    """Leave out what is not there: a run that wrote nothing must not become its origin."""
    for output in outputs:
        try:
            if output.path is not None:
                output.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            _say(
                f"lineseal: warning: the program left nothing at {output.path}: "
                f"{output.target} is not recorded as written"
            )
            continue
        except OSError:
            pass  # it is there; hashing says what is wrong
        yield output


def _environment(record: Run) -> dict[str, str]:
    """Name this run as the parent of what the program itself emits, wherever it changes to."""
    environment = {
        **os.environ,
        PARENT_RUN: record.run_id,
        PARENT_NAMESPACE: record.job.namespace,
        PARENT_NAME: record.job.name,
    }
    with contextlib.suppress(LinesealError):
        environment[HOME_VARIABLE] = str(find_home().path)
    return environment


def _say(text: str) -> None:
    # Not commandline.output.note: a wrapper around every job should not load tables.
    click.echo(visible(text), err=True)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
