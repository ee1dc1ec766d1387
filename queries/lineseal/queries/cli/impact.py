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
@click.argument("subject", metavar="[REF|TYPE:NAME]", required=False)
@click.option("--all-models", is_flag=True, help="Give a verdict on every model version.")
@click.option("--all-versions", is_flag=True, help="Suspect every version of the name.")
@click.option(
    "--from",
    "since",
    metavar="TIME",
    help="Suspect only what was done from TIME on, included; by the clock of who did it.",
)
@click.option("--until", metavar="TIME", help="Suspect only what was done until TIME, included.")
@click.option("--deployed", is_flag=True, help="Show only what is in some environment.")
@click.option("--dose", is_flag=True, help="Show which share of its rows came from the suspects.")
@moment_options
@output_options
def impact(
    subject: str | None,
    all_models: bool,
    all_versions: bool,
    since: str | None,
    until: str | None,
    deployed: bool,
    dose: bool,
    as_of: str | None,
    known_at: str | None,
    max_depth: int | None,
    output: str,
) -> int:
    """Show what may be poisoned has reached, down to the models and where they run.

    REF is kind:[namespace/]name[@version|@sha256:HEX], for instance dataset:lake/feed@3. Instead
    of it, source:URI, supplier:NAME or feedback_channel:NAME suspects all that came from there;
    key:ID, person:NAME, producer:NAME or stage:NAME all that they wrote, registered, changed or
    let through. --from and --until alone suspect all of that time.

    A dose is only shown where row counts are known: nothing is guessed.

    Exit status: 0 answered; 6 not complete; 3 not found. With --all-models: 1 when a model is
    affected, else 6 when one is possibly affected or batches are missing, else 0.
    """
    params = ImpactParams(
        reference=subject,
        all_models=all_models,
        all_versions=all_versions,
        since=since,
        until=until,
        deployed=deployed,
        dose=dose,
        as_of=as_of,
        known_at=known_at,
        max_depth=max_depth,
    )
    answer = ask(IMPACT, params, unread=True)
    columns = (*(MODELS if all_models else REACHED), *(("dose",) if dose else ()))
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
