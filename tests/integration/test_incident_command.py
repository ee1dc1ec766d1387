"""An incident is one record: alerts, orders, evidence, cause and the control that failed.

Evidence: the commands in a real home, from an alert that the shipped rules raised to closing.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from .home_kit import HomeKit

RAW = "dataset:lake/raw@1"
ALICE = ("--as", "alice")


@pytest.fixture
def kit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> HomeKit:
    """Return a home in which data was taken without a digest, so that an alert is open."""
    made = HomeKit(tmp_path, monkeypatch, capsys)
    made.people("alice", "bob")
    made.done("emit", "registration", "--subject", RAW, "--source", "https://partner.example/feed")
    made.materialise()
    return made


def test_an_incident_ties_everything_together(kit: HomeKit) -> None:
    """Opened with an alert, added to, closed with what was learned."""
    (kit.folder / "case.zip").write_bytes(b"evidence")
    alert = kit.rows("SELECT alert_id FROM alert WHERE status = 'open' ORDER BY 1")[0]["alert_id"]

    opened = kit.done("incident", "open", "INC-7", *ALICE, "--alert", alert[:8], "--subject", RAW)
    order = kit.done("freeze", RAW, *ALICE, "--reason", "bytes changed", "--ticket", "INC-7")
    kit.done("incident", "open", "INC-7", *ALICE, "--evidence", "case.zip", "--cause", "a retry")
    kit.materialise()
    listed = kit("incident", "list", "--json")
    unlearned = kit("incident", "close", "INC-7", *ALICE)
    closed = kit(
        "incident",
        "close",
        "INC-7",
        *ALICE,
        "--failed-control",
        "no digest check",
        "--action",
        "gate added",
    )
    kit.materialise()
    shown = kit("incident", "show", "INC-7", "--json")

    assert (listed.status, listed.json["rows"][0]["state"]) == (1, "opened")
    assert unlearned.status == 2
    assert "give --failed-control" in unlearned.err
    assert closed.status == 0
    assert f"{RAW} is still contained" in closed.err
    record = shown.json
    assert record["state"] == "closed"
    assert (record["cause"], record["failed_control"]) == ("a retry", "no digest check")
    assert record["actions"] == ["gate added"]
    rows = {row["what"]: row for row in record["rows"]}
    digest = hashlib.sha256(b"evidence").hexdigest()
    assert rows["alert"]["id"] == alert
    assert (rows["freeze"]["id"], rows["freeze"]["own_key"]) == (order.strip(), True)
    assert rows["evidence"]["reference"] == f"case.zip@sha256:{digest}"
    assert rows["incident"]["own_key"] is True
    recorded = kit.rows("SELECT count(*) AS n, min(event_id) AS first FROM incident")
    assert recorded == [{"n": 3, "first": opened.strip()}]
    assert kit("incident", "list").status == 0
    assert "no digest check" in kit("incident", "show", "INC-7").out
    assert kit("incident", "close", "INC-7", *ALICE).status == 2


def test_what_cannot_be_found_is_said(kit: HomeKit) -> None:
    """An incident that is none, an alert that is none, an id too short; a subject is only noted."""
    wrong = ("incident", "open", "INC-8", *ALICE, "--alert")

    assert kit("incident", "show", "INC-9").status == 3
    assert kit("incident", "close", "INC-9", *ALICE).status == 3
    assert kit(*wrong, "ffffffff").status == 3
    assert kit(*wrong, "ff").status == 3
    noted = kit("incident", "open", "INC-8", *ALICE, "--subject", "source:never-seen")
    assert noted.status == 0
    assert "the store knows nothing called source:never-seen" in noted.err
