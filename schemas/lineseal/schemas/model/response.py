"""What was done about an incident, and the life of keys and records."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lineseal.schemas.model._types import Identifier
from lineseal.schemas.model.common import Subject


class ContainmentAction(StrEnum):
    """What was ordered."""

    FREEZE = "freeze"
    RELEASE = "release"
    HOLD = "hold"


class IncidentState(StrEnum):
    """Whether the incident is open."""

    OPENED = "opened"
    CLOSED = "closed"


class KeyAction(StrEnum):
    """What happened to a key."""

    ENROLLED = "enrolled"
    ROTATED = "rotated"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Containment:
    """Record an order to freeze, release or hold something."""

    subject: Subject
    action: ContainmentAction
    reason: str
    ordered_by: Identifier
    approved_by: Identifier | None = None
    notified: tuple[str, ...] = ()
    ticket: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Record that an incident was opened or closed, with what is known."""

    incident_id: Identifier
    state: IncidentState
    subjects: tuple[Subject, ...] = ()
    cause: str | None = None
    failed_control: str | None = None
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """Record a change to a key: what, by whom, why."""

    key_id: Identifier
    action: KeyAction
    changed_by: Identifier
    reason: str
    keyring_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Record that an event's content was erased while its leaf hash stays."""

    erased_event_id: Identifier
    leaf_sha256: Identifier
    erased_by: Identifier
    reason: str
