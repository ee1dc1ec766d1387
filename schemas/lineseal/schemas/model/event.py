"""One event: who says it, when, about which run, and its body."""

from __future__ import annotations

from dataclasses import dataclass

from lineseal.schemas.model._types import Identifier, Origin
from lineseal.schemas.model.assurance import (
    Approval,
    Evaluation,
    Promotion,
    Quarantine,
    Validation,
    Verdict,
)
from lineseal.schemas.model.common import Actor, Job, Workload
from lineseal.schemas.model.people import Access, Feedback, LabelReview, Override
from lineseal.schemas.model.response import Containment, Erasure, Incident, KeyChange
from lineseal.schemas.model.run import RunEvent
from lineseal.schemas.model.supply import Registration


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """Hold exactly one body; the others are null (ADR-0003: so that it decodes in columns)."""

    run: RunEvent | None = None
    registration: Registration | None = None
    validation: Validation | None = None
    evaluation: Evaluation | None = None
    quarantine: Quarantine | None = None
    approval: Approval | None = None
    promotion: Promotion | None = None
    override: Override | None = None
    label_review: LabelReview | None = None
    feedback: Feedback | None = None
    access: Access | None = None
    containment: Containment | None = None
    incident: Incident | None = None
    verdict: Verdict | None = None
    key_change: KeyChange | None = None
    erasure: Erasure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Record one fact about an ML pipeline.

    ``event_id`` is a UUIDv7, ``event_time`` the producer's claim in microseconds UTC.
    """

    event_id: Identifier
    event_time: int
    producer: Identifier
    actor: Actor
    origin: Origin
    body: Body
    job: Job | None = None
    stage: Identifier | None = None
    run_id: Identifier | None = None
    trace_id: Identifier | None = None
    span_id: Identifier | None = None
    workload: Workload | None = None
