"""What can be rolled back to? The command ``lineseal last-good``."""

from __future__ import annotations

import click
from rich.console import Console

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, output_options, print_answer, print_table
from lineseal.queries.cli.common import ask
from lineseal.queries.rollback.questions import LAST_GOOD, LastGoodParams

VERSIONS = ("verdict", "reference", "environment", "appeared_at", "reasons")
ORDER = ("order", "job", "writes")


@click.command(name="last-good", short_help="Show the newest version that is good.")
@click.argument("reference", metavar="MODEL")
@click.option(
    "--without",
    metavar="REF",
    multiple=True,
    help="It must not have been made from this; may be given more than once.",
)
@click.option(
    "--before", metavar="TIME", help="Everything in it must have appeared before TIME (event time)."
)
@click.option("--as-of", metavar="TIME", help="Leave out what happened after TIME.")
@click.option("--known-at", metavar="TIME", help="Leave out what was ingested after TIME.")
@output_options
def last_good(
    reference: str,
    without: tuple[str, ...],
    before: str | None,
    as_of: str | None,
    known_at: str | None,
    output: str,
) -> int:
    """Show the newest good version of a model, and why each newer one is not.

    Good: its whole ancestry is proven and holds nothing that --without names, nothing in it is
    quarantined or frozen, and somebody who neither made nor requested it approved it explicitly
    with their own key. With --without, the jobs to run again without it follow, in their order.

    Exit status: 0 there is one; 1 there is none; 6 what to run again may not be all; 3 not found.
    """
    params = LastGoodParams(
        reference=reference, without=list(without), before=before, as_of=as_of, known_at=known_at
    )
    answer = ask(LAST_GOOD, params, unread=True)
    print_answer(answer, output, columns=VERSIONS, table=_tables)
    if answer.extra["last_good"] is None:
        return Exit.FINDING
    return Exit.OK if answer.complete else Exit.INCOMPLETE


def _tables(console: Console, answer: Answer) -> None:
    print_table(console, VERSIONS, answer.rows)
    if answer.extra["retrain"]:
        console.print("\nTo be made again without it, in this order:")
        print_table(console, ORDER, answer.extra["retrain"])
