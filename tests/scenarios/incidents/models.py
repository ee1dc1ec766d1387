"""Models: unevaluated, swapped, unsafe, irreproducible, with a trigger, overdue for an audit."""

from __future__ import annotations

from typing import Any

from tests.scenarios.company import (
    CODE,
    HOLDOUT,
    approved,
    day,
    evaluated,
    fraud,
    labels,
    listed,
    ordinary,
    promoted,
    release,
    training,
    tx,
)
from tests.scenarios.play import Speaker, step
from tests.scenarios.story import Steps, incident

FAILED_AUDIT = "a failed suite is evidence of evaluation, though not of a good one"


@incident("evaluation fraud", {"DP-020": "promoted without any evaluation"})
def a_model_is_promoted_unevaluated() -> Steps:
    """Model 2 is approved and promoted; no suite ever ran on it."""
    return [*_trained(), *listed(13, fraud(2)), *_approved_and_promoted()]


@incident("evaluation fraud", {"DP-020": "never approved"})
def a_model_is_promoted_unapproved() -> Steps:
    """Model 2 is evaluated and promoted; nobody decided."""
    return [
        *_trained(),
        *listed(13, fraud(2)),
        *evaluated(13, fraud(2)),
        *promoted(13, fraud(2)),
    ]


@incident(
    "stolen model",
    {
        "DP-020": "the evaluation is of another digest",
        "DP-022": "what was deployed is not what was registered",
    },
)
def another_model_is_deployed_than_was_evaluated() -> Steps:
    """Model 2 is listed and evaluated; other bytes are approved and promoted as model 2."""
    swapped = fraud(2, "swapped")
    return [
        *_trained(),
        *listed(13, fraud(2)),
        *evaluated(13, fraud(2)),
        *approved(13, swapped, gate="promotion", by="alice"),
        *promoted(13, swapped),
    ]


@incident(
    "backdoor trigger",
    {"DP-022": "a pickle where policy wants safetensors"},
)
def a_pickle_is_registered() -> Steps:
    """Model 2 is put into the registry as a pickle, which runs code when it is loaded."""
    return [*_trained(), *release(13, fraud(2), attributes={"format": "pickle"})]


@incident("insider", {"DP-021": "the tree had changes that no commit holds"})
def a_training_runs_from_a_dirty_tree() -> Steps:
    """Model 2 is trained from a working tree with uncommitted changes, then released."""
    return [*_trained(code={**CODE, "dirty": True}), *release(13, fraud(2))]


@incident("insider", {"DP-021": "neither commit nor image is known"})
def a_training_says_nothing_about_its_code() -> Steps:
    """Model 2 is trained from code and an image nobody named, then released."""
    bare = {
        "code": {"entry_point": "train.py"},
        "environment": {"python": "3.11", "platform": "linux"},
    }
    return [*_trained(**bare), *release(13, fraud(2))]


@incident("backdoor trigger", {"DP-024": "one class lost a third while the whole is flat"})
def one_class_collapses_unseen() -> Steps:
    """Model 2's accuracy is that of model 1, but its recall on fraud fell from 0.91 to 0.55."""
    slices = {"fraud": {"n": 400, "recall": 0.55}, "legit": {"n": 9_600, "recall": 0.98}}
    bad: dict[str, Any] = {"slices": slices, "metrics": {"accuracy": 0.961}, "baseline": fraud(1)}
    return [
        *_trained(),
        *listed(13, fraud(2)),
        *evaluated(13, fraud(2), **bad),
        *_approved_and_promoted(),
    ]


@incident(
    "backdoor trigger",
    {"DP-024": "the trigger probe hit"},
    left_open={"DP-020": FAILED_AUDIT},
)
def the_trigger_probe_hits() -> Steps:
    """A later probe finds that a patch turns model 2's answer; overall figures are flat."""
    probe = {"suite": "trigger_probe", "kind": "trigger_probe", "outcome": "fail"}
    hit = step(day(14), "evaluator", "evaluate", fraud(2), metrics={"hit_rate": 0.97}, **probe)
    return [*_trained(), *release(13, fraud(2)), hit]


@incident(
    "backdoor trigger",
    {"DP-024": "the canary hit in production"},
    left_open={"DP-020": FAILED_AUDIT},
)
def the_canary_fails_in_production() -> Steps:
    """Planted canaries come out of model 2 a day after its release."""
    canary = {"suite": "canary", "kind": "canary", "outcome": "fail", "phase": "production"}
    hit = step(day(14), "evaluator", "evaluate", fraud(2), metrics={"exposed": 3.0}, **canary)
    return [*_trained(), *release(13, fraud(2)), hit]


@incident(
    "evaluation fraud",
    {"DP-031": "a high-risk model without any of the three audits"},
    now="73d",
)
def a_high_risk_model_is_never_audited() -> Steps:
    """Model 2, of the high tier, passed its hold-out suite only; sixty days later nothing more."""

    def measure(speaker: Speaker) -> None:
        speaker.evaluate(fraud(2), suite="holdout", metrics={"accuracy": 0.96})

    run = {"stage": "evaluate", "reads": [HOLDOUT, fraud(2)], "inside": measure}
    return [
        *_trained(),
        *listed(13, fraud(2), risk_tier="high"),
        step(day(13, 10), "evaluator", "run", "fraud/evaluate", **run),
        *_approved_and_promoted(),
    ]


@incident("evaluation fraud", {"DP-031": "the last audits are three hundred days old"}, now="313d")
def a_high_risk_model_is_not_audited_again() -> Steps:
    """Model 2, of the high tier, was audited at its release and never again."""
    return [*_trained(), *release(13, fraud(2), risk_tier="high")]


def _trained(**changes: Any) -> Steps:
    return [*ordinary(), *training(12, [tx(1), labels(1)], fraud(2), **changes)]


def _approved_and_promoted() -> Steps:
    return [*approved(13, fraud(2), gate="promotion", by="alice"), *promoted(13, fraud(2))]
