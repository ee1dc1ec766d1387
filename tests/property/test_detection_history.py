"""What a commit makes rules judge again is all that changed: the alerts are those of a full look.

Promised: facts that meddle with each other, in any order and in any number of commits, leave the
same alerts as rules that see the same store for the first time. Source: docs/detections.md, "Late
facts".
"""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.property.detection_history import POLICY, Fact, Meddler

from lineseal.consumers.detect.cases import FactWriter, empty_store, moment
from lineseal.consumers.detect.detector import Detector
from lineseal.consumers.detect.policy import Policy, make_policy
from lineseal.consumers.detect.rule_tests import clear, tables
from lineseal.queries.rules import shipped_rules
from lineseal.settings import PolicySettings

CONTENT = (
    'SELECT rule_id, subject, scope, first_seen, last_seen, "count", reasons, evidence, alert_id'
    " FROM alert WHERE status = 'open' ORDER BY rule_id, alert_id"
)
RULES = 5
"""Rules of one example: all of them take a second for each commit."""


@pytest.fixture(scope="module")
def store() -> Generator[duckdb.DuckDBPyConnection]:
    """Open one store for all examples; each clears it."""
    connection = empty_store()
    yield connection
    connection.close()


def policy_of(rule_ids: list[str]) -> Policy:
    """Make the policy that switches everything on, for these rules."""
    rules = {rule_id: shipped_rules()[rule_id] for rule_id in rule_ids}
    thresholds = [text for text in POLICY["thresholds"] if text.partition(".")[0] in rules]
    given_policy = PolicySettings(**{**POLICY, "thresholds": tuple(thresholds)})
    return make_policy(given_policy, rules)


def look(connection: duckdb.DuckDBPyConnection, policy: Policy, *, tick: bool) -> None:
    """Detect once; no rule may fail."""
    at = {"tick_time": moment("3d")} if tick else None
    assert Detector(policy).run(connection, at).failures == ()


def standing(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Return what stands open."""
    return connection.execute(CONTENT).fetchall()


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    chance=st.randoms(use_true_random=False),
    rule_ids=st.lists(st.sampled_from(sorted(shipped_rules())), min_size=RULES, unique=True),
)
def test_looking_after_each_commit_finds_what_one_look_at_everything_finds(
    store: duckdb.DuckDBPyConnection, chance: random.Random, rule_ids: list[str]
) -> None:
    """Nothing that changed is missed, and nothing else is touched."""
    policy = policy_of(rule_ids[:RULES])
    meddler = Meddler(chance)
    facts: list[Fact] = [meddler.fact() for _ in range(chance.randrange(8, 30))]
    clear(store, tables(store))
    writer = FactWriter(store)
    first = 0
    while first < len(facts):
        last = first + chance.randrange(1, 12)
        writer.commit(list(enumerate(facts))[first:last])
        look(store, policy, tick=chance.randrange(4) == 0)
        first = last
    look(store, policy, tick=True)
    found = standing(store)

    clear(store, ("alert_change", "alert_part", "detection"))
    look(store, policy, tick=True)

    assert found == standing(store)
