"""May I ask my own question? The command ``lineseal sql``."""

from __future__ import annotations

import click
from rich.console import Console

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, output_options, print_answer, print_table
from lineseal.queries.cli.common import ask_sql
from lineseal.queries.guarded_sql import DEFAULT_LIMIT, DEFAULT_TIMEOUT


@click.command(short_help="Run one SQL statement that only reads.")
@click.argument("statement")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=DEFAULT_LIMIT,
    show_default=True,
    help="Rows to print at most.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=3600),
    default=DEFAULT_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="How long the statement may run.",
)
@output_options
def sql(statement: str, limit: int, timeout: float, output: str) -> int:
    """Run one SQL STATEMENT that only reads the store; SHOW TABLES lists what there is.

    It sees no file, no network and no setting it could change.

    Exit status: 0 answered; 6 there are more rows; 4 refused or over its limits; 2 not SQL.
    """
    answer = ask_sql(statement, limit=limit, timeout=timeout)
    print_answer(answer, output, columns=answer.extra["columns"], table=_table)
    return Exit.OK if answer.complete else Exit.INCOMPLETE


def _table(console: Console, answer: Answer) -> None:
    # Names that the asker chose, or will write in the next statement.
    print_table(console, answer.extra["columns"], answer.rows, verbatim=True)
