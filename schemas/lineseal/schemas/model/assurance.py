"""What was checked and decided before a model went out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lineseal.schemas.model._types import Decision, DecisionMode, Digest, Identifier, Outcome, Time
from lineseal.schemas.model.common import Artifact, Evidence, Metric, Subject


class SuiteKind(StrEnum):
    """What an evaluation suite looks for."""

    HOLDOUT = "holdout"
    CHALLENGE = "challenge"
    CANARY = "canary"
    BEHAVIOURAL = "behavioural"
    TRIGGER_PROBE = "trigger_probe"
    MEMORISATION = "memorisation"


class Phase(StrEnum):
    """When an evaluation ran."""

    RELEASE = "release"
    PRODUCTION = "production"


class Gate(StrEnum):
    """The point in the pipeline a decision guards."""

    SOURCE = "source"
    DATASET = "dataset"
    TRAINING = "training"
    PROMOTION = "promotion"
    ROLLBACK = "rollback"


class QuarantineAction(StrEnum):
    """Whether something went into quarantine or came out."""

    PLACED = "placed"
    RELEASED = "released"


class PromotionAction(StrEnum):
    """How a model or data set moved."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Name the tool that checked."""

    tool: Identifier
    name: Identifier
    version: str | None = None
    config_digest: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Record the outcome of a check on an artifact."""

    artifact: Artifact
    check: Check
    outcome: Outcome
    rows_checked: int | None = None
    rows_rejected: int | None = None
    metrics: tuple[Metric, ...] = ()
    suspects: Evidence | None = None
    reviewed_by: Identifier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Name an evaluation suite."""

    name: Identifier
    kind: SuiteKind
    digest: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Give the metrics of one slice of the evaluation data (a class, a region)."""

    name: str
    n: int
    metrics: tuple[Metric, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Record how a model did on a suite."""

    model: Artifact
    suite: Suite
    phase: Phase
    outcome: Outcome
    baseline: Artifact | None = None
    metrics: tuple[Metric, ...] = ()
    slices: tuple[Slice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """Record that an artifact was put into quarantine or taken out, and why."""

    artifact: Artifact
    action: QuarantineAction
    reason: str
    location: str | None = None
    owner: Identifier | None = None
    reviewer: Identifier | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Record a decision at a gate. ``expires_at`` is in microseconds, the end excluded."""

    subject: Subject
    gate: Gate
    decision: Decision
    approver: Identifier
    mode: DecisionMode
    requested_by: Identifier | None = None
    reason: str | None = None
    evidence: tuple[Evidence, ...] = ()
    expires_at: Time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """Record that an artifact moved between environments or trust zones."""

    artifact: Artifact
    action: PromotionAction
    from_environment: Identifier | None = None
    to_environment: Identifier | None = None
    downstream: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Record what an automatic gate decided, and under which policy."""

    gate: Gate
    subject: Subject
    decision: Decision
    policy_digest: Digest | None = None
    reasons: tuple[str, ...] = ()
