"""A runbook is about its rule, and what it tells one to type works.

Promised: the head repeats the rule; every ``lineseal`` command parses, with every option; every
statement of ``lineseal sql`` runs on the tables of a store. Source: docs/detections.md.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from lineseal.commandline.program import lineseal
from lineseal.consumers.detect.cases import empty_store
from lineseal.queries.rules import Rule, shipped_rules

ROOT = Path(__file__).resolve().parents[4]
RULES = list(shipped_rules().values())
PLACEHOLDERS = {
    "ARTIFACT": "dataset:lake/tx@1",
    "CODE": "BAD_SIGNATURE",
    "DATASET": "dataset:lake/tx@1",
    "DIGEST": "sha256:" + "0" * 64,
    "ID": "5ad26fb7",
    "MODEL": "model:registry/fraud@7",
    "NAME": "trainer",
    "REF": "dataset:lake/tx@1",
    "SUBJECT": "dataset:lake/tx@1",
    "TIME": "2026-01-01T00:00:00Z",
    "VERSION": "7",
    "YOU": "alice",
}


def by_id(rule: Rule) -> str:
    """Name a rule in the list of tests."""
    return rule.rule_id


def page(rule: Rule) -> str:
    """Return the text of a rule's runbook."""
    return (ROOT / rule.runbook).read_text("utf-8")


def head(rule: Rule) -> str:
    """Return what a rule's runbook begins with."""
    techniques = ", ".join(rule.atlas)
    mistaken = "\n".join(f"* {each}" for each in rule.false_positives)
    return (
        f"# {rule.rule_id}: {rule.title}\n\n"
        f"Severity {rule.severity}, confidence {rule.confidence}, {rule.status}. "
        f"MITRE ATLAS {techniques}.\n\n{rule.why}\n\n"
        f"What looks like it and is not:\n\n{mistaken}\n\n## Triage\n"
    )


@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_a_runbook_begins_with_its_rule(rule: Rule) -> None:
    """Severity, reason and false positives are those of the rule as it stands."""
    text = page(rule)

    assert text[: text.index("## Triage\n") + len("## Triage\n")] == head(rule)


@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_a_runbook_has_its_three_parts(rule: Rule) -> None:
    """What to look at, what to stop, how to get well again: in this order, none empty."""
    parts = re.findall(r"^## (\w+)\n\n1\. \S", page(rule), re.MULTILINE)

    assert parts == ["Triage", "Contain", "Recover"]


@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_the_commands_of_a_runbook_exist(rule: Rule) -> None:
    """Each parses as it stands, placeholders filled in."""
    commands = re.findall(r"`lineseal ([^`]+)`", page(rule))

    assert commands
    for command in commands:
        words = [_filled(word) for word in shlex.split(command.replace("\n", " "))]
        try:
            _parse(lineseal, "lineseal", [word for word in words if word != "..."])
        except click.UsageError as error:
            # three dots stand for options that are left out
            if "..." not in words or "Missing option" not in str(error):
                pytest.fail(f"lineseal {command}: {error.format_message()}")


@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_the_statements_of_a_runbook_run(rule: Rule) -> None:
    """Tables and columns are there."""
    with empty_store() as store:
        for statement in re.findall(r'`lineseal sql "([^"]+)"`', page(rule)):
            store.execute(statement)


def _filled(word: str) -> str:
    return re.sub(r"[A-Z]+", lambda match: PLACEHOLDERS.get(match[0], match[0]), word)


def _parse(command: click.Command, name: str, words: list[str]) -> None:
    with command.make_context(name, list(words)) as context:
        left = [*context._protected_args, *context.args]  # pyright: ignore[reportPrivateUsage]
        if isinstance(command, click.Group) and left:
            _, found, rest = command.resolve_command(context, left)
            assert found is not None
            _parse(found, left[0], rest)
