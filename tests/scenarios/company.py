"""The ordinary company the stories play in: one fraud model, done right.

Each function returns the steps of one part of the pipeline as it should be, so that a story only
says what is different. Days count from Thursday 2026-01-01; day 4 is a Monday. People: alice
promotes models, bob answers for data, carol for security, dave builds the model and asks for
decisions. Services: ingest, checker, labeller, trainer, evaluator, deployer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lineseal.producers import dataset, label_set, model
from lineseal.producers.artifacts import ArtifactSpec
from tests.scenarios.play import Speaker, Step, digest, micros, step

POLICY: Mapping[str, Sequence[str]] = {
    "allowed_sources": ("https://data.partner-a.example/", "https://hub.example.org/"),
    "approvers": ("*=alice", "*=bob", "*=carol"),
    "containment_officers": ("carol",),
    "training_triggers": ("schedule:*", "request:*"),
    "allowed_model_formats": ("safetensors",),
}
CODE = {"repository": "https://git.example.com/fraud", "commit": "3f" * 20, "dirty": False}
ENVIRONMENT = {"image_digest": digest("image"), "lockfile_digest": digest("lock")}
CHECKS = digest("checks 1")
HOLDOUT = dataset("lake", "holdout", version=1, digest=digest("holdout"))


def day(number: float, hour: float = 9) -> str:
    """Return the time of an hour (UTC) of a day, as a step takes it."""
    return f"{number * 24 + hour:g}h"


def moment(number: float, hour: float = 9) -> str:
    """Return the same time in microseconds, as bodies take it."""
    return str(micros(day(number, hour)))


def tx(version: int, content: str = "") -> ArtifactSpec:
    """Name a version of the transactions; *content* stands for other bytes than the usual."""
    return _thing(dataset, "lake", "transactions", version, content)


def partner(version: int, content: str = "") -> ArtifactSpec:
    """Name a version of what partner A delivers."""
    return _thing(dataset, "lake", "partner-a", version, content)


def labels(version: int, content: str = "") -> ArtifactSpec:
    """Name a version of the labels."""
    return _thing(label_set, "lake", "fraud-labels", version, content)


def fraud(version: int, content: str = "") -> ArtifactSpec:
    """Name a version of the fraud model."""
    return _thing(model, "registry", "fraud", version, content)


def checked(at: float, thing: Any, *, hour: float = 11, **changes: Any) -> list[Step]:
    """Validate data with the usual check: 80 of 10,000 rows rejected."""
    values: dict[str, Any] = {
        "tool": "expectations",
        "name": "rows",
        "config_digest": CHECKS,
        "rows_checked": 10_000,
        "rows_rejected": 80,
        **changes,
    }
    return [step(day(at, hour), "checker", "validate", thing, **values)]


def approved(
    at: float,
    thing: Any,
    *,
    gate: str = "dataset",
    by: str = "bob",
    hour: float = 14,
    requested_by: str = "dave",
    **changes: Any,
) -> list[Step]:
    """Let a person approve something that somebody else asked for."""
    values: dict[str, Any] = {
        "gate": gate,
        "requested_by": requested_by,
        "reason": "profile, checks and provenance looked at; nothing unusual",
        "evidence": "review-notes",
        **changes,
    }
    return [step(day(at, hour), f"person:{by}", "approve", thing, **values)]


def registered(
    at: float, thing: Any, *, who: str = "ingest", hour: float = 10, **values: Any
) -> list[Step]:
    """Register something with an owner."""
    values = {"owner": "data-team", "licence": "internal", **values}
    return [step(day(at, hour), who, "register", thing, **values)]


def intake(at: float, thing: Any, **values: Any) -> list[Step]:
    """Take in data of our own: run, registration, check and approval."""
    fields: dict[str, Any] = {
        "role": "training",
        "acquisition": "internal",
        "trust_zone": "internal",
        **values,
    }
    return [
        step(day(at), "ingest", "run", "fraud/ingest", stage="ingest", writes=[thing]),
        *registered(at, thing, **fields),
        *checked(at, thing),
        *approved(at, thing),
    ]


def delivery(
    at: float,
    thing: Any,
    *,
    revision: str = "2026-01",
    uri: str = "https://data.partner-a.example/tx",
    maintainers: Sequence[str] = ("ann", "ben"),
    **values: Any,
) -> list[Step]:
    """Take in what partner A delivered, pinned by release and digest; neither checked nor used."""
    source = {
        "uri": uri,
        "revision": revision,
        "publisher": "Partner A",
        "maintainers": list(maintainers),
        "verified": True,
    }
    fields: dict[str, Any] = {
        "role": "training",
        "acquisition": "partner",
        "supplier": "Partner A",
        "source": source,
        "trust_zone": "internal",
        "publisher_digest": thing.target.digest,
        **values,
    }
    return [
        step(day(at), "ingest", "run", "fraud/ingest-partner", stage="ingest", writes=[thing]),
        *registered(at, thing, **fields),
    ]


def labelling(at: float, version: int = 1) -> list[Step]:
    """Label by three people with the usual few corrections, checked and approved."""
    thing = labels(version)
    steps = [
        step(day(at), "labeller", "run", "fraud/label", stage="label", writes=[thing]),
        *registered(at, thing, who="labeller", acquisition="internal", role="training"),
    ]
    for number, (there, back) in enumerate([(4, 5), (6, 4), (5, 5)]):
        steps.append(review(at, thing, f"annotator-{number}", there, back, hour=10.2 + number / 10))
    return [*steps, *checked(at, thing, name="labels"), *approved(at, thing)]


def review(
    at: float, thing: Any, annotator: str, there: int, back: int, *, hour: float, **changes: Any
) -> Step:
    """Record 400 reviewed items, *there* flipped from fraud to legit and *back* the other way."""
    values: dict[str, Any] = {
        "annotator": annotator,
        "vendor": "Label House",
        "items": 400,
        "flips": [f"fraud=legit={there}", f"legit=fraud={back}"],
        "agreement": {"metric": "kappa", "value": 0.86, "n": 400},
        "latency_seconds": 14.0,
        **changes,
    }
    return step(day(at, hour), "labeller", "review_labels", thing, **values)


def holdout(at: float = 4) -> list[Step]:
    """Freeze the hold-out set, put together by a person, checked and approved by others."""
    fields = {"role": "holdout", "state": "frozen", "acquisition": "internal"}
    return [
        *registered(at, HOLDOUT, who="person:dave", hour=8, **fields),
        *checked(at, HOLDOUT, hour=8.5),
        *approved(at, HOLDOUT, hour=8.8),
    ]


def training(
    at: float, reads: Iterable[Any], product: Any, *, hour: float = 10, **changes: Any
) -> list[Step]:
    """Train on schedule, from a clean commit in a pinned image."""
    values: dict[str, Any] = {
        "stage": "train",
        "reads": list(reads),
        "writes": [product],
        "code": CODE,
        "environment": ENVIRONMENT,
        "trigger": "schedule:weekly",
        "parameters": {"seed": 1, "epochs": 20},
        "minutes": 40,
        **changes,
    }
    return [step(day(at, hour), "trainer", "run", "fraud/train", **values)]


def evaluated(at: float, thing: Any, *, hour: float = 10, **changes: Any) -> list[Step]:
    """Evaluate a model on the hold-out set and on all four audits; everything passes."""
    slices = {"fraud": {"n": 400, "recall": 0.91}, "legit": {"n": 9_600, "recall": 0.97}}

    def measure(speaker: Speaker) -> None:
        values: dict[str, Any] = {"metrics": {"accuracy": 0.962}, "slices": slices, **changes}
        speaker.evaluate(thing, suite="holdout", **values)
        for kind in ("canary", "behavioural", "trigger_probe", "memorisation"):
            speaker.evaluate(thing, suite=kind, kind=kind, metrics={"accuracy": 0.95})

    values = {"stage": "evaluate", "reads": [HOLDOUT, thing], "inside": measure}
    return [step(day(at, hour), "evaluator", "run", "fraud/evaluate", **values)]


def listed(at: float, thing: Any, **values: Any) -> list[Step]:
    """Put a trained model into the registry."""
    fields: dict[str, Any] = {
        "owner": "fraud-team",
        "risk_tier": "medium",
        "attributes": {"format": "safetensors"},
        **values,
    }
    return registered(at, thing, who="trainer", hour=9, **fields)


def promoted(at: float, thing: Any, *, hour: float = 16, **changes: Any) -> list[Step]:
    """Put a model into production."""
    values = {"from_environment": "staging", "to_environment": "production", **changes}
    return [step(day(at, hour), "deployer", "promote", thing, **values)]


def release(at: float, thing: Any, **listing: Any) -> list[Step]:
    """List, evaluate, approve and promote a model."""
    return [
        *listed(at, thing, **listing),
        *evaluated(at, thing),
        *approved(at, thing, gate="promotion", by="alice"),
        *promoted(at, thing),
    ]


def prepared(version: int = 1, start: float = 4) -> list[Step]:
    """Do Monday's work only: data and labels."""
    return [*intake(start, tx(version)), *labelling(start, version)]


def cycle(version: int = 1, start: float = 4, *, extra: Iterable[Any] = ()) -> list[Step]:
    """Play the whole week: data and labels on Monday, training on Tuesday, release on Wednesday."""
    return [
        *prepared(version, start),
        *training(start + 1, [tx(version), labels(version), *extra], fraud(version)),
        *release(start + 2, fraud(version)),
    ]


def ordinary() -> list[Step]:
    """Play the first week with its hold-out set."""
    return [*holdout(), *cycle()]


def _thing(make: Any, namespace: str, name: str, version: int, content: str) -> ArtifactSpec:
    sealed = digest(f"{name} {version} {content}")
    made: ArtifactSpec = make(namespace, name, version=version, digest=sealed)
    return made
