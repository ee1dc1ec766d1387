"""Records what was done about an incident, and the life of keys and records."""

from __future__ import annotations

from collections.abc import Iterable

from lineseal.producers.artifacts import SubjectLike
from lineseal.producers.bodies.recorder import Recorder, Texts
from lineseal.schemas.model import Containment, Erasure, Incident, KeyChange


class ResponseMethods(Recorder):
    """Record containment orders, incidents, key changes and erasures."""

    def contain(
        self,
        subject: SubjectLike,
        *,
        reason: str,
        action: str = "freeze",
        ordered_by: str | None = None,
        approved_by: str | None = None,
        notified: Texts | None = None,
        ticket: str | None = None,
    ) -> str | None:
        """Record an order to freeze, release or hold something.

        Args:
            subject: An artifact, source, stage, producer or feedback channel.
            reason: Why.
            action: freeze, release or hold.
            ordered_by: Who ordered it; the emitter's own actor by default.
            approved_by: Who agreed.
            notified: Who was told.
            ticket: Where it is being worked on.

        """
        values = {
            "subject": subject,
            "action": action,
            "reason": reason,
            "ordered_by": ordered_by if ordered_by is not None else self.actor_id,
            "approved_by": approved_by,
            "notified": notified,
            "ticket": ticket,
        }
        return self.record(Containment, values)

    def record_incident(
        self,
        incident_id: str,
        *,
        state: str = "opened",
        subjects: SubjectLike | Iterable[SubjectLike] | None = None,
        cause: str | None = None,
        failed_control: str | None = None,
        actions: Texts | None = None,
    ) -> str | None:
        """Record that an incident was opened or closed, with what is known."""
        values = {
            "incident_id": incident_id,
            "state": state,
            "subjects": subjects,
            "cause": cause,
            "failed_control": failed_control,
            "actions": actions,
        }
        return self.record(Incident, values)

    def record_key_change(
        self,
        key_id: str,
        *,
        action: str,
        reason: str,
        changed_by: str | None = None,
        keyring_version: int | None = None,
    ) -> str | None:
        """Record that a key was enrolled, rotated, revoked or expired; by whom, why."""
        values = {
            "key_id": key_id,
            "action": action,
            "changed_by": changed_by if changed_by is not None else self.actor_id,
            "reason": reason,
            "keyring_version": keyring_version,
        }
        return self.record(KeyChange, values)

    def record_erasure(
        self,
        erased_event_id: str,
        *,
        leaf_sha256: str,
        reason: str,
        erased_by: str | None = None,
    ) -> str | None:
        """Record that an event's content was erased while its leaf hash stays."""
        values = {
            "erased_event_id": erased_event_id,
            "leaf_sha256": leaf_sha256,
            "erased_by": erased_by if erased_by is not None else self.actor_id,
            "reason": reason,
        }
        return self.record(Erasure, values)
