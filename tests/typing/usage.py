"""Uses of the public emitter API that mypy and pyright must accept, as the README shows them.

Nothing here is run: a checker that complains about one of these lines has found that a caller's
code would break.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, assert_type

from lineseal.producers import (
    ArtifactLike,
    ArtifactSpec,
    Emitter,
    Run,
    Stats,
    SubjectLike,
    artifact,
    checkpoint,
    code,
    config,
    current_run,
    dataset,
    embedding_set,
    feature_set,
    image,
    label_set,
    model,
    model_update,
    preference_set,
    report,
)
from lineseal.schemas.model import Artifact, Evaluation, Job, Kind, Metric, Outcome, Suite
from lineseal.schemas.model import Phase as EvaluationPhase
from lineseal.schemas.model import SuiteKind as EvaluationKind

DIGEST = "sha256:" + "0" * 64


def three_lines() -> None:
    """Instrument a job."""
    with Emitter.from_env() as emitter, emitter.run("fraud/train", stage="train") as run:
        run.reads(dataset("lake", "transactions", path="data/transactions.parquet"))
        run.writes(model("registry", "fraud", version="7", path=Path("model.pkl")))


def everything_a_run_can_say(emitter: Emitter, parameters: Mapping[str, Any]) -> None:
    """Give parameters, metrics, uses in every form, and an end."""
    run = emitter.run(
        Job(namespace="fraud", name="train"),
        stage="train",
        parameters={"lr": 0.1, "layers": [64, 64], "seed": None},
        trigger="nightly",
        entry_point="train.py",
    )
    assert_type(run, Run)
    with run as entered:
        assert_type(entered, Run)
        run.reads(
            dataset("lake", "tx", version=3, digest=DIGEST, rows=10, role="training"),
            artifact("dataset:lake/tx@3", path="tx.csv", rows=10, role="holdout"),
            "dataset:lake/tx@3",
            Artifact(kind=Kind.DATASET, namespace="lake", name="tx"),
        )
        for name, value in parameters.items():
            run.parameter(name, value)
        run.metric("auc", 0.93)
        run.metric("n", 5)
        run.writes()
        run.fail("no convergence")
        run.abort()
    assert_type(run.run_id, str)
    assert_type(current_run(), Run | None)


def every_kind_of_artifact() -> list[ArtifactSpec]:
    """Name artifacts of all kinds."""
    return [
        dataset("lake", "a", reported_digest="md5:0"),
        label_set("lake", "a"),
        feature_set("lake", "a"),
        embedding_set("lake", "a"),
        preference_set("lake", "a"),
        model("registry", "a"),
        checkpoint("registry", "a"),
        model_update("registry", "a"),
        code("git", "a"),
        image("docker", "a"),
        config("git", "a"),
        report("lake", "a"),
    ]


def every_fact(emitter: Emitter, target: ArtifactLike, subject: SubjectLike) -> None:
    """Record one fact of each kind."""
    event_id = emitter.register(
        subject,
        owner="data-team",
        source={"uri": "https://partner.example", "publisher": "partner"},
        role="training",
        opaque=True,
        acquisition="partner",
        collected_at=datetime.now(UTC),
        attributes={"region": "eu"},
    )
    assert_type(event_id, str | None)
    emitter.validate(
        target, tool="cleanlab", name="issues", outcome=Outcome.WARN, metrics={"issues": 12}
    )
    emitter.evaluate(
        "model:registry/fraud@7",
        suite="holdout",
        kind="holdout",
        outcome="pass",
        metrics=[Metric(name="auc", value=0.9)],
        slices={"class 3": {"n": 40, "recall": 0.9}},
    )
    emitter.quarantine(target, reason="flipped labels", evidence=["report.html"])
    emitter.approve(
        subject, gate="promotion", decision="approve", reason="better", expires_at="2027-01-01Z"
    )
    emitter.promote(target, to_environment="production", downstream=["app"])
    emitter.override(subject, before=0.5, after=0.7, reason="false alarms", items_affected=3)
    emitter.review_labels("label_set:lake/labels", items=5, flips=["fraud=ok=7"])
    emitter.record_feedback("app", target, submissions=12, regions={"eu": 12})
    emitter.record_access("svc-etl", "read", subject, outcome="denied")
    emitter.contain("source:partner-feed", reason="poisoned", notified=["soc"])
    emitter.record_incident("INC-7", state="opened", subjects=["source:partner-feed", target])
    emitter.record_verdict(subject, gate="promotion", decision="reject", reasons=["no approval"])
    emitter.record_key_change("0" * 64, action="rotated", reason="yearly")
    emitter.record_erasure("id", leaf_sha256="0" * 64, reason="request 41")


def bodies_of_the_contract(emitter: Emitter) -> None:
    """Emit what was built by hand."""
    body = Evaluation(
        model=Artifact(kind=Kind.MODEL, namespace="registry", name="fraud", version="7"),
        suite=Suite(name="s", kind=EvaluationKind.CANARY),
        phase=EvaluationPhase.PRODUCTION,
        outcome=Outcome.PASS,
    )
    assert_type(emitter.emit(body), str | None)
    assert_type(emitter.emit_many([body, body]), list[str])
    assert_type(emitter.emit_many(body for _ in range(3)), list[str])
    emitter.emit(body, job="fraud/train", stage="train", run_id="id")
    emitter.flush()
    assert_type(emitter.stats, Stats)
    assert_type(emitter.stats.dropped, int)
    emitter.close()


def whoever_signs() -> None:
    """Choose a producer, a person, a key, a home."""
    Emitter.from_env(producer="trainer", key="file2:/keys/trainer.pem", home=Path(".lineseal"))
    with Emitter.from_env(person="alice", strict=True) as alice:
        alice.approve("model:registry/fraud@7", gate="promotion", reason="better on all slices")


def steps_keep_their_types(emitter: Emitter) -> None:
    """Decorate functions of every sort."""

    @emitter.step("fraud/clean", stage="clean")
    def clean(rows: int, *, strict: bool = False) -> list[int]:
        return [rows] if strict else []

    @emitter.step("fraud/fetch")
    async def fetch(name: str) -> bytes:
        return name.encode()

    @emitter.step("fraud/stream", parameters={"size": 10})
    def stream() -> Iterator[int]:
        yield 1

    assert_type(clean(3, strict=True), list[int])
    assert_type(stream(), Iterator[int])

    async def use() -> AsyncIterator[bytes]:
        yield await fetch("x")

    del use
