"""``last-good`` finds the newest version one can stand by, and says why each newer one fails.

Evidence: four versions of one model in a pipeline in memory, each with one fault, under the
production materialiser. Source: DESIGN 8, ADR-0005.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.simulator import Pipeline, artifact, human

from lineseal.commandline.output import Answer
from lineseal.queries.rollback.answer import last_good
from lineseal.schemas.model import (
    Approval,
    Artifact,
    Decision,
    DecisionMode,
    Gate,
    Quarantine,
    QuarantineAction,
    Subject,
)

FEED = "dataset:partner/feed@1"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Make fraud 1 to 4: good; approved by its maker; with the feed; nobody's approval.

    Version 3 is made from a table that the feed went into, and a report from the older version 2.
    """
    made = Pipeline(tmp_path_factory.mktemp("last-good"))
    jobs, alice, bob = made.producer("jobs"), made.person("alice"), made.person("bob")
    raw, feed, mixed = (
        artifact(f"dataset:{n}@1") for n in ("lake/raw", "partner/feed", "lake/mix")
    )
    jobs.register(raw, owner="dora")
    jobs.register(feed, owner="partner")

    def approve(version: int, person: Any, name: str) -> None:
        approval = Approval(
            subject=Subject(type="artifact", artifact=model(version)),
            gate=Gate.PROMOTION,
            decision=Decision.APPROVE,
            approver=name,
            mode=DecisionMode.EXPLICIT,
        )
        person.emit(approval, actor=human(name))

    jobs.run("train-1", reads=[raw], writes=[model(1)])
    approve(1, alice, "alice")
    bob.run("train-2", reads=[raw], writes=[model(2)], actor=human("bob"))
    approve(2, bob, "bob")
    jobs.run("merge", reads=[raw, feed], writes=[mixed])
    jobs.run("train-3", reads=[mixed], writes=[model(3)])
    jobs.run("old-card", reads=[mixed], writes=[artifact("report:reg/card@1")])
    jobs.run("new-card", reads=[raw], writes=[artifact("report:reg/card@2")])
    approve(3, alice, "alice")
    jobs.run("train-4", reads=[raw], writes=[model(4)])
    for producer in (jobs, alice, bob):
        producer.finish()
    made.materialise()
    return made


def model(version: int) -> Artifact:
    """Name one version of the model."""
    return artifact(f"model:reg/fraud@{version}")


def ask(pipeline: Pipeline, **options: Any) -> Answer:
    """Ask for the last good version."""
    with duckdb.connect(str(pipeline.store_path), read_only=True) as connection:
        return last_good(connection, "model:reg/fraud", clock=pipeline.clock, **options)


def reasons(answer: Answer) -> dict[str, list[str]]:
    """Return why each version fails."""
    return {row["version"]: row["reasons"] for row in answer.rows}


def test_without_the_feed_version_1_is_the_last_good_one(pipeline: Pipeline) -> None:
    """Newer ones fail for their own reasons; older ones are not looked at."""
    answer = ask(pipeline, without=[FEED])

    assert answer.extra["last_good"] == "model:reg/fraud@1"
    assert answer.verdict == "good"
    assert reasons(answer) == {
        "4": ["nobody approved it"],
        "3": ["a certain path leads here from what must not be in it"],
        "2": ["bob approved what bob made"],
        "1": [],
    }


def test_nothing_suspected_the_newest_approved_one_is_good(pipeline: Pipeline) -> None:
    """Version 3: it is approved, and nobody said anything against the feed."""
    answer = ask(pipeline)

    assert answer.extra["last_good"] == "model:reg/fraud@3"
    assert list(reasons(answer)) == ["4", "3"]
    assert answer.extra["retrain"] == []


def test_only_what_is_still_the_newest_is_made_again(pipeline: Pipeline) -> None:
    """Version 3 was replaced by 4, the card by a newer one: only the table itself is left."""
    order = ask(pipeline, without=[FEED]).extra["retrain"]

    assert [(row["order"], row["run_id"], row["writes"]) for row in order] == [
        (1, "merge", ["dataset:lake/mix@1"])
    ]


def test_what_comes_first_is_made_first(pipeline: Pipeline) -> None:
    """As of the training of version 3 it was the newest."""
    answer = ask(pipeline, without=[FEED], as_of=trained_3(pipeline))

    assert [row["run_id"] for row in answer.extra["retrain"]] == ["merge", "train-3"]


def trained_3(pipeline: Pipeline) -> str:
    """Return when version 3 was finished."""
    ((moment,),) = pipeline.query("SELECT max(event_time) FROM event WHERE run_id = 'train-3'")
    return f"{moment.isoformat()}Z"


def test_before_looks_at_the_whole_ancestry(pipeline: Pipeline) -> None:
    """Before the feed appeared there was nothing of it in anything."""
    answer = ask(pipeline, before="2026-01-01T00:00:03Z")

    assert answer.extra["last_good"] is None
    assert any("appeared at or after" in text for text in reasons(answer)["1"])
    assert answer.warnings == ["no version of model:reg/fraud is good: 4 were looked at"]


@pytest.mark.parametrize("held", ["dataset:lake/raw@1", "dataset:lake/raw"])
def test_quarantine_of_an_ancestor_by_version_or_by_name_holds_a_model_back(
    tmp_path: Path, held: str
) -> None:
    """Until it is released."""
    made = Pipeline(tmp_path)
    jobs, alice = made.producer("jobs"), made.person("alice")
    raw = artifact("dataset:lake/raw@1")
    jobs.register(raw)
    jobs.run("train-1", reads=[raw], writes=[model(1)])
    approval = Approval(
        subject=Subject(type="artifact", artifact=model(1)),
        gate=Gate.PROMOTION,
        decision=Decision.APPROVE,
        approver="alice",
        mode=DecisionMode.EXPLICIT,
    )
    alice.emit(approval, actor=human("alice"))
    answers: list[Answer] = []
    for action in (QuarantineAction.PLACED, QuarantineAction.RELEASED):
        jobs.emit(Quarantine(artifact=artifact(held), action=action, reason="flipped labels"))
        made.materialise()
        answers.append(ask(made))

    placed, released = answers
    assert reasons(placed)["1"] == ["dataset:lake/raw@1 is in quarantine: flipped labels"]
    assert released.extra["last_good"] == "model:reg/fraud@1"
