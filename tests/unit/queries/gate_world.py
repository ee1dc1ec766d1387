"""A model that passes every gate, as a story of parts; a test leaves one out or adds one.

Raw data is registered, validated and approved by alice; a job trains ``model:reg/fraud@7`` from it;
exactly its bytes are evaluated; alice and bob approve it, each with a key of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
from tests.simulator import Pipeline, Producer, artifact, human

from lineseal.commandline.output import Answer
from lineseal.queries.gate.answer import gate
from lineseal.schemas.model import (
    Approval,
    Artifact,
    Check,
    Decision,
    DecisionMode,
    Evaluation,
    Gate,
    Kind,
    Outcome,
    Phase,
    Source,
    Subject,
    Suite,
    SuiteKind,
    Validation,
)

RAW = artifact("dataset:lake/raw@1")
DIGEST, OTHER = "sha256:" + 64 * "a", "sha256:" + 64 * "b"
MODEL = Artifact(kind=Kind.MODEL, namespace="reg", name="fraud", version="7", digest=DIGEST)
REF = "model:reg/fraud@7"
NO_DETECTIONS = "require_detections = false\n"

Part = Callable[["World"], object]


class World:
    """A pipeline with one service and three people, who say something when told to."""

    def __init__(self, folder: Path) -> None:
        self.pipeline = Pipeline(folder)
        self.jobs = self.pipeline.producer("jobs")
        self.people = {name: self.pipeline.person(name) for name in ("alice", "bob", "carol")}

    def person(self, name: str, body: Any) -> None:
        """Let a person say something with their own key."""
        self.people[name].emit(body, actor=human(name))

    def approve(
        self,
        name: str,
        thing: Artifact | Subject = MODEL,
        *,
        at: Gate = Gate.PROMOTION,
        by: Producer | None = None,
        **fields: Any,
    ) -> None:
        """Let a person approve; *by* another key than their own makes it only asserted."""
        subject = thing if isinstance(thing, Subject) else about(thing)
        values: dict[str, Any] = {"decision": Decision.APPROVE, "mode": DecisionMode.EXPLICIT}
        body = Approval(subject=subject, gate=at, approver=name, **values | fields)
        if by is None:
            self.person(name, body)
        else:
            by.emit(body)


def about(thing: Artifact) -> Subject:
    """Make a subject of an artifact."""
    return Subject(type="artifact", artifact=thing)


def validation(thing: Artifact = RAW, outcome: Outcome = Outcome.PASS) -> Validation:
    """Say how a check of the schema came out."""
    return Validation(artifact=thing, check=Check(tool="pandera", name="schema"), outcome=outcome)


def evaluation(thing: Artifact = MODEL, outcome: Outcome = Outcome.PASS) -> Evaluation:
    """Say how a model did on the holdout."""
    suite = Suite(name="holdout", kind=SuiteKind.HOLDOUT)
    return Evaluation(model=thing, suite=suite, phase=Phase.RELEASE, outcome=outcome)


STORY: Mapping[str, Part] = {
    "register": lambda world: world.jobs.register(
        RAW, owner="dora", source=Source(uri="https://data.example.com/raw")
    ),
    "validate": lambda world: world.jobs.emit(validation()),
    "input": lambda world: world.approve("alice", RAW, at=Gate.DATASET),
    "train": lambda world: world.jobs.run("train-7", reads=[RAW], writes=[MODEL], stage="train"),
    "evaluate": lambda world: world.jobs.emit(evaluation()),
    "alice": lambda world: world.approve("alice"),
    "bob": lambda world: world.approve("bob"),
}
"""What makes everything pass, in its order."""


def tell(folder: Path, without: str | None = None, *more: Part) -> World:
    """Tell the story, leaving out one part and adding others, and materialise it."""
    world = World(folder)
    for name, part in STORY.items():
        if name != without:
            part(world)
    for part in more:
        part(world)
    world.jobs.finish()
    world.pipeline.materialise()
    return world


def judge(world: World, name: str = "promote", reference: str = REF, **options: Any) -> Answer:
    """Ask a gate; without detections unless the test says otherwise."""
    policy = NO_DETECTIONS + options.pop("policy", "")
    with duckdb.connect(str(world.pipeline.store_path), read_only=True) as connection:
        return gate(
            connection, name, reference, policy=policy, clock=world.pipeline.clock, **options
        )


def refusals(answer: Answer) -> list[tuple[str, str]]:
    """Return rule and reason of everything that refused."""
    return [(row["rule"], row["reason"]) for row in answer.rows if row["outcome"] == "refused"]
