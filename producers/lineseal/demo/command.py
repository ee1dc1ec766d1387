"""``lineseal demo``: the product in half a minute, on this machine, without a server."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import to_json
from lineseal.demo import story
from lineseal.demo.folder import prepare
from lineseal.demo.performance import Performance
from lineseal.demo.processes import Workshop
from lineseal.demo.screen import Screen, program
from lineseal.schemas.errors import MissingExtra

_NEEDED = ("duckdb", "pyarrow", "structlog", "sklearn")


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Work in PATH and leave everything there: a new, an empty or a former demo folder. "
    "Default: a temporary folder, removed at the end.",
)
@click.option("--keep", is_flag=True, help="Keep the temporary folder.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print only the result, as JSON, on stdout; the story goes to stderr.",
)
def demo(folder: Path | None, keep: bool, as_json: bool) -> int:
    """Run a training pipeline with a poisoned feed, and find it.

    Trains two small models on scikit-learn's digits, each stage a process of its own that signs
    what it did. A partner's feed with wrong labels gets into the second model. Then it asks what
    an incident responder asks and explains the answers. Needs no network and no server.

    Exit status: 0 every question was answered as expected; 1 one was not, or a stage failed.
    """
    _check_extra()
    with ExitStack() as stack:
        place = _place(stack, folder, keep=keep)
        bytecode = stack.enter_context(tempfile.TemporaryDirectory(prefix="lineseal-bytecode-"))
        workshop = Workshop(place, Path(bytecode))
        screen = Screen(to_stderr=as_json)
        screen.title("Lineseal: which data built this model, and can you prove it?")
        screen.say(f"A real pipeline on scikit-learn's digits, in {place}.")
        result = Performance(workshop, screen, show=not as_json).run()
        sum_up(screen, workshop, result, kept=keep or folder is not None)
    if as_json:
        click.echo(to_json(result))
    return Exit.OK if result["as_expected"] else Exit.FINDING


def _check_extra() -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(f"the demo needs {', '.join(missing)}: pip install 'lineseal[demo]'")


def _place(stack: ExitStack, folder: Path | None, *, keep: bool) -> Path:
    if folder is not None:
        return prepare(folder)
    place = prepare(Path(tempfile.mkdtemp(prefix="lineseal-demo-")))
    if not keep:
        stack.callback(shutil.rmtree, place, ignore_errors=True)
    return place


def sum_up(screen: Screen, workshop: Workshop, result: dict[str, Any], *, kept: bool) -> None:
    """Say what was shown and where to go on."""
    if not result["as_expected"]:
        screen.heading("This did not go as expected: see the lines above.")
        return
    screen.heading(f"In short, after {result['seconds']:.0f} seconds")
    screen.say("Model 2 is affected by the partner's feed. Model 1 is clean: roll back to it.")
    screen.say(f"Evidence: the signed batches in {workshop.home / 'log'}.")
    if kept:
        look = shlex.join(["cd", str(workshop.folder)])
        screen.say(f"Look around: {look} && {program()} trace {story.POISONED_MODEL}")
    else:
        screen.say(
            f"The folder is removed now; to keep it and look around: {program()} demo --dir demo"
        )
    screen.say("Next: add a few lines to a job of yours (README, 'Instrument a job').")
