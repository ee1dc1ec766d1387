"""Everyday model work: weekly retraining, roll-back drills, audits, sandboxes."""

from __future__ import annotations

from typing import Any

from lineseal.producers import dataset, model
from tests.scenarios.company import (
    CODE,
    ENVIRONMENT,
    approved,
    cycle,
    day,
    evaluated,
    fraud,
    holdout,
    labels,
    listed,
    ordinary,
    prepared,
    promoted,
    release,
    training,
    tx,
)
from tests.scenarios.play import digest, step
from tests.scenarios.story import Steps, clean


@clean("retraining")
def one_ordinary_week() -> Steps:
    """Data and labels on Monday, training on Tuesday, release on Wednesday."""
    return ordinary()


@clean("retraining")
def four_ordinary_weeks() -> Steps:
    """Four weekly cycles, each with new data and labels."""
    return [*holdout(), *[one for n in range(4) for one in cycle(n + 1, 4 + 7 * n)]]


@clean("retraining", policy={"training_hours": ("mon-fri 20:00-23:59", "mon-fri 00:00-06:00")})
def the_night_batch() -> Steps:
    """Policy wants trainings at night, and at two in the morning they run."""
    return [
        *holdout(),
        *prepared(),
        *training(6, [tx(1), labels(1)], fraud(1), hour=2, trigger="schedule:nightly"),
        *release(6, fraud(1)),
    ]


@clean("retraining")
def a_retraining_on_request() -> Steps:
    """Dave asks for a training between two schedules; policy knows requests."""
    again = training(12, [tx(1), labels(1)], fraud(2), trigger="request:dave")
    return [*ordinary(), *again, *release(13, fraud(2))]


@clean("retraining", policy={"freeze_windows": ("2026-01-19T00:00:00/2026-01-24T00:00:00",)})
def trainings_around_a_freeze() -> Steps:
    """Trainings on 6, 13 and 27 January; in the freeze from 19 to 24 January, none."""
    return [*holdout(), *cycle(1, 4), *cycle(2, 11), *cycle(3, 25)]


@clean("retraining")
def a_training_fails_and_is_repeated() -> Steps:
    """The first attempt dies out of memory after ten minutes, the second completes."""
    failed = training(11, [tx(1), labels(1)], fraud(2), state="FAIL", writes=[])
    return [
        *ordinary(),
        *failed,
        *training(12, [tx(1), labels(1)], fraud(2)),
        *release(13, fraud(2)),
    ]


@clean("retraining")
def a_warm_start_from_the_model_before() -> Steps:
    """Model 2 starts from the weights of model 1; no label came out of a model."""
    warm = training(12, [tx(1), labels(1), fraud(1)], fraud(2))
    return [*ordinary(), *warm, *release(13, fraud(2))]


@clean("roll-back")
def a_roll_back_drill() -> Steps:
    """Model 2 is released; in the drill model 1 is rolled back to, approved at its gate."""
    return [
        *holdout(),
        *cycle(1),
        *cycle(2, 11),
        *approved(18, fraud(1), gate="rollback", by="alice", hour=9),
        *promoted(18, fraud(1), hour=10, action="rollback", reason="quarterly drill"),
        *approved(18, fraud(2), gate="promotion", by="alice", hour=13),
        *promoted(18, fraud(2), hour=14),
    ]


@clean("roll-back")
def an_old_model_is_retired() -> Steps:
    """When model 2 serves everybody, model 1 is retired."""
    retired: dict[str, Any] = {"action": "retire", "reason": "replaced by 2"}
    return [*holdout(), *cycle(1), *cycle(2, 11), *promoted(18, fraud(1), **retired)]


@clean("audits")
def a_high_risk_model_is_audited_on_time() -> Steps:
    """A model of the high tier passes all audits at its release, a week ago."""
    return [
        *holdout(),
        *prepared(),
        *training(5, [tx(1), labels(1)], fraud(1)),
        *release(6, fraud(1), risk_tier="high"),
        *evaluated(13, fraud(1), phase="production"),
    ]


@clean("evaluation")
def metrics_vary_a_little() -> Steps:
    """Model 2's recall on fraud is 0.905 after 0.91; the whole moved by a thousandth."""
    slices = {"fraud": {"n": 400, "recall": 0.905}, "legit": {"n": 9_600, "recall": 0.971}}
    values: dict[str, Any] = {"slices": slices, "metrics": {"accuracy": 0.963}}
    return [
        *ordinary(),
        *training(12, [tx(1), labels(1)], fraud(2)),
        *listed(13, fraud(2)),
        *evaluated(13, fraud(2), baseline=fraud(1), **values),
        *approved(13, fraud(2), gate="promotion", by="alice"),
        *promoted(13, fraud(2)),
    ]


@clean("evaluation")
def a_model_is_rejected_and_improved() -> Steps:
    """Alice rejects model 2; model 3 is trained, evaluated, approved and promoted instead."""
    return [
        *ordinary(),
        *training(12, [tx(1), labels(1)], fraud(2)),
        *listed(13, fraud(2)),
        *evaluated(13, fraud(2), outcome="warn"),
        *approved(13, fraud(2), gate="promotion", by="alice", decision="reject"),
        *training(14, [tx(1), labels(1)], fraud(3)),
        *release(15, fraud(3)),
    ]


@clean("sandbox")
def a_research_model_stays_in_the_sandbox() -> Steps:
    """A researcher trains on approved data and puts the model into the sandbox unevaluated."""
    tried = model("registry", "experiment", version=1, digest=digest("experiment"))
    return [
        *ordinary(),
        *training(12, [tx(1), labels(1)], tried, trigger="request:dave"),
        *listed(13, tried, risk_tier="low"),
        *promoted(13, tried, from_environment="research", to_environment="sandbox"),
    ]


@clean("sandbox")
def a_notebook_explores_from_a_dirty_tree() -> Steps:
    """An exploration, no training, runs from a working tree with changes and writes a report."""
    explored: dict[str, Any] = {
        "stage": "explore",
        "reads": [tx(1)],
        "writes": ["report:lake/exploration@1"],
        "code": {**CODE, "dirty": True},
        "environment": ENVIRONMENT,
        "trigger": "request:dave",
    }
    return [*ordinary(), step(day(11), "notebook", "run", "fraud/explore", **explored)]


@clean("deployment")
def a_quantised_model_is_registered_as_its_own() -> Steps:
    """A smaller form of model 1 gets its own name, digest, evaluation and approval."""
    small = model("registry", "fraud-int8", version=1, digest=digest("int8"))
    quantise: dict[str, Any] = {
        "stage": "quantise",
        "reads": [fraud(1)],
        "writes": [small],
        "code": CODE,
        "environment": ENVIRONMENT,
    }
    return [
        *ordinary(),
        step(day(12), "trainer", "run", "fraud/quantise", **quantise),
        *release(13, small),
    ]


@clean("evaluation")
def a_new_challenge_set_is_put_together() -> Steps:
    """Dave and bob make a challenge set; nothing but evaluations reads it."""
    hard = dataset("lake", "challenge", version=1, digest=digest("challenge"))
    read: dict[str, Any] = {"stage": "evaluate", "reads": [hard, fraud(1)]}
    return [
        *ordinary(),
        step(day(11), "person:dave", "register", hard, owner="data-team", role="challenge"),
        *approved(11, hard),
        step(day(12), "evaluator", "run", "fraud/evaluate", **read),
    ]
