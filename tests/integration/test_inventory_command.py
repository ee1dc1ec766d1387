"""``lineseal inventory`` tells who may write beside who did, from the keyring of the time.

Evidence: a real home; keys enrolled, limited and revoked by the real commands.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.integration.home_kit import HomeKit


def writers(home: HomeKit, *arguments: str) -> dict[str, tuple[int, Any]]:
    """Return how many names each producer wrote, and what it may write."""
    answer = home("inventory", "--json", *arguments).json
    return {
        row["name"]: (row["things"], row["may_write"])
        for row in answer["rows"]
        if row["type"] == "writer"
    }


def test_who_may_write_stands_beside_who_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An idle key may write what it is enrolled for; a revoked one may nothing, and did."""
    home = HomeKit(tmp_path, monkeypatch, capsys)
    home.done("keys", "new", "partner")
    (request,) = home.folder.rglob("partner*.json")
    home.done("keys", "enrol", str(request), "--writes", "dataset:partner/*")
    home.done("keys", "new", "gate", "--event-kind", "verdict", "--enrol")
    home.done("run", "--job", "fit", "--writes", "model:reg/m@1", "--", "true")
    home.done("materialise")

    before = writers(home)
    (known,) = home.rows("SELECT max(ingest_time) AS at FROM keyring_version")
    keys = home("keys", "list", "--json").json["rows"]
    (jobs,) = (row for row in keys if row["producer"] == "jobs")
    home.done("keys", "revoke", jobs["keyid"], "--reason", "left")
    home("materialise")  # takes the new keyring in

    assert before["jobs"] == (1, ["*"])
    assert before["partner"] == (0, ["dataset:partner/*"])
    assert "gate" not in before
    assert writers(home)["jobs"] == (1, [])
    assert writers(home, "--known-at", known["at"])["jobs"] == (1, ["*"])
