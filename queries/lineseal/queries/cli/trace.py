"""Which data built this model? The command ``lineseal trace``."""

from __future__ import annotations

import dataclasses

import click

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, output_options, print_answer
from lineseal.queries.cli.common import ask, moment_options
from lineseal.queries.drawing import draw
from lineseal.queries.questions import TRACE, TraceParams
from lineseal.queries.render import print_tree
from lineseal.queries.verdicts import AFFECTED, CLEAN

_STATUS = {AFFECTED: Exit.FINDING, CLEAN: Exit.OK}


@click.command(short_help="Show what an artifact version was made from.")
@click.argument("reference", metavar="REF")
@click.option("--suspect", metavar="REF", help="Tell whether this got into it.")
@click.option("--all-versions", is_flag=True, help="Suspect every version of that name.")
@moment_options
@output_options
def trace(
    reference: str,
    suspect: str | None,
    all_versions: bool,
    as_of: str | None,
    known_at: str | None,
    max_depth: int | None,
    output: str,
) -> int:
    """Show what an artifact version was made from, up to the sources.

    REF is kind:[namespace/]name[@version|@sha256:HEX], for instance model:registry/fraud@7.

    Exit status: 0 answered; 6 not complete; 3 not found. With --suspect: 1 affected, 6 possible,
    0 clean.
    """
    params = TraceParams(
        reference=reference,
        suspect=suspect,
        all_versions=all_versions,
        as_of=as_of,
        known_at=known_at,
        max_depth=max_depth,
    )
    answer = ask(TRACE, params, unread=True)
    # For people the warnings stand below the tree.
    quiet = dataclasses.replace(answer, warnings=()) if output == "table" else answer
    print_answer(quiet, output, table=lambda console, _: print_tree(console, answer), dot=draw)
    return exit_status(answer)


def exit_status(answer: Answer) -> Exit:
    """Return the exit status that says what the answer says."""
    if answer.verdict is not None:
        return _STATUS.get(answer.verdict, Exit.INCOMPLETE)
    return Exit.OK if answer.complete else Exit.INCOMPLETE
