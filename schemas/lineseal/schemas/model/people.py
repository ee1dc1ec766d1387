"""What people did: overrides, labels, feedback, access."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lineseal.schemas.model._types import Identifier, Time
from lineseal.schemas.model.common import Artifact, Count, Evidence, Subject


class LabelMethod(StrEnum):
    """How labels were made."""

    HUMAN = "human"
    INFERRED = "inferred"


class AccessAction(StrEnum):
    """What a principal did or was given."""

    READ = "read"
    WRITE = "write"
    GRANT = "grant"
    REVOKE = "revoke"
    CREATE = "create"


class AccessOutcome(StrEnum):
    """Whether the access went through."""

    ALLOWED = "allowed"
    DENIED = "denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Record that a human changed what the pipeline would have done: who, what, why."""

    target: Subject
    before: str
    after: str
    made_by: Identifier
    reason: str
    approved_by: Identifier | None = None
    items_affected: int | None = None
    expires_at: Time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Count the labels changed from one class to another."""

    from_label: str
    to_label: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Give an agreement score between annotators."""

    metric: Identifier
    value: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelReview:
    """Record a review of labels. Latency and delay are in seconds, shares in 0 to 1."""

    label_set: Artifact
    method: LabelMethod
    annotator: Identifier | None = None
    vendor: Identifier | None = None
    items: int | None = None
    flips: tuple[Flip, ...] = ()
    agreement: Agreement | None = None
    latency_seconds: float | None = None
    delay_seconds: float | None = None
    unconfirmed_share: float | None = None
    items_reference: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitter:
    """Give one submitter's share (0 to 1) under a keyed pseudonym."""

    pseudonym: Identifier
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """Record a window of user feedback and who it came from, by pseudonym."""

    channel: Identifier
    artifact: Artifact
    submissions: int
    submitters: int | None = None
    top_submitters: tuple[Submitter, ...] = ()
    new_account_share: float | None = None
    repeat_share: float | None = None
    regions: tuple[Count, ...] = ()
    throttled: int | None = None
    sampled: int | None = None
    reviewed_by: Identifier | None = None
    label_counts: tuple[Count, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Record that a principal used or was given access to a resource."""

    principal: Identifier
    action: AccessAction
    resource: Subject
    outcome: AccessOutcome
    granted_to: Identifier | None = None
    reason: str | None = None
