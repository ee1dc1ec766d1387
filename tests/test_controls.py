"""docs/controls.md names only rules, gate rules and commands that exist, and every rule.

What is promised: an auditor who follows a row finds what it names. Ids of other bodies were read in
their texts when the page was written; that nobody adds one without looking is checked here.
"""

from __future__ import annotations

import re
from pathlib import Path

import click

from lineseal.commandline.program import lineseal
from lineseal.queries.rules import shipped_rules

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = (DOCS / "controls.md").read_text("utf-8")
READ_IDS = {"ML02:2023", "LLM04:2025"} | {
    f"NISTAML.{number}" for number in ("011", "013", "021", "023", "024", "026", "05", "051")
}
"""Ids that were compared with the publications."""


def test_the_rules_it_names_are_those_that_ship() -> None:
    """None is invented, none forgotten."""
    assert set(re.findall(r"\bDP-\d+", PAGE)) == set(shipped_rules())


def test_the_commands_it_names_exist() -> None:
    """With their subcommands."""
    for name in set(re.findall(r"`lineseal ([a-z -]+)`", PAGE)):
        command: click.Command | None = lineseal
        for word in name.split():
            assert isinstance(command, click.Group), name
            command = command.get_command(click.Context(command), word)
            assert command is not None, name


def test_the_gate_rules_it_names_are_rows_of_the_gates_page() -> None:
    """In the table of rules there."""
    gates = set(re.findall(r"^\| `(\w+)` \|", (DOCS / "gates.md").read_text("utf-8"), re.MULTILINE))
    cells = re.findall(r"gate rules? ((?:`\w+`(?:, )?)+)", PAGE)
    named = {rule for cell in cells for rule in re.findall(r"`(\w+)`", cell)}

    assert named
    assert named <= gates


def test_no_id_stands_there_that_was_not_read() -> None:
    """Whoever adds one reads it in the publication and adds it here."""
    named = set(re.findall(r"\b(?:ML\d\d:\d{4}|LLM\d\d:\d{4}|NISTAML\.\d+|AML\.\w+)", PAGE))

    assert named == READ_IDS
