"""Prints answers: tables for people, JSON, NDJSON, CSV and DOT for programs.

Data goes to stdout, everything else to stderr. The JSON of every query has one shape that only
ever grows: ``{query, subject, as_of, known_at, verdict, complete, warnings, rows}``.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lineseal.commandline.escape import csv_cell, visible
from lineseal.commandline.json_text import INDENT, JsonRows, compact, indented

FORMATS = ("table", "json", "ndjson", "csv", "dot")
_PIPE_WIDTH = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Hold the answer of one query.

    ``warnings`` say in full sentences why the answer is not complete or not certain; ``remarks``
    are warnings that do not touch the answer itself. ``extra`` is merged into the JSON object
    after the fixed keys.
    """

    query: str
    subject: Any = None
    as_of: str | None = None
    known_at: str | None = None
    verdict: str | None = None
    complete: bool = True
    warnings: Sequence[str] = ()
    remarks: Sequence[str] = ()
    rows: Sequence[Mapping[str, Any]] = ()
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_dict(self) -> dict[str, Any]:
        """Return the answer in the shape that ``--json`` prints."""
        rows = self.rows
        return {
            "query": self.query,
            "subject": self.subject,
            "as_of": self.as_of,
            "known_at": self.known_at,
            "verdict": self.verdict,
            "complete": self.complete,
            "warnings": [*self.warnings, *self.remarks],
            "rows": rows if isinstance(rows, JsonRows) else [dict(row) for row in rows],
            **self.extra,
        }


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--output FORMAT`` and ``--json``; the command receives ``output``."""
    command = click.option(
        "--json", "output", flag_value="json", help="Same as --output json.", default=None
    )(command)
    return click.option(
        "--output",
        "output",
        type=click.Choice(FORMATS),
        default="table",
        show_default=True,
        help="How to print the answer.",
    )(command)


def print_answer(
    answer: Answer,
    output: str,
    *,
    columns: Sequence[str] | None = None,
    table: Callable[[Console, Answer], None] | None = None,
    dot: Callable[[Answer], str] | None = None,
) -> None:
    """Print *answer* to stdout in the chosen format.

    Args:
        answer: What to print.
        output: One of ``FORMATS``.
        columns: Row keys for table and CSV; by default all keys of the first row.
        table: How people see it (a tree, say) instead of a plain table.
        dot: How to draw it; without it ``dot`` is a usage error.

    """
    keys = list(columns) if columns is not None else list(answer.rows[0]) if answer.rows else []
    if output == "json":
        click.echo(to_json(answer.to_dict()))
    elif output == "ndjson":
        for row in answer.rows:
            click.echo(to_json(dict(row), indent=None))
    elif output == "csv":
        click.echo(_csv(keys, answer.rows), nl=False)
    elif output == "dot":
        if dot is None:
            raise click.UsageError(f"{answer.query} cannot be drawn; use another --output")
        click.echo(dot(answer))
    else:
        console = stdout_console()
        if table is not None:
            table(console, answer)
        else:
            print_table(console, keys, answer.rows)
    if output != "json":
        for warning in (*answer.warnings, *answer.remarks):
            note(f"warning: {warning}")


def to_json(value: Any, indent: Literal[2] | None = INDENT) -> str:
    """Render JSON that is one safe line per string: ASCII only, no NaN, keys in order."""
    return indented(value) if indent == INDENT else compact(value)


def print_table(
    console: Console,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    *,
    verbatim: bool = False,
) -> None:
    """Print rows as a table; long cells are folded, never cut.

    Underscores of column names are printed as blanks unless *verbatim*.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        heading = column if verbatim else column.replace("_", " ")
        table.add_column(Text(visible(heading)), overflow="fold")
    count = 0
    for row in rows:
        count += 1
        table.add_row(*(Text(cell_text(row.get(column))) for column in columns))
    if count:
        console.print(table)
    else:
        note("no rows")


def cell_text(value: Any) -> str:
    """Return what a cell shows: nothing for null, commas between items, hidden made visible."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(cell_text(item) for item in value)  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Mapping):
        return visible(to_json(value, indent=None))
    return visible(str(value))


class PipeConsole(Console):
    """A console whose reader may go away: rich would end the program with 1, which is a finding."""

    def on_broken_pipe(self) -> None:
        """Leave it to the program how it ends."""
        raise BrokenPipeError


def stdout_console() -> Console:
    """Return a console on stdout: colour only on a terminal, no wrapping into a pipe."""
    if sys.stdout.isatty():
        return PipeConsole(highlight=False)
    return PipeConsole(file=sys.stdout, highlight=False, width=_PIPE_WIDTH, color_system=None)


def note(text: str) -> None:
    """Say something to the person: one line on stderr."""
    click.echo(visible(text), err=True)


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([csv_cell(column) for column in columns])
    for row in rows:
        writer.writerow([_csv_value(row.get(column)) for column in columns])
    return buffer.getvalue()


def _csv_value(value: Any) -> str:
    # A number is no formula, and "'-5" would no longer be a number.
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if number else csv_cell(cell_text(value))
