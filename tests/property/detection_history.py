"""Invents facts that meddle with each other: few names, few people, few days, every kind of fact.

The form is that of rules' cases (``lineseal.consumers.detect.cases``). What is invented breaks most
rules now and then and is explained again now and then, so that alerts open and close.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

Fact: TypeAlias = Mapping[str, Any]

POLICY: Mapping[str, tuple[str, ...]] = {
    "allowed_sources": ("https://good.example",),
    "approvers": ("*=alice", "*=bob"),
    "containment_officers": ("alice",),
    "data_writers": ("etl=dataset:lake/",),
    "training_triggers": ("schedule*",),
    "training_hours": ("thu 00:00-23:00",),
    "freeze_windows": ("2026-01-01T12:00:00Z/2026-01-01T18:00:00Z",),
    "allowed_model_formats": ("onnx",),
    "expected_producers": ("etl=3600",),
    "thresholds": (
        "DP-009.min_rows=10",
        "DP-013.min_flips=3",
        "DP-014.min_items=3",
        "DP-016.min_rows=1",
        "DP-019.burst=2",
        "DP-023.min_submissions=5",
        "DP-024.min_slice=1",
        "DP-036.min_rows=10",
    ),
}
"""Everything that only a policy makes rules look at is switched on."""

DATA = ("dataset:lake/a", "dataset:lake/b", "dataset:web/c", "feature_set:lake/d")
_MODELS = ("model:reg/m", "model:reg/n")
_LABELS = ("label_set:lake/l",)
_PEOPLE = ("alice", "bob", "mallory")
_SERVICES = ("etl", "trainer")
_RUNS = ("r1", "r2", "r3", "r4", "r5")
_HOURS = 48


class Meddler:
    """Invents facts from a source of chance."""

    def __init__(self, chance: random.Random) -> None:
        """Invent from *chance*, which may be Hypothesis's."""
        self._chance = chance
        self._kinds: Sequence[Callable[[], dict[str, Any]]] = (
            self._run,
            self._run,
            self._run,
            self._registration,
            self._registration,
            self._validation,
            self._evaluation,
            self._quarantine,
            self._approval,
            self._approval,
            self._promotion,
            self._override,
            self._label_review,
            self._feedback,
            self._access,
            self._containment,
            self._reject,
            self._key_change,
        )

    def fact(self) -> Fact:
        """Invent one fact."""
        made = self._chance.choice(self._kinds)()
        fact: dict[str, Any] = {"at": f"{self._chance.randrange(_HOURS * 4) * 15}m", **made}
        if "reject" not in fact and "by" not in fact:
            fact["by"] = self._by()
        if self._maybe(0.1) and fact.get("by", "").startswith("person:"):
            fact["verified"] = False
        if self._maybe(0.05) and "reject" not in fact:
            fact["created"] = f"{self._chance.randrange(20)}d"
        return fact

    def _maybe(self, share: float) -> bool:
        return self._chance.randrange(1000) < 1000 * share

    def _one(self, *things: Any) -> Any:
        return self._chance.choice(things)

    def _some(self, **fields: Any) -> dict[str, Any]:
        return {name: value for name, value in fields.items() if self._maybe(0.5)}

    def _by(self) -> str:
        return str(self._one("person:" + self._one(*_PEOPLE), *_SERVICES))

    def _artifact(self, *names: str) -> str:
        name = self._one(*(names or (*DATA, *DATA, *_MODELS, *_LABELS)))
        version = self._one("", "@1", "@1", "@2", "@latest") if self._maybe(0.9) else ""
        return f"{name}{version}{self._one('', '', ' #a', ' #b')}"

    def _subject(self) -> str:
        return str(
            self._one(self._artifact(), self._artifact(), "source:acme", "policy:detections")
        )

    def _run(self) -> dict[str, Any]:
        reads = [self._use() for _ in range(self._chance.randrange(3))]
        writes = [self._artifact() for _ in range(self._chance.randrange(3))]
        more = self._some(
            trigger=self._one("schedule:nightly", "mallory"),
            code={"commit": self._one("c1", None), "dirty": self._maybe(0.3)},
            environment={"image_digest": self._one("#i", None)},
        )
        stage = self._one(None, "train", "quantise", "validate", "etl")
        run = {
            "id": self._one(*_RUNS),
            "stage": stage,
            "job": "jobs/j" + self._one("1", "2"),
            "reads": reads,
            "writes": writes,
            **more,
        }
        return {"by": self._one(*_SERVICES), "run": run}

    def _use(self) -> Any:
        artifact = self._artifact()
        return {"artifact": artifact, "role": "holdout"} if self._maybe(0.1) else artifact

    def _registration(self) -> dict[str, Any]:
        source = {
            "uri": self._one("https://good.example/x", "https://bad.example/x", "s3://ours/y"),
            **self._some(
                revision=self._one("main", "v1"),
                publisher=self._one("acme", "emca"),
                maintainers=[self._one("ann", "ben")],
                verified=self._maybe(0.5),
            ),
        }
        profile = {
            "rows": 200,
            **self._some(
                near_duplicates=self._one(1, 100),
                row_sketch=[f"t{self._chance.randrange(6)}" for _ in range(3)],
                label_counts=[
                    {"name": "x", "count": self._one(10, 180)},
                    {"name": "y", "count": self._one(20, 190)},
                ],
            ),
        }
        subject = self._subject()
        fields = self._some(
            source=source,
            profile=profile,
            owner=self._one(*_PEOPLE),
            submitted_by=self._one(*_PEOPLE),
            state=self._one("frozen", "draft"),
            role=self._one("holdout", "golden", "training"),
            trust_zone=self._one("high", "low"),
            risk_tier=self._one("high", "low"),
            supplier={"name": self._one("acme", "Emca")},
            acquisition={
                "method": self._one("partner", "synthetic", "internal", "scraped"),
                "generator_digest": self._one(None, "#a"),
            },
            publisher_digest=self._one("#a", "#b"),
            manifest_root=self._one("#a", "#p"),
            attributes=[{"key": "format", "value": self._one("pickle", "onnx")}],
        )
        more = {"run_id": self._one(*_RUNS)} if self._maybe(0.3) else {}
        return {"registration": {"subject": subject, **fields}, **more}

    def _validation(self) -> dict[str, Any]:
        check = {
            "tool": "gx",
            "name": self._one("schema", "digest"),
            "config_digest": self._one("#k1", "#k2", None),
        }
        return {
            "validation": {
                "artifact": self._artifact(*DATA),
                "check": check,
                "outcome": self._one("pass", "pass", "fail", "warn"),
                "rows_checked": 100,
                "rows_rejected": self._one(0, 1, 60),
            }
        }

    def _evaluation(self) -> dict[str, Any]:
        metric = [{"name": "recall", "value": self._one(0.5, 0.9)}]
        return {
            "evaluation": {
                "model": self._artifact(*_MODELS),
                "suite": {"name": "s", "kind": self._one("holdout", "canary", "behavioural")},
                "phase": self._one("release", "production"),
                "outcome": self._one("pass", "fail"),
                "metrics": [{"name": "accuracy", "value": self._one(0.9, 0.91, 0.5)}],
                **self._some(
                    slices=[{"name": "7", "n": 40, "metrics": metric}],
                    baseline=self._artifact(*_MODELS),
                ),
            }
        }

    def _quarantine(self) -> dict[str, Any]:
        more = self._some(owner=self._one(*_PEOPLE), reviewer=self._one(*_PEOPLE))
        action = self._one("placed", "placed", "released")
        return {"quarantine": {"artifact": self._artifact(*DATA), "action": action, **more}}

    def _approval(self) -> dict[str, Any]:
        who = self._one(*_PEOPLE)
        subject = self._subject()
        return {
            "by": f"person:{who}",
            "approval": {
                "subject": subject,
                "gate": self._one("source", "dataset", "training", "promotion"),
                "decision": self._one("approve", "approve", "reject"),
                "approver": who,
                "mode": self._one("explicit", "explicit", "default"),
                **self._some(
                    requested_by=self._one(*_PEOPLE),
                    expires_at=f"{self._chance.randrange(_HOURS)}h",
                    evidence=[{"name": "policy", "digest": "#p"}],
                ),
            },
        }

    def _promotion(self) -> dict[str, Any]:
        return {
            "promotion": {
                "artifact": self._artifact(*_MODELS, *DATA),
                "action": self._one("promote", "promote", "rollback", "retire"),
                "to_environment": self._one("production", "high", "dev"),
            }
        }

    def _override(self) -> dict[str, Any]:
        who = self._one(*_PEOPLE)
        return {
            "by": f"person:{who}",
            "override": {
                "target": self._artifact(),
                "before": self._one("x", "y"),
                "after": self._one("x", "y"),
                "made_by": who,
                "reason": self._one("ok", "the partner confirmed the correction"),
                **self._some(
                    approved_by=self._one(*_PEOPLE),
                    items_affected=self._one(1, 9),
                    expires_at=f"{self._chance.randrange(_HOURS)}h",
                ),
            },
        }

    def _label_review(self) -> dict[str, Any]:
        flips = [{"from_label": "x", "to_label": "y", "count": self._one(1, 9)}]
        agreement = {"metric": "kappa", "value": self._one(0.2, 0.9), "n": 50}
        return {
            "label_review": {
                "label_set": self._artifact(*_LABELS),
                "method": "human",
                "annotator": self._one(*_PEOPLE),
                "items": self._one(5, 50),
                **self._some(
                    flips=flips, agreement=agreement, latency_seconds=self._one(0.5, 30.0)
                ),
            }
        }

    def _feedback(self) -> dict[str, Any]:
        return {
            "feedback": {
                "channel": self._one("thumbs", "stars"),
                "artifact": self._artifact(*DATA),
                "submissions": 50,
                **self._some(
                    new_account_share=self._one(0.1, 0.9),
                    reviewed_by="bob",
                    throttled=self._one(1, 40),
                ),
            }
        }

    def _access(self) -> dict[str, Any]:
        return {
            "access": {
                "principal": self._one(*_PEOPLE, *_SERVICES, "r1", "jobs/j1"),
                "action": self._one("read", "write", "grant", "revoke", "create"),
                "resource": self._artifact(*DATA),
                "outcome": self._one("allowed", "allowed", "denied"),
                **self._some(granted_to=self._one(*_PEOPLE)),
            }
        }

    def _containment(self) -> dict[str, Any]:
        who = self._one(*_PEOPLE)
        return {
            "by": f"person:{who}",
            "containment": {
                "subject": self._artifact(),
                "action": self._one("freeze", "freeze", "release", "hold"),
                "reason": "so",
                "ordered_by": who,
                **self._some(approved_by=self._one(*_PEOPLE)),
            },
        }

    def _reject(self) -> dict[str, Any]:
        code = self._one("BAD_SIGNATURE", "REPLAY", "FORK", "NON_CANONICAL", "UNKNOWN_KEY")
        return {"reject": {"code": code, "log_key": self._one(*_SERVICES)}}

    def _key_change(self) -> dict[str, Any]:
        return {"key_change": {"key_id": "k1", "action": "enrolled", "changed_by": "bob"}}
