"""What changed between two versions? The command ``lineseal diff``."""

from __future__ import annotations

import click
from rich.console import Console

from lineseal.commandline.exit_codes import Exit
from lineseal.commandline.output import Answer, output_options, print_answer, print_table
from lineseal.queries.cli.common import ask
from lineseal.queries.questions import DIFF, DiffParams

_SHORT = len("sha256:") + 12
COLUMNS = ("aspect", "change", "subject", "before", "after", "where")


@click.command(short_help="Show what changed between two versions.")
@click.argument("before", metavar="REF_A")
@click.argument("after", metavar="REF_B")
@click.option("--as-of", metavar="TIME", help="Leave out what happened after TIME.")
@click.option("--known-at", metavar="TIME", help="Leave out what was ingested after TIME.")
@output_options
def diff(before: str, after: str, as_of: str | None, known_at: str | None, output: str) -> int:
    """Show what changed between how REF_A and REF_B were made.

    Data sets and models of the whole ancestry (version, digest, rows, labels, shares of sources),
    code, environment and parameters of each job, decisions, checks, metrics, people. JSON has
    more: an artifact's measures stand in "details".

    Exit status: 0 answered; 6 an ancestry is not proven, so there may be more; 3 not found.
    """
    params = DiffParams(before=before, after=after, as_of=as_of, known_at=known_at)
    answer = ask(DIFF, params, unread=True)
    print_answer(answer, output, columns=COLUMNS, table=_table)
    return Exit.OK if answer.complete else Exit.INCOMPLETE


def _table(console: Console, answer: Answer) -> None:
    print_table(console, COLUMNS, [_with_measures(dict(row)) for row in answer.rows])


def _with_measures(row: dict[str, object]) -> dict[str, object]:
    """Show rows beside the version, where somebody counted them; digests as git shows them."""
    details = row["details"]
    if isinstance(details, dict) and "rows" in details:
        for side in ("before", "after"):
            if (count := details["rows"][side]) is not None:
                row[side] = f"{row[side]} ({count:,} rows)"
    if row["aspect"] == "content":
        row |= {side: str(row[side] or "")[:_SHORT] for side in ("before", "after")}
    return row
