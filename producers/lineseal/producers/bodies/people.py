"""Records what people did: overrides, labels, feedback, access."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lineseal.producers.artifacts import ArtifactLike, SubjectLike
from lineseal.producers.bodies.recorder import Counts, EvidenceLike, Fields, Moment, Recorder
from lineseal.schemas.model import (
    Access,
    Agreement,
    Feedback,
    Flip,
    LabelReview,
    Override,
    Submitter,
)


class PeopleMethods(Recorder):
    """Record overrides, label reviews, feedback windows and accesses."""

    def override(
        self,
        target: SubjectLike,
        *,
        before: str | float,
        after: str | float,
        reason: str,
        made_by: str | None = None,
        approved_by: str | None = None,
        items_affected: int | None = None,
        expires_at: Moment | None = None,
    ) -> str | None:
        """Record that a human changed what the pipeline would have done: who, what, why.

        Args:
            target: What was overridden.
            before: What the pipeline said.
            after: What the person made of it.
            reason: Why.
            made_by: Who did; the emitter's own actor by default.
            approved_by: Who agreed.
            items_affected: How many rows, labels or decisions it changed.
            expires_at: Until when it holds, that moment excluded.

        """
        values = {
            "target": target,
            "before": before,
            "after": after,
            "made_by": made_by if made_by is not None else self.actor_id,
            "reason": reason,
            "approved_by": approved_by,
            "items_affected": items_affected,
            "expires_at": expires_at,
        }
        return self.record(Override, values)

    def review_labels(
        self,
        label_set: ArtifactLike,
        *,
        method: str = "human",
        annotator: str | None = None,
        vendor: str | None = None,
        items: int | None = None,
        flips: Iterable[Flip | Fields | str] | None = None,
        agreement: Agreement | Fields | None = None,
        latency_seconds: float | None = None,
        delay_seconds: float | None = None,
        unconfirmed_share: float | None = None,
        items_reference: EvidenceLike | None = None,
    ) -> str | None:
        """Record a review of labels.

        Args:
            label_set: The labels.
            method: human or inferred.
            annotator: Who labelled.
            vendor: Whom they work for.
            items: How many items were reviewed.
            flips: What changed, each as ``Flip``, its fields, or ``FROM=TO=COUNT``.
            agreement: The fields of ``Agreement``: metric, value, n.
            latency_seconds: Time one item took.
            delay_seconds: Time between the event and its label.
            unconfirmed_share: Share of inferred labels that nobody confirmed, 0 to 1.
            items_reference: Where the items are listed.

        """
        values = {
            "label_set": label_set,
            "method": method,
            "annotator": annotator,
            "vendor": vendor,
            "items": items,
            "flips": flips,
            "agreement": agreement,
            "latency_seconds": latency_seconds,
            "delay_seconds": delay_seconds,
            "unconfirmed_share": unconfirmed_share,
            "items_reference": items_reference,
        }
        return self.record(LabelReview, values)

    def record_feedback(
        self,
        channel: str,
        artifact: ArtifactLike,
        *,
        submissions: int,
        submitters: int | None = None,
        top_submitters: Mapping[str, float] | Iterable[Submitter] | None = None,
        new_account_share: float | None = None,
        repeat_share: float | None = None,
        regions: Counts | None = None,
        throttled: int | None = None,
        sampled: int | None = None,
        reviewed_by: str | None = None,
        label_counts: Counts | None = None,
    ) -> str | None:
        """Record a window of user feedback and who it came from, by pseudonym.

        Args:
            channel: The feedback channel.
            artifact: What the feedback feeds.
            submissions: How many there were.
            submitters: How many different people sent them.
            top_submitters: Share (0 to 1) of the busiest, by keyed pseudonym.
            new_account_share: Share that came from new accounts.
            repeat_share: Share that repeats an earlier submission.
            regions: How many came from where.
            throttled: How many were held back.
            sampled: How many a person looked at.
            reviewed_by: That person.
            label_counts: How many of each label.

        """
        values = {
            "channel": channel,
            "artifact": artifact,
            "submissions": submissions,
            "submitters": submitters,
            "top_submitters": top_submitters,
            "new_account_share": new_account_share,
            "repeat_share": repeat_share,
            "regions": regions,
            "throttled": throttled,
            "sampled": sampled,
            "reviewed_by": reviewed_by,
            "label_counts": label_counts,
        }
        return self.record(Feedback, values)

    def record_access(
        self,
        principal: str,
        action: str,
        resource: SubjectLike,
        *,
        outcome: str = "allowed",
        granted_to: str | None = None,
        reason: str | None = None,
    ) -> str | None:
        """Record that a principal used a resource or was given access to it.

        Args:
            principal: Who acted.
            action: read, write, grant, revoke or create.
            resource: On what.
            outcome: allowed or denied.
            granted_to: Whom access was given to or taken from.
            reason: Why.

        """
        values = {
            "principal": principal,
            "action": action,
            "resource": resource,
            "outcome": outcome,
            "granted_to": granted_to,
            "reason": reason,
        }
        return self.record(Access, values)
