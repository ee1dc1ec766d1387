"""Records that several bodies share."""

from __future__ import annotations

from dataclasses import dataclass

from lineseal.schemas.model._types import ActorKind, Digest, Identifier, Kind, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Name one artifact: a data set, label set, model, code, image and so on.

    ``namespace`` and ``name`` follow OpenLineage's dataset naming. Without ``version`` and
    ``digest`` the artifact is resolved by time (ADR-0004).
    """

    kind: Kind
    namespace: Identifier
    name: Identifier
    version: Version | None = None
    digest: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactUse:
    """Say that a run read or wrote an artifact, and how much of it.

    ``reported_digest`` is what another system claims (MLflow, DVC): shown, never evidence.
    ``location`` is text for people; nothing ever opens it.
    """

    artifact: Artifact
    rows: int | None = None
    size_bytes: int | None = None
    role: Identifier | None = None
    reported_digest: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Point at what a decision is about: an artifact, or a named thing that is none.

    ``type`` is one of artifact, source, stage, producer, supplier, feedback_channel, job,
    policy, key, alert; ``name`` is required for all but artifact.
    """

    type: Identifier
    name: Identifier | None = None
    artifact: Artifact | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Name who acted. A human counts as verified only under that person's own key."""

    kind: ActorKind
    id: Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Name a job as OpenLineage does."""

    namespace: Identifier
    name: Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Name the machine and the identity a process ran under, to join infrastructure logs."""

    host: Identifier
    identity: Identifier | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One entry of a map: maps are arrays of key and value on the wire (DESIGN 4.2)."""

    key: Identifier
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One finite number with a name."""

    name: Identifier
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many of one label, region or source there are."""

    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Point at something a decision rests on, by name and, where known, by digest."""

    name: str
    digest: Digest | None = None
