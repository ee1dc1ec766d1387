"""Records what was checked and decided before a model went out."""

from __future__ import annotations

from collections.abc import Iterable

from lineseal.producers.artifacts import ArtifactLike, SubjectLike
from lineseal.producers.bodies.recorder import (
    EvidenceLike,
    Fields,
    Metrics,
    Moment,
    Recorder,
    Texts,
)
from lineseal.schemas.model import (
    Approval,
    Evaluation,
    Promotion,
    Quarantine,
    Slice,
    Validation,
    Verdict,
)


class AssuranceMethods(Recorder):
    """Record checks, evaluations, quarantine, approvals, promotions and gate verdicts."""

    def validate(
        self,
        artifact: ArtifactLike,
        *,
        tool: str,
        name: str,
        outcome: str = "pass",
        rows_checked: int | None = None,
        rows_rejected: int | None = None,
        metrics: Metrics | None = None,
        tool_version: str | None = None,
        config_digest: str | None = None,
        suspects: EvidenceLike | None = None,
        reviewed_by: str | None = None,
    ) -> str | None:
        """Record the outcome of a check on an artifact.

        Args:
            artifact: What was checked.
            tool: The tool that checked.
            name: The check's name in that tool.
            outcome: pass, warn, fail or error.
            rows_checked: How many rows were looked at.
            rows_rejected: How many of them failed.
            metrics: Numbers of the check, by name.
            tool_version: The tool's version.
            config_digest: Digest of its configuration.
            suspects: Where the suspicious rows are listed.
            reviewed_by: Who looked at the outcome.

        """
        check = {
            "tool": tool,
            "name": name,
            "version": tool_version,
            "config_digest": config_digest,
        }
        values = {
            "artifact": artifact,
            "check": check,
            "outcome": outcome,
            "rows_checked": rows_checked,
            "rows_rejected": rows_rejected,
            "metrics": metrics,
            "suspects": suspects,
            "reviewed_by": reviewed_by,
        }
        return self.record(Validation, values)

    def evaluate(
        self,
        model: ArtifactLike,
        *,
        suite: str,
        kind: str = "holdout",
        outcome: str = "pass",
        metrics: Metrics | None = None,
        slices: Fields | Iterable[Slice] | None = None,
        phase: str = "release",
        baseline: ArtifactLike | None = None,
        suite_digest: str | None = None,
    ) -> str | None:
        """Record how a model did on a suite.

        Args:
            model: The model.
            suite: The suite's name.
            kind: holdout, challenge, canary, behavioural, trigger_probe or memorisation.
            outcome: pass, warn, fail or error.
            metrics: Numbers over the whole suite, by name.
            slices: Numbers per slice: ``{"class 3": {"n": 40, "recall": 0.9}}``.
            phase: release or production.
            baseline: The model it was compared with.
            suite_digest: Digest of the suite's data.

        """
        values = {
            "model": model,
            "suite": {"name": suite, "kind": kind, "digest": suite_digest},
            "phase": phase,
            "outcome": outcome,
            "baseline": baseline,
            "metrics": metrics,
            "slices": slices,
        }
        return self.record(Evaluation, values)

    def quarantine(
        self,
        artifact: ArtifactLike,
        *,
        reason: str,
        action: str = "placed",
        location: str | None = None,
        owner: str | None = None,
        reviewer: str | None = None,
        evidence: EvidenceLike | Iterable[EvidenceLike] | None = None,
    ) -> str | None:
        """Record that an artifact was put into quarantine, or taken out (``"released"``)."""
        values = {
            "artifact": artifact,
            "action": action,
            "reason": reason,
            "location": location,
            "owner": owner,
            "reviewer": reviewer,
            "evidence": evidence,
        }
        return self.record(Quarantine, values)

    def approve(
        self,
        subject: SubjectLike,
        *,
        gate: str,
        decision: str = "approve",
        approver: str | None = None,
        reason: str | None = None,
        requested_by: str | None = None,
        evidence: EvidenceLike | Iterable[EvidenceLike] | None = None,
        mode: str = "explicit",
        expires_at: Moment | None = None,
    ) -> str | None:
        """Record a decision at a gate; it counts as verified only from a person's own emitter.

        Args:
            subject: What was decided about.
            gate: source, dataset, training, promotion or rollback.
            decision: approve or reject.
            approver: Who decided; the emitter's own actor by default.
            reason: Why.
            requested_by: Who asked.
            evidence: What the decision rests on.
            mode: explicit, default or timeout; only explicit counts at a gate.
            expires_at: Until when it holds, that moment excluded.

        """
        values = {
            "subject": subject,
            "gate": gate,
            "decision": decision,
            "approver": approver if approver is not None else self.actor_id,
            "mode": mode,
            "requested_by": requested_by,
            "reason": reason,
            "evidence": evidence,
            "expires_at": expires_at,
        }
        return self.record(Approval, values)

    def promote(
        self,
        artifact: ArtifactLike,
        *,
        to_environment: str | None = None,
        from_environment: str | None = None,
        action: str = "promote",
        downstream: Texts | None = None,
        reason: str | None = None,
    ) -> str | None:
        """Record that an artifact moved: ``action`` is promote, rollback or retire.

        ``downstream`` names who uses it where it arrived.
        """
        values = {
            "artifact": artifact,
            "action": action,
            "from_environment": from_environment,
            "to_environment": to_environment,
            "downstream": downstream,
            "reason": reason,
        }
        return self.record(Promotion, values)

    def record_verdict(
        self,
        subject: SubjectLike,
        *,
        gate: str,
        decision: str,
        policy_digest: str | None = None,
        reasons: Texts | None = None,
    ) -> str | None:
        """Record what an automatic gate decided (approve or reject), and under which policy."""
        values = {
            "gate": gate,
            "subject": subject,
            "decision": decision,
            "policy_digest": policy_digest,
            "reasons": reasons,
        }
        return self.record(Verdict, values)
