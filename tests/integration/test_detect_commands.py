"""From a fact in the log to a signed alert, a person's decision, and back: the commands.

Promised: alerts come by themselves after 'materialise'; exit statuses; a decision is an override
under the person's key and holds until something newer is found; every change is signed into the
topic of alerts, in a chain; a change of the policy is recorded and wants an approval.
Source: docs/detections.md; DESIGN 7, 8.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pytest
from tests.integration.alert_records import verified

from lineseal.commandline.program import lineseal
from lineseal.schemas.errors import KeyMissing, NotFound, StoreIncompatible
from lineseal.settings import find_home
from lineseal.transport.embedded import EmbeddedLogReader

Call: TypeAlias = Callable[..., tuple[int, str]]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Run commands in a new home; returns status and stdout."""
    monkeypatch.setenv("LINESEAL_HOME", str(tmp_path / ".lineseal"))

    def run(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        status = lineseal.main(list(words), standalone_mode=False)
        return int(status or 0), capsys.readouterr().out

    run("init", "--producer", "trainer")
    run("keys", "new", "alice", "--person", "--enrol")
    return run


def rows(said: str) -> list[dict[str, Any]]:
    """Return the rows of a JSON answer."""
    found: list[dict[str, Any]] = json.loads(said)["rows"]
    return found


def unpinned(call: Call, revision: str = "main") -> None:
    """Register data that was fetched at a branch: DP-007."""
    source = json.dumps({"source": {"uri": "https://hub.example/tx", "revision": revision}})
    path = find_home().path / "body.json"
    path.write_text(source)
    call("emit", "registration", "--subject", "dataset:lake/tx@1", "--from-json", str(path))


def test_an_alert_is_raised_shown_decided_about_and_opened_again(call: Call) -> None:
    """A decision holds for what was seen until then, and no longer."""
    unpinned(call)
    assert call("materialise")[0] == 0

    status, said = call("alerts", "--json")
    (alert,) = rows(said)
    assert (status, alert["rule"], alert["subject"]) == (1, "DP-007", "dataset:lake/tx@1")

    _, text = call("alerts")
    assert text.startswith(f"{alert['id'][:8]}  DP-007  medium    dataset:lake/tx@1\n")
    assert max(map(len, text.splitlines())) <= 80
    _, page = call("alerts", "show", alert["id"][:8])
    assert "docs/runbooks/DP-007.md" in page
    (whole,) = rows(call("alerts", "show", alert["id"], "--json")[1])
    assert whole["evidence"]
    assert whole["context"]["sources"][0]["name"] == "dataset:lake/tx@1"

    status, _ = call("alerts", "ack", alert["id"][:8], "--as", "alice", "--reason", "ticket 77")
    assert status == 0
    call("materialise")
    (acknowledged,) = rows(call("alerts", "--json")[1])
    assert (acknowledged["status"], acknowledged["decided_by"]) == ("acknowledged", "alice")

    call("alerts", "close", alert["id"], "--as", "alice", "--reason", "the mirror never moves")
    call("materialise")
    status, said = call("alerts", "--json")
    assert (status, rows(said)) == (0, [])
    (closed,) = rows(call("alerts", "--all", "--json")[1])
    assert (closed["status"], closed["decision_reason"]) == ("closed", "the mirror never moves")
    overrides = rows(
        call("sql", "SELECT DISTINCT made_by, actor_verified FROM override", "--json")[1]
    )
    assert overrides == [{"made_by": "alice", "actor_verified": True}]

    unpinned(call, "nightly")
    call("materialise")
    (again,) = rows(call("alerts", "--json")[1])
    assert (again["id"], again["status"], again["count"]) == (alert["id"], "open", 2)


def test_every_change_is_signed_and_names_the_one_before(call: Call) -> None:
    """What the topic of alerts holds verifies, is whole, and repeats nothing."""
    unpinned(call)
    call("materialise")
    call("detect")
    home = find_home()
    reader = EmbeddedLogReader(home.path / "log" / "alerts")
    records = reader.poll(100, 0.0)
    reader.close()

    told = verified(records, home)

    assert [said["alert"]["rule_id"] for said in told if "alert" in said] == ["DP-007"]
    assert any("tick" in said for said in told)


def test_a_change_of_the_policy_is_recorded_and_wants_an_approval(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DP-025 opens, and closes once exactly that digest is approved."""
    unpinned(call)
    call("materialise")
    monkeypatch.setenv("LINESEAL_POLICY__DISABLED_RULES", "DP-007")
    monkeypatch.setenv("LINESEAL_DETECT__TICK_SECONDS", "1")
    call("detect")
    call("materialise")
    (digest,) = (row["digest"] for row in rows(call("rules", "policy", "--json")[1]))
    (registered,) = rows(
        call(
            "sql", "SELECT manifest_root FROM registration WHERE subject.type = 'policy'", "--json"
        )[1]
    )
    assert registered["manifest_root"] == digest

    wait_for_rule(call, "DP-025", {"policy:detections"})
    call(
        *("emit", "approval", "--as", "alice", "--subject", "policy:detections"),
        *("--gate", "source", "--decision", "approve", "--approver", "alice"),
        *("--mode", "explicit", "--evidence", f"lineseal.toml@{digest}", "--reason", "quarter end"),
    )
    wait_for_rule(call, "DP-025", set())


def wait_for_rule(call: Call, rule: str, subjects: set[str]) -> None:
    """Materialise until a tick judged it: ticks are a second apart here."""
    found: list[dict[str, Any]] = []
    for _ in range(20):
        call("materialise")
        found = rows(call("alerts", "--rule", rule, "--json")[1])
        if {row["subject"] for row in found} == subjects:
            return
        time.sleep(0.3)
    raise AssertionError(f"{rule}: {found}")


def test_detect_says_by_its_status_what_it_found(call: Call) -> None:
    """0: nothing new; 1: an alert was opened; no store: 3."""
    with pytest.raises(NotFound, match="lineseal materialise"):
        call("detect")

    unpinned(call)
    call("materialise", "--no-detect")
    status, said = call("detect", "--json")
    (summary,) = rows(said)

    assert (status, summary["opened"]) == (1, 1)
    assert call("detect")[0] == 0


def test_a_store_an_older_lineseal_made_is_told_once_what_to_do(
    call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log is materialised all the same; rebuilding the store brings the detections back."""
    call("materialise")
    with duckdb.connect(find_home().path / "store" / "lineseal.duckdb") as store:
        store.execute("DROP TABLE alert_part; DROP MACRO source_host")
    unpinned(call)

    lineseal.main(["materialise"], standalone_mode=False)
    told = capsys.readouterr().err
    with pytest.raises(StoreIncompatible, match="lineseal rebuild"):
        call("detect")
    call("rebuild")
    call("detect")

    assert told.count("lineseal rebuild") == 1
    assert [row["rule"] for row in rows(call("alerts", "--json")[1])] == ["DP-007"]


def test_what_is_not_there_is_said(call: Call) -> None:
    """An alert, a rule and a person's key: each with what to do next."""
    unpinned(call)
    call("materialise")
    (alert,) = rows(call("alerts", "--json")[1])

    with pytest.raises(NotFound, match="lineseal alerts --all"):
        call("alerts", "show", "ffffffff")
    with pytest.raises(NotFound, match="lineseal rules list"):
        call("rules", "show", "DP-999")
    with pytest.raises(KeyMissing, match="keys new mallory --person"):
        call("alerts", "ack", alert["id"], "--as", "mallory", "--reason", "none of yours")


def test_rules_are_listed_shown_and_tested(call: Call) -> None:
    """Each with what an analyst needs; a rule's cases run from the command line."""
    _, text = call("rules", "list")
    listed = rows(call("rules", "list", "--json")[1])
    (shown,) = rows(call("rules", "show", "DP-009", "--json")[1])
    status, _ = call("rules", "test", "DP-009")

    assert len(listed) == 33
    assert "DP-017  critical stable       Quarantined data used downstream" in text
    assert shown["parameters"] == {"min_rows": 50, "factor": 3.0, "floor": 0.05}
    assert shown["statement"].startswith("WITH hourly AS")
    assert status == 0
