"""Lets a run read what is not contained, or what somebody answers for; records every other try."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lineseal.producers.artifacts import ArtifactLike, use_without_hashing
from lineseal.producers.containment import WARN, Reader, sentence
from lineseal.schemas import model
from lineseal.schemas.errors import Contained, InvalidEvent
from lineseal.signing.containment import Contained as Order
from lineseal.transport.embedded.voice import LOGGER

if TYPE_CHECKING:
    from lineseal.producers.run import Run


class Admission:
    """Decides about one call of ``run.reads``: each artifact once, with one record."""

    def __init__(self, run: Run, reason: str | None, approver: str | None) -> None:
        """Check for *run*; an override needs both a *reason* and an *approver*."""
        self._run = run
        self._reason = reason
        self._approver = approver
        self._dealt_with: set[tuple[str, ...]] = set()
        if (reason is None) is not (approver is None):
            run.emitter.refuse(InvalidEvent("an override names a reason and who approved it"))

    def check(self, artifacts: Iterable[model.Artifact], *, measured: bool) -> None:
        """Let pass what is not contained, or what was overridden.

        Raises:
            Contained: Something must not be read.

        """
        run = self._run
        containment = run.emitter.containment
        if containment is None:
            return
        reader = Reader(stage=run.stage, producer=run.emitter.producer or "")
        found = [
            (artifact, order)
            for artifact, order in containment.find(artifacts, reader, measured=measured)
            if _key(artifact, order) not in self._dealt_with
        ]
        refused = [pair for pair in found if not self._let_pass(*pair, containment.action)]
        if refused:
            raise Contained("; ".join(sentence(*pair) for pair in refused))

    def _let_pass(self, artifact: model.Artifact, order: Order, action: str) -> bool:
        text = sentence(artifact, order)
        if self._reason is not None and self._approver is not None:
            self._dealt_with.add(_key(artifact, order))
            self._run.emitter.override(
                artifact,
                before=order.action,
                after="read",
                reason=self._reason,
                approved_by=self._approver,
            )
            return True
        warned = action == WARN
        if warned:
            self._dealt_with.add(_key(artifact, order))
            LOGGER.warning("%s; it is read all the same ([emitter] on_contained)", text)
        self._run.emitter.record_access(
            principal=self._run.emitter.actor_id or "",
            action="read",
            resource=artifact,
            outcome="allowed" if warned else "denied",
            reason=text,
        )
        return warned


def _key(artifact: model.Artifact, order: Order) -> tuple[str, ...]:
    """Return what is the same before and after hashing."""
    version = artifact.version or ""
    return artifact.kind, artifact.namespace, artifact.name, version, order.event_id


def named(artifacts: Iterable[ArtifactLike]) -> list[model.Artifact]:
    """Return what artifacts are called, without hashing; wrong ones are left to ``measure``."""
    found: list[model.Artifact] = []
    for value in artifacts:
        try:
            found.append(use_without_hashing(value).artifact)
        except Exception:  # noqa: BLE001, S112 - callers may pass anything
            continue
    return found
