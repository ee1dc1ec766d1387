"""The demo tells a true story: what it says was found was found by the public commands.

What is promised: a real pipeline, each stage a process with an epoch of its own; the poisoned
model is ``affected``, the one before it ``clean``; people's decisions are signed with their own
keys; a model file is hashed and never opened; answers that are not as expected are said and
change the exit status; no folder of the user's is ever cleared. Source: DESIGN 9, ADR-0005.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from lineseal.demo.command import sum_up
from lineseal.demo.folder import prepare
from lineseal.demo.pipeline import source
from lineseal.demo.pipeline.partner import INCOMING_FILE
from lineseal.demo.pipeline.tables import write_rows
from lineseal.demo.processes import Finished, Workshop
from lineseal.demo.questions import QUESTIONS, UNCOMMITTED, Question, unmet
from lineseal.demo.screen import Screen
from lineseal.demo.story import (
    APPROVER,
    CLEAN_MODEL,
    FEED,
    MODEL_ONE,
    MODEL_TWO,
    POISONED_MODEL,
    SETUP,
)
from lineseal.schemas.codec import decode_header
from lineseal.schemas.errors import ConfigurationError
from lineseal.schemas.model import BatchFlags, BatchHeader
from lineseal.signing.frame import decode_frame
from lineseal.transport.embedded import EmbeddedLogReader


class Trap:
    """Leaves a file named ``sprung`` when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Make unpickling call ``Path("sprung").touch()``."""
        return (Path.touch, (Path("sprung"),))


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module in a demo folder, as a user would."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, "LINESEAL_HOME": str(folder / ".lineseal")},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def _sql(folder: Path, query: str) -> list[dict[str, Any]]:
    done = _run(folder, "lineseal.commandline", "sql", query, "--json")
    rows: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return rows


def _headers(folder: Path) -> list[BatchHeader]:
    reader = EmbeddedLogReader(folder / ".lineseal" / "log" / "events")
    records = reader.poll(10_000, 0.0)
    reader.close()
    return [decode_header(decode_frame(record.value).header) for record in records]


def _folder(demo: dict[str, Any]) -> Path:
    return Path(demo["home"]).parent


def _question(key: str) -> Question:
    return next(question for question in QUESTIONS if question.key == key)


def test_the_poisoned_model_is_affected_and_the_one_before_clean(demo: dict[str, Any]) -> None:
    """The verdicts are those that the impact command printed."""
    assert demo["models"] == {
        CLEAN_MODEL: {"verdict": "clean"},
        POISONED_MODEL: {"verdict": "affected"},
    }
    assert demo["as_expected"] is True


def test_every_hop_back_to_the_feed_is_exact(demo: dict[str, Any]) -> None:
    """The ancestry of model 2 holds the feed and no hop is guessed."""
    answer = demo["answers"]["trace"]
    feed = [row for row in answer["rows"] if row["reference"] == FEED]

    assert [row["depth"] for row in feed] == [2]
    assert answer["complete"] is True
    assert [row for row in answer["rows"] if row["depth"] > 0 and not row["certain"]] == []


def test_the_clean_verdict_is_proven(demo: dict[str, Any]) -> None:
    """Nothing weakens the verdict on model 1: no warning, exit status 0."""
    answer = demo["answers"]["suspect"]

    assert (answer["verdict"], answer["complete"], answer["warnings"]) == ("clean", True, [])
    assert demo["exit_statuses"]["suspect"] == 0
    assert demo["exit_statuses"]["impact"] == 1


def test_the_gate_sees_little_of_what_the_class_lost(demo: dict[str, Any]) -> None:
    """Accuracy stays within the gate's three points while the sevens lose many more."""
    before, after = demo["metrics"]["1"], demo["metrics"]["2"]

    assert before["accuracy"] - after["accuracy"] <= 0.03
    assert before["recall"]["7"] - after["recall"]["7"] >= 0.1


def test_people_sign_their_own_decisions(demo: dict[str, Any]) -> None:
    """Overrides verify as Alice's, approvals as Bob's, and nobody else decided anything."""
    decisions = _sql(
        _folder(demo),
        "SELECT DISTINCT body, actor_id, actor_kind, actor_verified, producer FROM event "
        "WHERE body IN ('override', 'approval', 'label_review') ORDER BY body",
    )

    assert [tuple(row.values()) for row in decisions] == [
        ("approval", "bob", "human", True, "person:bob"),
        ("label_review", "alice", "human", True, "person:alice"),
        ("override", "alice", "human", True, "person:alice"),
    ]


def test_each_stage_is_a_process_with_its_own_closed_epoch(demo: dict[str, Any]) -> None:
    """Each ends with a final batch; so does that of each command that changed a key."""
    headers = _headers(_folder(demo))
    instrumented = [stage for stage in demo["stages"] if stage["module"] != "partner"]
    finals = [header for header in headers if header.flags & BatchFlags.FINAL]

    keys = [command for command in SETUP if command[0] == "keys"]
    assert len(instrumented) + len(keys) == len({header.epoch for header in headers})
    assert len(finals) == len({header.epoch for header in headers})


def test_the_feed_raises_the_expected_rules_and_no_others(demo: dict[str, Any]) -> None:
    """Unreviewed new source, one class worse: high alerts about model 2, signed, with context."""
    rows = demo["answers"]["alerts"]["rows"]
    context = _sql(_folder(demo), "SELECT context FROM alert WHERE rule_id = 'DP-006'")

    assert {
        (row["rule"], row["subject"], row["status"]) for row in rows if row["rule"] != UNCOMMITTED
    } == {
        ("DP-006", POISONED_MODEL, "open"),
        ("DP-024", POISONED_MODEL, "open"),
    }
    assert "supplier Acme Scans" in context[0]["context"]
    assert list((_folder(demo) / ".lineseal" / "log" / "alerts").iterdir())


def test_a_clean_run_of_the_same_pipeline_raises_no_alert(tmp_path: Path) -> None:
    """The partner labels rightly and bob approved the source: every stage runs, no rule fires."""
    workshop = Workshop(prepare(tmp_path / "demo"), tmp_path)
    said = [_status(workshop.lineseal(*arguments)) for arguments in SETUP]
    for step in (*MODEL_ONE, *MODEL_TWO):
        said.append(_status(workshop.stage(step.module, *step.arguments)))
        if step.module == "partner":
            write_rows(str(workshop.folder / INCOMING_FILE), source.load().partners)
        if step.module == "receive":
            said.append(_status(workshop.lineseal(*APPROVE_SOURCE)))
    said.append(_status(workshop.lineseal("materialise", "--once")))
    alerts = json.loads(workshop.lineseal("alerts", "--all", "--json").stdout)["rows"]

    assert [problem for problem in said if problem[0] != 0] == []
    assert [alert for alert in alerts if alert["rule"] != UNCOMMITTED] == []


APPROVE_SOURCE = (
    *("emit", "approval", "--as", APPROVER, "--subject", FEED, "--gate", "source"),
    *("--decision", "approve", "--approver", APPROVER, "--mode", "explicit"),
    *("--reason", "reviewed with the partner, ticket 77"),
)


def _status(done: Finished) -> tuple[int, str]:
    return done.status, done.stderr


def test_nothing_was_refused_or_lost(demo: dict[str, Any]) -> None:
    """Every sealed event is in the store: no reject, no loss."""
    folder = _folder(demo)
    stored = _sql(folder, "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM reject)")

    assert [sum(header.count for header in _headers(folder)), 0] == list(stored[0].values())


def test_a_model_file_is_hashed_and_never_opened(demo: dict[str, Any], tmp_path: Path) -> None:
    """A pickle that springs when loaded passes through hashing, sealing and every query."""
    folder = tmp_path / "demo"
    shutil.copytree(_folder(demo), folder)
    (folder / "models" / "digits-1.joblib").write_bytes(pickle.dumps(Trap()))

    evaluated = _run(folder, "lineseal.demo.pipeline.evaluate", "1")
    materialised = _run(folder, "lineseal.commandline", "materialise", "--once")
    traced = _run(folder, "lineseal.commandline", "impact", FEED, "--all-models")

    assert "it is not opened" in evaluated.stderr
    assert (evaluated.returncode, materialised.returncode, traced.returncode) == (1, 0, 1)
    failed = _sql(folder, "SELECT count(*) FROM run WHERE state = 'FAIL'")
    assert list(failed[0].values()) == [1]
    assert not (folder / "sprung").exists()


def test_a_folder_that_is_no_demo_is_refused(tmp_path: Path) -> None:
    """Somebody's own files are not touched, and the message says why."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.csv").write_text("id\n")

    with pytest.raises(ConfigurationError, match="not empty and not a former demo"):
        prepare(tmp_path)

    assert (tmp_path / "data" / "mine.csv").exists()


def test_a_former_demo_is_cleared_of_what_the_demo_made(tmp_path: Path) -> None:
    """Running again starts over; a file that the demo did not make stays."""
    prepare(tmp_path)
    (tmp_path / ".lineseal").mkdir()
    (tmp_path / "notes.txt").write_text("mine")

    prepare(tmp_path)

    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".lineseal-demo", "notes.txt"]


def test_a_file_instead_of_a_folder_is_refused(tmp_path: Path) -> None:
    """The message is about the folder, not a traceback."""
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match="cannot use"):
        prepare(tmp_path / "file")


def test_a_stage_that_fails_ends_the_story_with_status_1(tmp_path: Path) -> None:
    """A demo that cannot write its data says which stage failed and what it said."""
    prepare(tmp_path)
    (tmp_path / "data").touch()

    done = _run(tmp_path, "lineseal.commandline", "demo", "--json", "--dir", str(tmp_path))

    assert (done.returncode, json.loads(done.stdout)["as_expected"]) == (1, False)
    assert "ingest failed with exit status 1" in done.stderr
    assert "FileExistsError" in done.stderr


@pytest.mark.parametrize("verdict", ["possible", "affected"])
def test_an_unexpected_verdict_is_told(demo: dict[str, Any], verdict: str) -> None:
    """What the command printed is compared, not assumed."""
    answer = {**demo["answers"]["suspect"], "verdict": verdict}

    assert [
        "exit status 0 expected, got 6",
        f"verdict: clean expected, printed {verdict}",
    ] == unmet(_question("suspect"), 6, answer)


def test_a_missing_decision_is_told(demo: dict[str, Any]) -> None:
    """A decision that is gone, or one too many, is not as expected."""
    answer = demo["answers"]["people"]

    assert unmet(_question("people"), 0, answer) == []
    assert unmet(
        _question("people"),
        0,
        {**answer, "rows": [row for row in answer["rows"] if row["what"] != "digits@2"]},
    ) == ["bob: approve digits@2: True expected, printed None"]


def test_what_a_process_prints_cannot_steer_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Control characters in a stage's line are written out, and a pipe gets no colour."""
    screen = Screen(to_stderr=False)

    screen.step("ingest", "done \x1b]0;owned\x07\u202e")
    screen.command(["sql", "SELECT 'x'"])

    assert capsys.readouterr().out == (
        "   ingest     done \\u001b]0;owned\\u0007\\u202e\n$ lineseal sql \"SELECT 'x'\"\n"
    )


def test_an_answer_of_another_shape_is_told() -> None:
    """A command that printed something else does not count as answered."""
    (problem,) = unmet(_question("impact"), 1, {"rows": [{}]})

    assert problem.startswith("the answer has another shape")


def test_what_the_demo_says_last_can_be_pasted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program goes by its full path where the shell would not find it."""
    workshop = Workshop(tmp_path / "my demo", tmp_path)
    installed = Path(sysconfig.get_path("scripts"))
    said: list[str] = []
    for path in (installed, tmp_path):
        monkeypatch.setenv("PATH", str(path))
        sum_up(Screen(to_stderr=False), workshop, {"as_expected": True, "seconds": 9.0}, kept=True)
        said.append(capsys.readouterr().out)

    assert f"cd '{workshop.folder}' && lineseal trace {POISONED_MODEL}" in said[0]
    assert f"&& {installed / 'lineseal'} trace {POISONED_MODEL}" in said[1]
    assert "three lines" not in said[0]
