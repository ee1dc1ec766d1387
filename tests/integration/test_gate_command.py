"""``lineseal gate`` refuses, records every verdict under signature, and lets through what is good.

Evidence: the commands in a real home; the verdict is read back from the store it was verified into.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from .home_kit import HomeKit

RAW, REF = "dataset:lake/raw@1", "model:registry/fraud@7"
POLICY = "require_detections = false\nrequire_validation = false\n"


@pytest.fixture
def kit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> HomeKit:
    """Return a home in which model 7 was trained and alice approved it, and so far nobody else."""
    made = HomeKit(tmp_path, monkeypatch, capsys)
    made.people("alice", "bob")
    (tmp_path / "model.bin").write_bytes(b"weights")
    (tmp_path / "raw.csv").write_bytes(b"1,2\n")
    (tmp_path / "gate.toml").write_text(POLICY)
    made.done("emit", "registration", "--subject", RAW, "--owner", "dora")
    wrapped = ("--reads", f"{RAW}=raw.csv", "--writes", f"{REF}=model.bin")
    made.done("run", "--job", "fraud/train", "--stage", "train", *wrapped, "--", "true")
    digest = hashlib.sha256(b"weights").hexdigest()
    evaluated = ("--model", f"model:registry/fraud@sha256:{digest}", "--outcome", "pass")
    made.done(
        "emit",
        "evaluation",
        *evaluated,
        *("--suite", "holdout", "--suite.kind", "holdout"),
    )
    approve = ("--decision", "approve", "--subject")
    made.done("emit", "approval", "--as", "alice", "--gate", "dataset", *approve, RAW)
    made.done("emit", "approval", "--as", "alice", "--gate", "promotion", *approve, REF)
    made.materialise()
    return made


def test_a_gate_refuses_then_approves_and_both_verdicts_are_recorded(kit: HomeKit) -> None:
    """Exit status, reasons, and signed events with the digest of the policy."""
    asked = ("gate", "promote", REF, "--policy", "gate.toml", "--file", "model.bin", "--json")

    alone = kit(*asked)
    kit.done(
        "emit",
        "approval",
        "--as",
        "bob",
        "--gate",
        "promotion",
        "--decision",
        "approve",
        "--subject",
        REF,
    )
    kit.materialise()
    together = kit(*asked)
    kit.materialise()
    recorded = kit.rows(
        "SELECT event_id, producer, gate, decision, policy_digest, reasons,"
        " subject.artifact.digest AS digest FROM verdict ORDER BY event_time"
    )

    assert (alone.status, alone.json["verdict"]) == (1, "refused")
    assert (together.status, together.json["verdict"]) == (0, "approved")
    policy = f"sha256:{hashlib.sha256(POLICY.encode()).hexdigest()}"
    digest = f"sha256:{hashlib.sha256(b'weights').hexdigest()}"
    shared = {"producer": "jobs", "gate": "promotion", "policy_digest": policy, "digest": digest}
    refusal = f"people: {REF}: 1 of 2 people approved it with their own keys: alice"
    assert recorded == [
        shared | {"event_id": alone.json["event_id"], "decision": "reject", "reasons": [refusal]},
        shared | {"event_id": together.json["event_id"], "decision": "approve", "reasons": []},
    ]


def test_a_dry_run_records_nothing_and_other_bytes_refuse(kit: HomeKit) -> None:
    """Also for something in the ancestry."""
    (kit.folder / "raw.csv").write_bytes(b"1,3\n")

    result = kit(
        "gate", "promote", REF, "--policy", "gate.toml", "--dry-run", "--file", f"{RAW}=raw.csv"
    )
    kit.materialise()

    assert result.status == 1
    assert "digests" in result.out
    assert f"refused: promote {REF}" in result.err
    assert kit.rows("SELECT count(*) AS n FROM verdict") == [{"n": 0}]


def test_what_is_not_there_and_what_cannot_be_signed_does_not_pass(kit: HomeKit) -> None:
    """Not found; no key for the verdict; no such policy; detections that never ran."""
    (kit.home / "keys" / "jobs.pem").rename(kit.folder / "jobs.pem")

    assert kit("gate", "promote", "model:registry/other@1", "--dry-run").status == 3
    assert kit("gate", "promote", REF).status == 3
    assert kit("gate", "promote", REF, "--policy", "missing.toml", "--dry-run").status == 2


def test_the_printed_policy_is_the_default(kit: HomeKit) -> None:
    """Its digest is what ``sha256sum`` says of it."""
    text = kit.done("gate", "policy")
    (kit.folder / "default.toml").write_text(text)

    digest = kit.done("gate", "policy", "--check", "default.toml").strip()

    assert digest == f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
