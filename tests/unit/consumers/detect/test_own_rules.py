"""A user's own rule may find things, and do nothing else.

Promised: one statement that reads, in a read-only transaction, no file, no network, no setting,
within its time and number of rows; one that fails is told and stops no other. Source: ADR-0010,
docs/detections.md.
"""

from __future__ import annotations

import resource
from collections.abc import Generator
from pathlib import Path

import pytest

from lineseal.consumers.detect.cases import FactWriter
from lineseal.consumers.detect.detector import Detection, Detector
from lineseal.consumers.detect.policy import make_policy
from lineseal.consumers.store import Store
from lineseal.queries.rules import Rule, parse_rule, shipped_rules, user_rules
from lineseal.schemas.errors import ConfigurationError
from lineseal.settings import PolicySettings

HEAD = """\
-- id:      OWN-001
-- uuid:    0b5b1a51-6e0f-4b0e-9d0a-6f2f2b9f2a10
-- title:   Something of our own
-- status:  test
-- version: 1.0.0
-- severity: low
-- confidence: low
-- atlas:   none
-- owasp:   none
-- reads:   registration
-- clock:   commit
-- key:     artifact
-- window:  none
-- params:  none
-- false:   none
-- runbook: https://wiki.example/own
-- why:     We want to know.
"""
GOOD = (
    "SELECT subject_scope(subject) AS scope, subject_ref(subject) AS subject,"
    " event_time AS seen_at, event_id, 'registered' AS reason FROM registration"
)
SHAPE = "SELECT {} AS scope, 's' AS subject, {} AS seen_at, 'e' AS event_id, {} AS reason"
MOMENT = "TIMESTAMP '2026-01-01'"
HOSTILE = {
    "a write": "DELETE FROM alert_change",
    "a write within": "WITH d AS (DELETE FROM event RETURNING *) SELECT * FROM d",
    "two statements": f"{GOOD}; DROP TABLE event",
    "a new table": f"CREATE TEMP TABLE t AS {GOOD}",
    "a file": "SELECT * FROM read_text('/etc/passwd')",
    "a file by name": "SELECT * FROM '/etc/passwd'",
    "a network": "SELECT * FROM read_csv('https://evil.example/x')",
    "a copy": "COPY event TO '/tmp/stolen.csv'",
    "an attached file": "ATTACH '/tmp/x.duckdb'",
    "an extension": "INSTALL httpfs",
    "a setting": "SET enable_external_access = true",
    "a pragma": "PRAGMA database_list",
    "a call": "CALL pragma_version()",
}
MISSHAPEN = {
    "other columns": "SELECT 1 AS one",
    "a scope that is no text": SHAPE.format(1, MOMENT, 1),
    "no moment": SHAPE.format("'s'", "'today'", "'r'"),
    "too many rows": SHAPE.format("'s'", MOMENT, "'r' || range") + " FROM range(10001)",
    "a table that is not": "SELECT * FROM nowhere",
    "an endless walk": SHAPE.format("'s'", MOMENT, "sum(a.range + b.range)::VARCHAR")
    + " FROM range(10000000) a, range(10000000) b",
    # DuckDB does not count these: its own memory limit lets them pass.
    "one endless text": SHAPE.format("'s'", MOMENT, "repeat('x', 6000000000)"),
    "one endless list": SHAPE.format("'s'", MOMENT, "len(range(900000000))::VARCHAR"),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Generator[Store]:
    """Open a real store with one registration."""
    path = tmp_path_factory.mktemp("own") / "lineseal.duckdb"
    with Store(path, deployment="own") as opened:
        fact = {"at": "1h", "by": "etl", "registration": {"subject": "dataset:lake/tx@1"}}
        FactWriter(opened.connection).commit([(0, fact)])
        yield opened


def run(store: Store, statement: str) -> Detection:
    """Run one own rule beside a shipped one, as if it were new."""
    own = parse_rule(f"{HEAD}{statement}\n", name="OWN-001", own=True)
    store.connection.execute("DELETE FROM detection")
    rules: dict[str, Rule] = {"OWN-001": own, "DP-007": shipped_rules()["DP-007"]}
    detector = Detector(make_policy(PolicySettings(), rules), rule_seconds=0.5)
    return detector.run(store.connection, None, store.transaction)


def everything(store: Store) -> list[tuple[object, ...]]:
    """Count the rows of every table but the one that says how far rules looked."""
    return store.connection.execute(
        "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM registration),"
        " (SELECT count(*) FROM alert_change), (SELECT count(*) FROM duckdb_tables())"
    ).fetchall()


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_rule_can_only_read(store: Store, what: str) -> None:
    """It is refused, nothing changed, and the rule beside it ran."""
    run(store, GOOD)  # what is prepared is there
    before = everything(store)

    done = run(store, HOSTILE[what])

    assert len(done.failures) == 1
    assert done.rules_run == 1
    assert everything(store) == before


@pytest.mark.parametrize("what", MISSHAPEN)
def test_a_rule_that_returns_nonsense_is_told(store: Store, what: str) -> None:
    """The message names the rule; no alert comes of it."""
    done = run(store, MISSHAPEN[what])

    assert [failure for failure in done.failures if "OWN-001" in failure] != []
    assert done.opened == 0


def test_a_bad_rule_is_switched_off_and_the_process_goes_on(store: Store) -> None:
    """It is told once; what it costs is not paid after every commit, nor its memory kept."""
    walk = parse_rule(f"{HEAD}{MISSHAPEN['an endless walk']}\n", name="OWN-001", own=True)
    store.connection.execute("DELETE FROM detection")
    detector = Detector(make_policy(PolicySettings(), {"OWN-001": walk}), rule_seconds=0.2)
    before = resource.getrlimit(resource.RLIMIT_AS)

    first, second = (detector.run(store.connection, None, store.transaction) for _ in range(2))

    assert ["switched off" in failure for failure in first.failures] == [True]
    assert (second.failures, second.rules_run) == ((), 0)
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_a_long_text_of_a_rule_is_cut(store: Store) -> None:
    """Ten thousand alerts of a megabyte each would fill the store."""
    found = f"SELECT 's' AS scope, 's' AS subject, {MOMENT} AS seen_at, 'e' AS event_id"
    done = run(store, f"{found}, repeat('x', 1000000) AS reason;")
    rows = store.connection.execute(
        "SELECT len(reasons[1]) FROM alert WHERE rule_id = 'OWN-001' AND subject = 's'"
    )

    assert done.failures == ()
    assert rows.fetchall() == [(2000,)]


def test_a_good_rule_finds(store: Store) -> None:
    """It raises an alert as a shipped one does."""
    done = run(store, GOOD)
    found = store.connection.execute(
        "SELECT subject FROM alert WHERE rule_id = 'OWN-001' AND status = 'open'"
    )

    assert done.failures == ()
    assert found.fetchall() == [("dataset:lake/tx@1",)]


def test_a_shipped_id_is_no_id_of_ones_own(tmp_path: Path) -> None:
    """Nobody replaces a shipped rule by dropping a file."""
    (tmp_path / "DP-001.sql").write_text(HEAD.replace("OWN-001", "DP-001") + GOOD)

    with pytest.raises(ConfigurationError, match="another prefix"):
        user_rules(tmp_path)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A typing error must not mean: no rules."""
    with pytest.raises(ConfigurationError, match="there is no folder"):
        user_rules(tmp_path / "rulez")
