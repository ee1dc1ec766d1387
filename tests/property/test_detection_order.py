"""In whatever order facts arrive, the same alerts stand in the end.

Promised: late evidence re-evaluates. The facts of rules' cases, two cases mixed, arrive shuffled
and in any number of commits, with ticks between; the ids, status and content of open alerts are
those of one commit that held everything. Source: docs/detections.md, "Late facts".
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import pairwise
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineseal.consumers.detect.cases import Case, FactWriter, empty_store
from lineseal.consumers.detect.detector import Detector
from lineseal.consumers.detect.policy import make_policy
from lineseal.consumers.detect.rule_tests import cases_of, clear, tables
from lineseal.queries.rules import Rule, shipped_rules
from lineseal.settings import PolicySettings

RULES = list(shipped_rules().values())
CONTENT = (
    'SELECT alert_id, subject, scope, first_seen, last_seen, "count", reasons, evidence'
    " FROM alert WHERE status = 'open' ORDER BY alert_id"
)


@pytest.fixture(scope="module")
def store() -> Generator[duckdb.DuckDBPyConnection]:
    """Open one store for all examples; each clears it."""
    connection = empty_store()
    yield connection
    connection.close()


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[Rule, list[Case], list[list[int]], list[bool]]:
    """Choose a rule, one or two of its cases, and in which commits their facts arrive."""
    rule = draw(st.sampled_from(RULES))
    cases = draw(st.lists(st.sampled_from(cases_of(rule, None)), min_size=1, max_size=2))
    order = draw(st.permutations(range(sum(len(case.facts) for case in cases))))
    cuts = draw(st.lists(st.integers(1, max(1, len(order) - 1)), max_size=4, unique=True))
    edges = [0, *sorted(cuts), len(order)]
    commits = [list(order[a:b]) for a, b in pairwise(edges)]
    ticks = draw(st.lists(st.booleans(), min_size=len(commits), max_size=len(commits)))
    return rule, cases, commits, ticks


def detect(
    connection: duckdb.DuckDBPyConnection,
    rule: Rule,
    cases: Sequence[Case],
    commits: Sequence[Sequence[int]],
    ticks: Sequence[bool],
) -> list[tuple[Any, ...]]:
    """Write the commits, detect after each, judge the last tick, and return what stands open."""
    clear(connection, tables(connection))
    facts = [fact for case in cases for fact in case.facts]
    given_policy = PolicySettings(**{name: tuple(said) for name, said in cases[0].policy.items()})
    detector = Detector(make_policy(given_policy, {rule.rule_id: rule}))
    writer = FactWriter(connection)
    now = max(case.now for case in cases)
    for numbers, tick in zip(commits, ticks, strict=True):
        writer.commit([(number, facts[number]) for number in numbers])
        detector.run(connection, {"tick_time": now} if tick else None)
    done = detector.run(connection, {"tick_time": now})
    assert done.failures == ()
    return connection.execute(CONTENT).fetchall()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrival=arrivals())
def test_the_order_of_arrival_changes_no_alert(
    store: duckdb.DuckDBPyConnection,
    arrival: tuple[Rule, list[Case], list[list[int]], list[bool]],
) -> None:
    """Late facts open, change and close what earlier ones would have."""
    rule, cases, commits, ticks = arrival
    everything = [sorted(number for commit in commits for number in commit)]

    expected = detect(store, rule, cases, everything, [True])
    found = detect(store, rule, cases, commits, ticks)

    assert found == expected
