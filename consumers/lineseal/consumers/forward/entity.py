"""A human decision as an OCSF Entity Management event (3004).

Who signed and whether that was the person's own key is part of the document: a name inside a
service's event is shown as asserted, no more. Source: OCSF 1.8.0 class 3004; DESIGN 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lineseal.consumers.forward.decisions import KINDS, Decided
from lineseal.consumers.forward.ocsf import Document, base, finished, stable_id
from lineseal.schemas.model import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedEvent:
    """Hold an event of the store with what its acceptance proved; times are microseconds."""

    event: Event
    kind: str
    leaf_sha256: str
    actor_verified: bool
    keyid: str
    epoch: str
    batch_seq: int
    ingest_time: int


def decision(accepted: AcceptedEvent, deployment: str) -> Document:
    """Return the canonical document of an event whose body is one of ``KINDS``."""
    event = accepted.event
    decided = KINDS[accepted.kind](getattr(event.body, accepted.kind))
    document = base(
        class_uid=3004,
        activity=decided.activity,
        severity=decided.severity,
        time_us=event.event_time,
        # The leaf, not the event id: whoever repeats an id must not hide another record.
        uid=stable_id(deployment, "event", accepted.leaf_sha256),
        deployment=deployment,
        event_code=accepted.kind,
        message=_message(accepted, decided),
        logged_us=accepted.ingest_time,
        correlation=event.run_id,
    )
    document |= {
        "status_id": 1,
        "status": "Success",
        "comment": decided.comment,
        "actor": _actor(accepted, decided),
        "entity": _state(decided, decided.before),
        "entity_result": _state(decided, decided.after) if decided.after is not None else None,
        "unmapped": {
            accepted.kind: decided.details,
            "actor_kind": str(event.actor.kind),
            "actor_verified": accepted.actor_verified,
            "origin": str(event.origin),
            "producer": event.producer,
            "keyid": accepted.keyid,
            "event_id": event.event_id,
            "epoch": accepted.epoch,
            "batch_seq": accepted.batch_seq,
            "leaf_sha256": accepted.leaf_sha256,
        },
    }
    for name, pair in (("disposition", decided.disposition), ("action", decided.action)):
        if pair is not None:
            document |= {f"{name}_id": pair[0], name: pair[1]}
    if decided.policy is not None:
        document["policy"] = {"name": decided.policy}
    return finished(document)


def _message(accepted: AcceptedEvent, decided: Decided) -> str:
    who = accepted.event.actor.id
    how = "" if accepted.actor_verified else " (asserted)"
    return f"{who}{how}: {decided.entity['name']} {decided.action_name}"


def _actor(accepted: AcceptedEvent, decided: Decided) -> dict[str, Any]:
    actor = accepted.event.actor
    authorizations: list[dict[str, Any]] = []
    if decided.approved_by:
        named = {"decision": f"approved by {decided.approved_by} (asserted)"}
        authorizations.append(named)
    return {
        "user": {"name": actor.id, "type_id": 99, "type": str(actor.kind)},
        "app_name": accepted.event.producer,
        "authorizations": authorizations,
    }


def _state(decided: Decided, state: str | None) -> dict[str, Any]:
    return {**decided.entity, "data": None if state is None else {"state": state}}
