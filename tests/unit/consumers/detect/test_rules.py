"""Every shipped rule is whole, and finds what its cases say.

Promised: a head whose every key is known; cases that make it fire, keep it quiet and stand on its
boundaries; a runbook that says how to triage, contain and recover; technique ids that exist.
Source: docs/detections.md; reference (SIEM) 4.1 to 4.3.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import duckdb
import pytest

from lineseal.consumers.detect.cases import empty_store
from lineseal.consumers.detect.rule_tests import cases_of, run_case
from lineseal.queries.rules import Rule, default_of, parse_rule, shipped_rules
from lineseal.schemas.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[4]
RULES = list(shipped_rules().values())
EXPECTED = [*range(1, 26), *range(31, 39)]
PREPARED = {"training", "training_output", "ancestor", "practice", "touched", "touched_name"}
PREPARED_FROM = {"run_event", "run_io"}


@pytest.fixture(scope="module")
def store() -> Generator[duckdb.DuckDBPyConnection]:
    """Open one store for all cases; each case clears it."""
    connection = empty_store()
    yield connection
    connection.close()


def by_id(rule: Rule) -> str:
    """Name a rule in the list of tests."""
    return rule.rule_id


def test_exactly_the_promised_rules_are_shipped() -> None:
    """DP-001 to DP-025 and DP-031 to DP-038; ids between are reserved."""
    assert [rule.rule_id for rule in RULES] == [f"DP-{number:03}" for number in EXPECTED]
    assert len({rule.uuid for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_a_rule_finds_what_its_cases_say(rule: Rule, store: duckdb.DuckDBPyConnection) -> None:
    """Exactly the expected subjects have an open alert."""
    results = [run_case(rule, case, store) for case in cases_of(rule, None)]

    assert [result for result in results if not result.passed] == []


@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_a_rule_has_cases_of_every_sort(rule: Rule) -> None:
    """It fires, it stays quiet, and it is shown at a boundary."""
    cases = cases_of(rule, None)

    assert any(case.expect for case in cases)
    assert any(not case.expect for case in cases)
    assert any(case.name.startswith("boundary") for case in cases)


@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_a_rule_has_a_runbook(rule: Rule) -> None:
    """It says what to look at, what to stop, and how to get well again."""
    text = (ROOT / rule.runbook).read_text("utf-8")

    assert text.startswith(f"# {rule.rule_id}: {rule.title}\n")
    for part in ("## Triage", "## Contain", "## Recover"):
        assert re.search(rf"{part}\n\n1\. \S", text)


@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_a_rule_runs_when_what_it_reads_has_news(
    rule: Rule, store: duckdb.DuckDBPyConnection
) -> None:
    """Every table the statement names is in ``reads``, and every one in ``reads`` exists."""
    rows = store.execute("SELECT table_name FROM duckdb_tables() WHERE NOT temporary").fetchall()
    tables = {name for (name,) in rows} - {"edge", "artifact_version"}
    always = {"event"}  # no fact comes without its row there
    named = set(re.findall(r"\b(?:FROM|JOIN)\s+\(?(\w+)", rule.sql))
    named = {"approval" if name == "sound_approval" else name for name in named}
    if named & PREPARED - {"touched", "touched_name"}:
        named |= PREPARED_FROM

    assert (named & tables) - always <= set(rule.reads)
    assert set(rule.reads) <= tables


@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_the_defaults_of_a_rule_are_of_their_types(rule: Rule) -> None:
    """A default that cannot be read would only be noticed in production."""
    for field in rule.params:
        default_of(field)


def test_the_techniques_exist_in_atlas() -> None:
    """Compared with MITRE's own data where it is at hand."""
    data = ROOT.parent / "shared/data/atlas/ATLAS.yaml"
    if not data.is_file():
        pytest.skip("the ATLAS data is not beside this checkout")
    known = set(re.findall(r"\bAML\.T[0-9]{4}(?:\.[0-9]{3})?\b", data.read_text("utf-8")))

    assert {technique for rule in RULES for technique in rule.atlas} <= known


GOOD = next(iter(RULES))


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("severity: critical", "severity: terrible", "severity must be one of"),
        ("-- status:", "-- stage:", "unknown"),
        ("DP-001\n", "DP-999\n", "id cannot be that"),
        ("AML.T0020", "T0020", "atlas cannot be that"),
        ("version: 1.0.0", "version: 1", "version cannot be that"),
        ("params:  none", "params:  limit BIGINT=3", "disagree about: limit"),
        ("window:  none", "window:  often", "window is"),
    ],
)
def test_a_head_that_is_wrong_is_refused(before: str, after: str, complaint: str) -> None:
    """The message names the rule and the key."""
    text = (ROOT / "queries/lineseal/queries/sql/detections/DP-001.sql").read_text("utf-8")
    changed = re.sub(re.escape(before).replace(r":\ ", r":\s+"), after, text, count=1)

    assert changed != text
    with pytest.raises(ConfigurationError, match=complaint):
        parse_rule(changed, name="DP-001")
