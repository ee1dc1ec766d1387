"""Documents of every kind, with any text wherever a supplier could have put it."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any

from lineseal.consumers.forward.decisions import KINDS
from lineseal.consumers.forward.entity import AcceptedEvent, decision
from lineseal.consumers.forward.finding import AlertChange, finding
from lineseal.consumers.forward.ocsf import Document, stamped
from lineseal.consumers.forward.rendering import RENDERINGS
from lineseal.consumers.sinks.base import Shipment
from lineseal.schemas.model import (
    Actor,
    ActorKind,
    Approval,
    Artifact,
    Body,
    Containment,
    ContainmentAction,
    Decision,
    DecisionMode,
    Erasure,
    Event,
    Evidence,
    Gate,
    Incident,
    IncidentState,
    KeyAction,
    KeyChange,
    Kind,
    Origin,
    Override,
    Promotion,
    PromotionAction,
    Quarantine,
    QuarantineAction,
    Subject,
    Verdict,
)

FEED_ID = "0b6f4e3a-52a7-4a3e-9d3a-6f0c4a5a9d11"
MODEL = Artifact(kind=Kind.MODEL, namespace="registry", name="fraud", version="7", digest=None)
SUBJECT = Subject(type="artifact", artifact=MODEL)
SEEN = (Evidence(name="report", digest="sha256:" + "ab" * 32),)
BODIES: dict[str, Any] = {
    "override": Override(
        target=SUBJECT, before="blocked", after="released", made_by="alice", reason="quarter end"
    ),
    "approval": Approval(
        subject=SUBJECT,
        gate=Gate.PROMOTION,
        decision=Decision.REJECT,
        approver="bob",
        mode=DecisionMode.EXPLICIT,
        reason="no evidence",
        evidence=SEEN,
    ),
    "quarantine": Quarantine(
        artifact=MODEL, action=QuarantineAction.PLACED, reason="odd labels", evidence=SEEN
    ),
    "promotion": Promotion(
        artifact=MODEL,
        action=PromotionAction.PROMOTE,
        from_environment="staging",
        to_environment="production",
        downstream=("api",),
    ),
    "containment": Containment(
        subject=Subject(type="source", name="acme"),
        action=ContainmentAction.FREEZE,
        reason="incident 4",
        ordered_by="carol",
    ),
    "verdict": Verdict(
        gate=Gate.TRAINING, subject=SUBJECT, decision=Decision.REJECT, reasons=("no approval",)
    ),
    "incident": Incident(incident_id="inc-4", state=IncidentState.OPENED, subjects=(SUBJECT,)),
    "key_change": KeyChange(
        key_id="ab" * 32, action=KeyAction.REVOKED, changed_by="root", reason="lost laptop"
    ),
    "erasure": Erasure(
        erased_event_id="0199", leaf_sha256="cd" * 32, erased_by="dpo", reason="a person asked"
    ),
}
"""One body of every kind that is forwarded."""
ALERT = AlertChange(
    alert_id="6c1d6a0e-0000-5000-8000-000000000001",
    revision=1,
    activity="open",
    status="open",
    rule_id="DP-001",
    title="Dataset content hash differs at use",
    severity="critical",
    subject="dataset:lake/tx@3",
    first_seen=1_767_225_600_000_000,
    last_seen=1_767_225_700_000_000,
    changed_at=1_767_225_800_000_000,
    ingest_time=1_767_225_800_000_000,
    techniques=("AML.T0020", "AML.T0059"),
    owasp=("LLM04:2025",),
    reasons=("the digest is not the signed one",),
    evidence=("0199-event",),
    batches=({"producer": "trainer", "epoch": "e", "batch_seq": 3},),
    context='{"sources": ["acme"]}',
    runbook="docs/runbooks/DP-001.md",
)


def accepted(kind: str, body: Any = None, *, text: str | None = None, number: int = 0) -> Document:
    """Return the document of a decision; *text* stands wherever the producer chose a text."""
    event = Event(
        event_id=f"event-{number}",
        event_time=1_767_225_600_000_000,
        producer="jobs",
        actor=Actor(kind=ActorKind.HUMAN, id="alice"),
        origin=Origin.EMITTER,
        run_id="run-1",
        body=Body(**{kind: body or BODIES[kind]}),
    )
    if text is not None:
        event = poisoned(event, text)
    return decision(
        AcceptedEvent(
            event=event,
            kind=kind,
            leaf_sha256=f"{number:064x}",
            actor_verified=True,
            keyid="ab" * 32,
            epoch="epoch",
            batch_seq=1,
            ingest_time=1_767_225_601_000_000,
        ),
        "prod",
    )


def alert(*, text: str | None = None, **changes: Any) -> Document:
    """Return the document of an alert; *text* stands wherever an event's text may be quoted."""
    change = dataclasses.replace(ALERT, **changes)
    if text is not None:
        change = dataclasses.replace(
            change,
            subject=f"dataset:{text}",
            reasons=(text, text),
            evidence=(text,),
            batches=({"producer": text, "epoch": text, "batch_seq": 1},),
            context='{"people": ["' + "x" * 3 + '"]}' if text.isascii() else text,
            decided_by=text,
            decision_reason=text,
        )
    return finding(change, "prod")


def all_documents(text: str | None = None) -> dict[str, Document]:
    """Return one document of every kind, stamped."""
    made = {kind: accepted(kind, text=text, number=place) for place, kind in enumerate(KINDS)}
    made["alert"] = alert(text=text)
    return {
        kind: stamped(document, FEED_ID, place)
        for place, (kind, document) in enumerate(made.items(), 1)
    }


def shipments(rendering: str, text: str | None = None) -> list[Shipment]:
    """Return every kind as a sink gets it."""
    return [
        Shipment(
            seq=document["unmapped"]["feed_seq"],
            uid=document["metadata"]["uid"],
            kind=kind,
            document=document,
            text=RENDERINGS[rendering](document),
        )
        for kind, document in all_documents(text).items()
    ]


def poisoned(value: Any, text: str) -> Any:
    """Return a model value with every text in it replaced, enumerations apart."""
    if isinstance(value, str) and not isinstance(value, StrEnum):
        return text
    if isinstance(value, tuple):
        return tuple(poisoned(item, text) for item in value)  # pyright: ignore[reportUnknownVariableType]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return dataclasses.replace(
            value, **{name: poisoned(getattr(value, name), text) for name in names}
        )
    return value
