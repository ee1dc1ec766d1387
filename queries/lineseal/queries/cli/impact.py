"""Which models did this source reach? The command ``lineseal impact``."""

from __future__ import annotations

import dataclasses

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, output_options, print_answer
from lineseal.queries.cli.common import ask, moment_options
from lineseal.queries.drawing import draw
from lineseal.queries.questions import IMPACT, ImpactParams
from lineseal.queries.render import print_verdicts
from lineseal.queries.verdicts import AFFECTED, POSSIBLE

REACHED = (
    "verdict",
    "reference",
    "depth",
    "via",
    "certain",
    "reasons",
    "job",
    "environment",
    "owner",
)
MODELS = ("verdict", "reference", "environment", "owner", "reason")


@click.command(short_help="Show what an artifact version reached.")
@click.argument("reference", metavar="REF")
@click.option("--all-models", is_flag=True, help="Give a verdict on every model version.")
@click.option("--all-versions", is_flag=True, help="Suspect every version of the name.")
@moment_options
@output_options
def impact(
    reference: str,
    all_models: bool,
    all_versions: bool,
    as_of: str | None,
    known_at: str | None,
    max_depth: int | None,
    output: str,
) -> int:
    """Show what an artifact version reached, down to the models and where they run.

    REF is kind:[namespace/]name[@version|@sha256:HEX], for instance dataset:lake/feed@3.

    Exit status: 0 answered; 6 not complete; 3 not found. With --all-models: 1 when a model is
    affected, else 6 when one is possibly affected or batches are missing, else 0.
    """
    params = ImpactParams(
        reference=reference,
        all_models=all_models,
        all_versions=all_versions,
        as_of=as_of,
        known_at=known_at,
        max_depth=max_depth,
    )
    answer = ask(IMPACT, params, unread=True)
    columns = MODELS if all_models else REACHED
    quiet = dataclasses.replace(answer, warnings=()) if output == "table" else answer
    print_answer(
        quiet,
        output,
        columns=None if output == "csv" else columns,
        table=lambda console, _: print_verdicts(console, answer, columns),
        dot=None if all_models else draw,
    )
    return exit_status(answer)


def exit_status(answer: Answer) -> Exit:
    """Return the exit status that says what the answer says."""
    if answer.verdict == AFFECTED:
        return Exit.FINDING
    if answer.verdict == POSSIBLE or not answer.complete:
        return Exit.INCOMPLETE
    return Exit.OK
