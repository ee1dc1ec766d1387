"""``diff`` names every difference between two models' ancestries, and nothing that is equal.

Evidence: two trainings of one pipeline in memory that differ in one thing of each aspect, under the
production materialiser; a model compared with itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.simulator import Pipeline, artifact, human

from lineseal.commandline.output import Answer
from lineseal.queries.diff.answer import diff
from lineseal.schemas.errors import NotFound
from lineseal.schemas.model import (
    Approval,
    ArtifactUse,
    Check,
    Code,
    Count,
    Decision,
    DecisionMode,
    Environment,
    Evaluation,
    Gate,
    Job,
    Metric,
    Outcome,
    Pair,
    Phase,
    Profile,
    RunEvent,
    RunState,
    Slice,
    Subject,
    Suite,
    SuiteKind,
    Validation,
)

OLD, NEW = "model:reg/fraud@6", "model:reg/fraud@7"
TRAIN = Job(namespace="default", name="train")


class Jobs(Pipeline):
    """A pipeline with one producer for all its jobs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.jobs = self.producer("jobs")


def train(pipeline: Jobs, version: str, *reads: ArtifactUse, commit: str, trees: str) -> None:
    """Train one version and evaluate it."""
    job = pipeline.jobs
    model = artifact(f"model:reg/fraud@{version}")
    job.run(f"train-{version}", reads=reads, writes=[model], job=TRAIN)
    details = RunEvent(
        state=RunState.RUNNING,
        parameters=(Pair(key="trees", value=trees), Pair(key="seed", value="0")),
        code=Code(repository="git@host:fraud.git", commit=commit),
        environment=Environment(python="3.11"),
    )
    job.emit(details, run_id=f"train-{version}", job=TRAIN)
    recall = 0.98 if version == "6" else 0.73
    evaluation = Evaluation(
        model=model,
        suite=Suite(name="holdout", kind=SuiteKind.HOLDOUT),
        phase=Phase.RELEASE,
        outcome=Outcome.PASS,
        metrics=(Metric(name="accuracy", value=0.96),),
        slices=(Slice(name="digit 7", n=44, metrics=(Metric(name="recall", value=recall),)),),
    )
    job.emit(evaluation)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    """Train 6 and 7: another version of the table, a feed more, other code, another approver."""
    made = Jobs(tmp_path_factory.mktemp("diff"))
    old, new, feed = (artifact(f"dataset:lake/{name}") for name in ("tx@1", "tx@2", "feed@1"))
    labels = artifact("label_set:lake/labels@1")
    for thing, ok, fraud in ((old, 90, 10), (new, 120, 10)):
        counts = (Count(name="ok", count=ok), Count(name="fraud", count=fraud))
        made.jobs.register(
            thing, owner="dora", profile=Profile(rows=ok + fraud, label_counts=counts)
        )
    made.jobs.register(feed, owner="partner")
    made.jobs.register(labels, owner="dora")
    train(
        made,
        "6",
        ArtifactUse(artifact=old),
        ArtifactUse(artifact=labels),
        commit="aaaa",
        trees="60",
    )
    train(
        made,
        "7",
        ArtifactUse(artifact=new),
        ArtifactUse(artifact=labels),
        ArtifactUse(artifact=feed, rows=547),
        commit="bbbb",
        trees="80",
    )
    check = Check(tool="gx", name="ranges")
    made.jobs.emit(
        Validation(
            artifact=feed, check=check, outcome=Outcome.PASS, rows_checked=547, rows_rejected=3
        )
    )
    for version, name in (("6", "alice"), ("7", "bob")):
        approval = Approval(
            subject=Subject(type="artifact", artifact=artifact(f"model:reg/fraud@{version}")),
            gate=Gate.PROMOTION,
            decision=Decision.APPROVE,
            approver=name,
            mode=DecisionMode.EXPLICIT if name == "alice" else DecisionMode.TIMEOUT,
        )
        if name == "alice":
            made.person(name).emit(approval, actor=human(name))
        else:
            made.jobs.emit(approval)
    loose, last = artifact("dataset:lake/loose@1"), artifact("model:reg/fraud@8")
    made.jobs.run("train-8", reads=[loose], writes=[last])
    made.jobs.finish()
    made.materialise()
    return made


def ask(pipeline: Pipeline, before: str = OLD, after: str = NEW, **options: Any) -> Answer:
    """Compare two versions."""
    with duckdb.connect(str(pipeline.store_path), read_only=True) as connection:
        return diff(connection, before, after, clock=pipeline.clock, **options)


def rows(answer: Answer, aspect: str) -> list[tuple[Any, ...]]:
    """Return the rows of one aspect as change, subject, before, after."""
    return [
        (row["change"], row["subject"], row["before"], row["after"])
        for row in answer.rows
        if row["aspect"] == aspect
    ]


def test_data_that_changed_and_data_that_came(pipeline: Jobs) -> None:
    """The same name in another version is one change; the labels, equal in both, are no row."""
    answer = ask(pipeline)

    changed = next(row for row in answer.rows if row["subject"] == "dataset:lake/tx")
    assert rows(answer, "artifact") == [
        ("added", "dataset:lake/feed", None, "1"),
        ("changed", "dataset:lake/tx", "1", "2"),
    ]
    assert changed["details"] == {
        "rows": {"before": 100, "after": 130},
        "labels": {"before": {"ok": 90, "fraud": 10}, "after": {"ok": 120, "fraud": 10}},
    }


def test_rows_that_only_a_run_counted(pipeline: Jobs) -> None:
    """Nobody profiled the feed; the run that read it said how many rows it read."""
    answer = ask(pipeline)

    feed = next(row for row in answer.rows if row["subject"] == "dataset:lake/feed")
    assert feed["details"] == {"rows": {"before": None, "after": 547}}
    assert (feed["kind"], feed["name"], feed["version"]) == ("dataset", "feed", "1")


def test_code_and_parameters_are_compared_job_by_job(pipeline: Jobs) -> None:
    """Only what differs: neither the repository nor the seed nor the environment."""
    answer = ask(pipeline)

    assert rows(answer, "code") == [("changed", "commit", "aaaa", "bbbb")]
    assert rows(answer, "parameter") == [("changed", "trees", "60", "80")]
    assert rows(answer, "environment") == rows(answer, "job") == []
    assert {row["where"] for row in answer.rows if row["aspect"] == "code"} == {"default/train"}


def test_another_approver_without_an_own_key_stands_out(pipeline: Jobs) -> None:
    """A name in a job's event is asserted, an approval by time-out is named so."""
    assert rows(ask(pipeline), "approval") == [
        (
            "changed",
            "this model: promotion",
            "approve by alice (own key)",
            "approve by bob (asserted, timeout)",
        )
    ]


def test_checks_metrics_and_people(pipeline: Jobs) -> None:
    """A metric that is equal is no row; the slice that fell is."""
    answer = ask(pipeline)

    assert rows(answer, "validation") == [
        ("added", "dataset:lake/feed: gx/ranges", None, "pass, 3 of 547 rows rejected")
    ]
    assert rows(answer, "evaluation") == [("changed", "holdout: recall of digit 7", 0.98, 0.73)]
    assert rows(answer, "person") == [
        ("removed", "alice", "alice", None),
        ("added", "bob", None, "bob"),
        ("added", "partner", None, "partner"),
    ]


def test_the_other_way_round_is_the_mirror(pipeline: Jobs) -> None:
    """Added becomes removed, before becomes after."""
    there = {(r["aspect"], r["subject"]): (r["before"], r["after"]) for r in ask(pipeline).rows}
    back = {
        (r["aspect"], r["subject"]): (r["after"], r["before"]) for r in ask(pipeline, NEW, OLD).rows
    }

    assert there == back


def test_a_model_does_not_differ_from_itself(pipeline: Jobs) -> None:
    """No row at all."""
    answer = ask(pipeline, NEW, NEW)

    assert answer.rows == []
    assert answer.subject == [NEW, NEW]


def test_what_came_later_is_not_compared(pipeline: Jobs) -> None:
    """Before the second training there was no such model to compare with."""
    with pytest.raises(NotFound):
        ask(pipeline, as_of="2026-01-01T00:00:05Z")


def test_an_unproven_ancestry_says_on_which_side(pipeline: Jobs) -> None:
    """A third model read what nobody registered."""
    answer = ask(pipeline, NEW, "model:reg/fraud@8")

    assert not answer.complete
    assert [text.split(":")[0] for text in answer.warnings] == ["second"]
