"""What a job did: one run of one stage."""

from __future__ import annotations

from dataclasses import dataclass

from lineseal.schemas.model._types import Digest, Identifier, RunState
from lineseal.schemas.model.common import ArtifactUse, Metric, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Name the code that ran: repository, commit, and whether the tree had other changes."""

    repository: str | None = None
    commit: Identifier | None = None
    dirty: bool | None = None
    entry_point: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Name what the code ran in."""

    image_digest: Digest | None = None
    lockfile_digest: Digest | None = None
    python: str | None = None
    platform: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentRun:
    """Name the run that started this one."""

    run_id: Identifier
    job_namespace: Identifier | None = None
    job_name: Identifier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    """Record a state of a run with what it read and wrote.

    ``part`` numbers the events of one state when a run needs several (from 0).
    """

    state: RunState
    inputs: tuple[ArtifactUse, ...] = ()
    outputs: tuple[ArtifactUse, ...] = ()
    parameters: tuple[Pair, ...] = ()
    metrics: tuple[Metric, ...] = ()
    code: Code | None = None
    environment: Environment | None = None
    trigger: str | None = None
    parent: ParentRun | None = None
    part: int | None = None
    message: str | None = None
