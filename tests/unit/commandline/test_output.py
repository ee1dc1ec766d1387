"""An answer is the same in every format, safe to show, and never in colour through a pipe.

What is promised: JSON of one shape that only grows; NDJSON one object a line; CSV that opens
without running; tables that cut nothing; data on stdout, narration on stderr. Source: DESIGN 8.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import click
import pytest
from click.testing import CliRunner

from lineseal.commandline.output import FORMATS, Answer, output_options, print_answer, to_json

HOSTILE = "=cmd\x1b[31m[bold]\u202e"
ROWS: list[Mapping[str, Any]] = [
    {"name": "fraud", "rows": -5, "share": 0.5, "checked": True, "why": ["a", "b"], "owner": None},
    MappingProxyType({"name": HOSTILE, "rows": 0, "share": 1.0, "checked": False, "why": []}),
]
ANSWER = Answer(query="trace", subject="model:r/fraud@7", rows=ROWS, warnings=["gap in x"])


@click.command()
@output_options
def command(output: str) -> None:
    """Print the sample answer."""
    print_answer(ANSWER, output)


def printed(*arguments: str) -> str:
    """Return what the sample command prints to stdout."""
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_json_has_its_fixed_keys_in_order() -> None:
    """Programs may rely on every key being there."""
    answer = json.loads(printed("--json"))

    assert list(answer) == [
        "query", "subject", "as_of", "known_at", "verdict", "complete", "warnings", "rows",
    ]  # fmt: skip
    assert answer["rows"] == [dict(row) for row in ROWS]


def test_extra_keys_come_after_the_fixed_ones() -> None:
    """A query may add keys, never replace the shape."""
    assert list(Answer(query="x", extra={"cut": True}).to_dict())[-1] == "cut"


def test_json_is_plain_ascii() -> None:
    """No escape sequence and no direction mark reaches the terminal through JSON."""
    assert printed("--json").isascii()
    assert "\x1b" not in printed("--json")


def test_numbers_that_json_does_not_know_are_refused() -> None:
    """NaN would be invalid JSON for every other program."""
    with pytest.raises(ValueError, match="JSON compliant"):
        to_json(float("nan"))


def test_ndjson_is_one_row_a_line() -> None:
    """Every line is one object, whatever mapping the row is."""
    lines = printed("--output", "ndjson").splitlines()

    assert [json.loads(line) for line in lines] == [dict(row) for row in ROWS]


def test_csv_keeps_numbers_and_disarms_formulas() -> None:
    """-5 stays a number; a supplier's ``=cmd`` becomes text."""
    header, first, second = csv.reader(io.StringIO(printed("--output", "csv")))

    assert header == ["name", "rows", "share", "checked", "why", "owner"]
    assert first == ["fraud", "-5", "0.5", "yes", "a, b", ""]
    assert second == [r"'=cmd\u001b[31m[bold]\u202e", "0", "1.0", "no", "", ""]


def test_a_table_shows_hostile_text_as_text() -> None:
    """Markup, escapes and direction marks are shown, not obeyed."""
    assert r"=cmd\u001b[31m[bold]\u202e" in printed()


def test_a_hostile_column_name_is_text_too() -> None:
    """A column named like markup does not break the table."""
    answer = Answer(query="sql", rows=[{"[/bold]\x1b[31m": 1}])

    shown = shown_by(answer)

    assert r"[/bold]\u001b[31m" in shown


def shown_by(answer: Answer) -> str:
    """Return the table of *answer* as a pipe receives it."""

    @click.command()
    def show() -> None:
        print_answer(answer, "table")

    return CliRunner().invoke(show, catch_exceptions=False).stdout


def test_a_table_in_a_pipe_cuts_nothing() -> None:
    """A cell of a thousand characters arrives whole and on one line."""
    assert "x" * 1000 in shown_by(Answer(query="sql", rows=[{"a": "x" * 1000}]))


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}])
def test_there_is_no_colour_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    """Not by default, not on request: programs read pipes."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert "\x1b" not in printed()


@pytest.mark.parametrize("output", [name for name in FORMATS if name not in {"json", "dot"}])
def test_warnings_go_to_stderr(output: str) -> None:
    """Data stays clean; JSON carries its warnings itself."""
    result = CliRunner().invoke(command, ["--output", output])

    assert "warning: gap in x" in result.stderr
    assert "warning" not in result.stdout


def test_json_carries_its_warnings_itself() -> None:
    """Nothing is said twice."""
    result = CliRunner().invoke(command, ["--json"])

    assert json.loads(result.stdout)["warnings"] == ["gap in x"]
    assert not result.stderr


def test_an_answer_that_cannot_be_drawn_says_so() -> None:
    """Asking for a drawing of a table is a usage error."""
    result = CliRunner().invoke(command, ["--output", "dot"])

    assert result.exit_code == 2
    assert "cannot be drawn" in result.stderr


def test_the_last_format_named_wins() -> None:
    """--json is short for --output json."""
    assert printed("--output", "csv", "--json") == printed("--json")
    assert printed("--json", "--output", "csv") == printed("--output", "csv")


def test_no_rows_is_said_in_words() -> None:
    """An empty table says so, on stderr."""
    assert not shown_by(Answer(query="sql"))
