"""Freeze, and jobs stop; release with two people, and they go on.

Evidence: the commands in a real home, and a job that is a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .home_kit import HomeKit

RAW = "dataset:lake/raw@1"
JOB = """
from lineseal.producers import Emitter, dataset

with Emitter.from_env() as emitter, emitter.run("fraud/train", stage="train") as run:
    run.reads(dataset("lake", "raw", version="1", path="raw.csv"))
    print("learned")
"""


@pytest.fixture
def kit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> HomeKit:
    """Return a home with two people, whose job has read registered data once."""
    made = HomeKit(tmp_path, monkeypatch, capsys)
    made.people("alice", "bob")
    (tmp_path / "raw.csv").write_bytes(b"1,2\n")
    (tmp_path / "job.py").write_text(JOB)
    made.done("emit", "registration", "--subject", RAW, "--owner", "dora", "--source", "feed")
    assert job(made).returncode == 0
    made.materialise()
    return made


def job(kit: HomeKit) -> subprocess.CompletedProcess[str]:
    """Run the job as a process."""
    environment = {**os.environ, "LINESEAL_HOME": str(kit.home)}
    return subprocess.run(
        [sys.executable, "job.py"],
        cwd=kit.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def wrapped(kit: HomeKit, *options: str) -> int:
    """Run a program that reads the data under ``lineseal run``; return the exit status."""
    reads = ("--job", "fraud/export", "--reads", f"{RAW}=raw.csv")
    return kit("run", *reads, *options, "--", "touch", "ran").status


def test_frozen_data_stops_jobs_until_two_people_release_it(kit: HomeKit) -> None:
    """A real process, a wrapped program, an override, and the record of all of it."""
    alice = ("--as", "alice", "--reason", "labels flipped")
    kit.done("freeze", "source:feed", *alice, "--ticket", "INC-7")
    kit.materialise()

    frozen, refused = job(kit), wrapped(kit)
    started = (kit.folder / "ran").exists()
    overridden = wrapped(kit, "--override-reason", "ticket 12", "--override-approver", "bob")
    listed = kit("containment", "--json")
    kit.done("release", "source:feed", *alice)
    kit.materialise()
    half = job(kit)
    again = kit("release", "source:feed", *alice)
    kit.done("release", listed.json["rows"][0]["event_id"][:13], "--as", "bob", "--reason", "clean")
    kit.materialise()
    free = job(kit)

    assert frozen.returncode == 1
    assert "Contained: dataset:lake/raw@1 must not be read: source:feed is frozen" in frozen.stderr
    assert "learned" not in frozen.stdout
    assert (refused, started, overridden) == (4, False, 0)
    assert (listed.status, listed.json["rows"][0]["ticket"]) == (1, "INC-7")
    assert half.returncode == 1
    assert again.status == 2
    assert "a second person has to" in again.err
    assert (free.returncode, kit("containment").status) == (0, 0)
    states = kit.rows("SELECT state, count(*) AS n FROM run GROUP BY state ORDER BY state")
    assert states == [{"state": "COMPLETE", "n": 2}, {"state": "FAIL", "n": 3}]
    assert kit.rows("SELECT DISTINCT outcome FROM access") == [{"outcome": "denied"}]
    assert kit.rows("SELECT approved_by FROM override") == [{"approved_by": "bob"}]


def test_a_dry_run_orders_nothing_and_an_order_needs_a_person(kit: HomeKit) -> None:
    """Nor does a name nobody has ever used, unless one insists."""
    dry = kit("freeze", RAW, "--dry-run")
    unsigned = kit("freeze", RAW, "--reason", "labels flipped")
    order = ("--as", "alice", "--reason", "labels flipped")
    unknown = kit("hold", "dataset:lake/row@1", *order)
    insisted = kit("hold", "dataset:lake/row@1", *order, "--unseen")
    kit.materialise()

    assert "fraud/train" in dry.out
    assert (dry.status, unsigned.status, unknown.status, insisted.status) == (0, 2, 3, 0)
    assert kit.rows("SELECT action, ordered_by FROM containment") == [
        {"action": "hold", "ordered_by": "alice"}
    ]


def test_a_list_is_carried_to_another_home_and_never_goes_back(kit: HomeKit) -> None:
    """An older one, and one that somebody changed, are refused."""
    older = kit.folder / "older.json"
    older.write_bytes((kit.home / "containment.json").read_bytes())
    kit.done("freeze", RAW, "--as", "alice", "--reason", "labels flipped")
    kit.materialise()
    newer = kit.folder / "newer.json"
    (kit.home / "containment.json").rename(newer)
    gone = job(kit)

    carried = kit("containment", "install", str(newer))
    back = kit("containment", "install", str(older))
    older.write_bytes(older.read_bytes().replace(b'"payload": "e', b'"payload": "f'))
    changed = kit("containment", "install", str(older))

    assert gone.returncode == 0
    assert (carried.status, job(kit).returncode) == (0, 1)
    assert (back.status, changed.status) == (1, 1)
    assert "CONTAINMENT_ROLLBACK" in back.err
