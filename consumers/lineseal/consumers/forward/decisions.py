"""What each body that records a decision says in OCSF's words.

A row of the table ``KINDS`` makes a body a record for the SIEM. OCSF has no verb for most of
them: the disposition says what was decided, the activity what changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lineseal.consumers.forward.ocsf import entity_of
from lineseal.consumers.forward.severity import HIGH, INFO, LOW, MEDIUM, Severity
from lineseal.schemas.model import (
    Approval,
    Artifact,
    Containment,
    ContainmentAction,
    Decision,
    Erasure,
    Incident,
    IncidentState,
    KeyAction,
    KeyChange,
    Override,
    Promotion,
    PromotionAction,
    Quarantine,
    QuarantineAction,
    Subject,
    Verdict,
)

UPDATE, ENABLE, DISABLE = (3, "Update"), (8, "Enable"), (9, "Disable")
ACTIVATE, SUSPEND, RESUME = (10, "Activate"), (12, "Suspend"), (13, "Resume")
DELETE = (4, "Delete")
ALLOWED, DENIED = (1, "Allowed"), (2, "Denied")
QUARANTINED, APPROVED, RESTORED = (3, "Quarantined"), (8, "Approved"), (9, "Restored")
REJECTED, NO_ACTION = (25, "Rejected"), (16, "No Action")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Say what was decided; ``details`` go into ``unmapped`` under the body's name."""

    entity: Mapping[str, Any]
    action_name: str
    activity: tuple[int, str]
    severity: Severity
    disposition: tuple[int, str] | None = None
    action: tuple[int, str] | None = None
    comment: str | None = None
    before: str | None = None
    after: str | None = None
    policy: str | None = None
    approved_by: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


def _artifact(thing: Artifact) -> Mapping[str, Any]:
    return entity_of(Subject(type="artifact", artifact=thing))


def _override(body: Override) -> Decided:
    return Decided(
        entity=entity_of(body.target),
        action_name="overridden",
        activity=UPDATE,
        severity=MEDIUM,
        disposition=(99, "Overridden"),
        comment=body.reason,
        before=body.before,
        after=body.after,
        approved_by=body.approved_by,
        details={
            "made_by": body.made_by,
            "approved_by": body.approved_by,
            "items_affected": body.items_affected,
            "expires_at": _ms(body.expires_at),
        },
    )


def _approval(body: Approval) -> Decided:
    approved = body.decision == Decision.APPROVE
    return Decided(
        entity=entity_of(body.subject),
        action_name="approved" if approved else "rejected",
        activity=ENABLE if approved else DISABLE,
        severity=INFO if approved else LOW,
        disposition=APPROVED if approved else REJECTED,
        action=ALLOWED if approved else DENIED,
        comment=body.reason,
        policy=str(body.gate),
        details={
            "gate": str(body.gate),
            "approver": body.approver,
            "mode": str(body.mode),
            "requested_by": body.requested_by,
            "expires_at": _ms(body.expires_at),
            "evidence": [{"name": each.name, "digest": each.digest} for each in body.evidence],
        },
    )


def _quarantine(body: Quarantine) -> Decided:
    placed = body.action == QuarantineAction.PLACED
    return Decided(
        entity=_artifact(body.artifact),
        action_name="quarantined" if placed else "released from quarantine",
        activity=SUSPEND if placed else RESUME,
        severity=MEDIUM,
        disposition=QUARANTINED if placed else RESTORED,
        action=DENIED if placed else ALLOWED,
        comment=body.reason,
        details={
            "location": body.location,
            "owner": body.owner,
            "reviewer": body.reviewer,
            "evidence": [{"name": each.name, "digest": each.digest} for each in body.evidence],
        },
    )


def _promotion(body: Promotion) -> Decided:
    retired = body.action == PromotionAction.RETIRE
    promoted = body.action == PromotionAction.PROMOTE
    return Decided(
        entity=_artifact(body.artifact),
        action_name={"promote": "promoted", "rollback": "rolled back"}.get(body.action, "retired"),
        activity=DISABLE if retired else ACTIVATE,
        severity=INFO if promoted else LOW,
        comment=body.reason,
        before=body.from_environment,
        after=body.to_environment,
        details={"action": str(body.action), "downstream": list(body.downstream)},
    )


def _containment(body: Containment) -> Decided:
    released = body.action == ContainmentAction.RELEASE
    names = {"freeze": "frozen", "hold": "held"}
    return Decided(
        entity=entity_of(body.subject),
        action_name=names.get(body.action, "released from containment"),
        activity=RESUME if released else SUSPEND,
        severity=MEDIUM if released else HIGH,
        disposition=RESTORED if released else (99, "Contained"),
        action=ALLOWED if released else DENIED,
        comment=body.reason,
        approved_by=body.approved_by,
        details={
            "action": str(body.action),
            "ordered_by": body.ordered_by,
            "approved_by": body.approved_by,
            "notified": list(body.notified),
            "ticket": body.ticket,
        },
    )


def _verdict(body: Verdict) -> Decided:
    allowed = body.decision == Decision.APPROVE
    return Decided(
        entity=entity_of(body.subject),
        action_name="passed by a gate" if allowed else "refused by a gate",
        activity=ENABLE if allowed else DISABLE,
        severity=INFO if allowed else MEDIUM,
        disposition=APPROVED if allowed else REJECTED,
        action=ALLOWED if allowed else DENIED,
        comment="; ".join(body.reasons) or None,
        policy=str(body.gate),
        details={"gate": str(body.gate), "policy_digest": body.policy_digest},
    )


def _incident(body: Incident) -> Decided:
    opened = body.state == IncidentState.OPENED
    return Decided(
        entity={"type_id": 99, "type": "incident", "name": body.incident_id},
        action_name="opened" if opened else "closed",
        activity=ACTIVATE if opened else DISABLE,
        severity=HIGH if opened else INFO,
        comment=body.cause,
        details={
            "failed_control": body.failed_control,
            "actions": list(body.actions),
            "subjects": [entity_of(each)["name"] for each in body.subjects],
        },
    )


def _key_change(body: KeyChange) -> Decided:
    gone = body.action in (KeyAction.REVOKED, KeyAction.EXPIRED)
    return Decided(
        entity={"type_id": 99, "type": "key", "uid": body.key_id, "name": body.key_id},
        action_name=str(body.action),
        activity=DISABLE if gone else ENABLE,
        severity=HIGH if body.action == KeyAction.REVOKED else LOW,
        comment=body.reason,
        details={"changed_by": body.changed_by, "keyring_version": body.keyring_version},
    )


def _erasure(body: Erasure) -> Decided:
    return Decided(
        entity={"type_id": 99, "type": "event", "uid": body.erased_event_id, "name": "event"},
        action_name="erased",
        activity=DELETE,
        severity=MEDIUM,
        comment=body.reason,
        details={"erased_by": body.erased_by, "leaf_sha256": body.leaf_sha256},
    )


def _ms(time_us: int | None) -> int | None:
    return None if time_us is None else time_us // 1000


KINDS: Mapping[str, Callable[[Any], Decided]] = {
    "override": _override,
    "approval": _approval,
    "quarantine": _quarantine,
    "promotion": _promotion,
    "containment": _containment,
    "verdict": _verdict,
    "incident": _incident,
    "key_change": _key_change,
    "erasure": _erasure,
}
"""Bodies that are forwarded, to what they say."""
