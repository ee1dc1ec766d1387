"""Names what a job reads and writes, in one line of the job's code.

``dataset("lake", "transactions", path="data/transactions.parquet")`` only names: nothing is
read, checked or hashed until a run or an emitter takes it, so that a mistake in a name can never
raise inside the job.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

from lineseal.producers.capture.digest import digest_path
from lineseal.schemas.model import Artifact, ArtifactUse, Kind, Subject
from lineseal.schemas.reference import parse_reference, to_artifact

FilePath: TypeAlias = str | os.PathLike[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactSpec:
    """Hold how a job names an artifact; ``target`` is an artifact or a REF not parsed yet.

    ``path`` is the file or folder to hash, ``rows`` how many rows of it were used, ``role`` what
    for (training, holdout), ``reported_digest`` what another system claims its digest is.
    """

    target: Artifact | str
    path: Path | None = None
    rows: int | None = None
    role: str | None = None
    reported_digest: str | None = None


ArtifactLike: TypeAlias = str | Artifact | ArtifactUse | ArtifactSpec
"""An artifact as callers may give it; a string is a REF."""

SubjectLike: TypeAlias = str | Subject | Artifact | ArtifactUse | ArtifactSpec
"""A subject as callers may give it; a string is a REF or ``type:name``."""


@dataclass(frozen=True, slots=True)
class ArtifactMaker:
    """Make specs of one kind: ``dataset(namespace, name, ...)``, ``model(...)`` and so on."""

    kind: Kind

    def __call__(
        self,
        namespace: str,
        name: str,
        *,
        version: str | int | None = None,
        digest: str | None = None,
        path: FilePath | None = None,
        rows: int | None = None,
        role: str | None = None,
        reported_digest: str | None = None,
    ) -> ArtifactSpec:
        """Name an artifact of this kind.

        Args:
            namespace: Where it lives, as OpenLineage names it ("lake", "s3://bucket").
            name: Its name there.
            version: Its version; without version and digest it is resolved by time.
            digest: ``sha256:`` and 64 hex characters, when it is known already.
            path: A file or folder to hash when the artifact is read or written.
            rows: How many rows were used.
            role: What it was used for, such as ``training`` or ``holdout``.
            reported_digest: What another system says its digest is: shown, never evidence.

        """
        target = Artifact(
            kind=self.kind,
            namespace=namespace,
            name=name,
            version=None if version is None else str(version),
            digest=digest,
        )
        return _spec(target, path, rows, role, reported_digest)


dataset: Final = ArtifactMaker(Kind.DATASET)
label_set: Final = ArtifactMaker(Kind.LABEL_SET)
feature_set: Final = ArtifactMaker(Kind.FEATURE_SET)
embedding_set: Final = ArtifactMaker(Kind.EMBEDDING_SET)
preference_set: Final = ArtifactMaker(Kind.PREFERENCE_SET)
model: Final = ArtifactMaker(Kind.MODEL)
checkpoint: Final = ArtifactMaker(Kind.CHECKPOINT)
model_update: Final = ArtifactMaker(Kind.MODEL_UPDATE)
code: Final = ArtifactMaker(Kind.CODE)
image: Final = ArtifactMaker(Kind.IMAGE)
config: Final = ArtifactMaker(Kind.CONFIG)
report: Final = ArtifactMaker(Kind.REPORT)


def artifact(
    reference: str,
    *,
    path: FilePath | None = None,
    rows: int | None = None,
    role: str | None = None,
    reported_digest: str | None = None,
) -> ArtifactSpec:
    """Name an artifact by its REF, ``kind:[namespace/]name[@version|@sha256:HEX]``.

    The REF is parsed when a run or an emitter takes the spec. The other arguments are those of
    ``dataset``.
    """
    return _spec(reference, path, rows, role, reported_digest)


def use_without_hashing(value: ArtifactLike) -> ArtifactUse:
    """Turn what a caller gave into an ``ArtifactUse``; a path is recorded but not read.

    Raises:
        InvalidReference: A string is not a REF that a producer can record.

    """
    if isinstance(value, ArtifactUse):
        return value
    if isinstance(value, Artifact):
        return ArtifactUse(artifact=value)
    if isinstance(value, str):
        return ArtifactUse(artifact=to_artifact(parse_reference(value)))
    target = value.target
    return ArtifactUse(
        artifact=to_artifact(parse_reference(target)) if isinstance(target, str) else target,
        rows=value.rows,
        role=value.role,
        reported_digest=value.reported_digest,
        location=None if value.path is None else _text(value.path),
    )


def measured_use(
    value: ArtifactLike, on_unreadable: Callable[[Path, Exception], None]
) -> ArtifactUse:
    """Turn what a caller gave into an ``ArtifactUse`` with digest and size of its path.

    A digest the caller gave is not replaced; what was measured then goes unused.

    Args:
        value: The artifact; only a spec can have a path.
        on_unreadable: Called when the path cannot be hashed; when it returns, the artifact is
            recorded without a digest.

    Raises:
        InvalidReference: A string is not a REF that a producer can record.

    """
    use = use_without_hashing(value)
    path = value.path if isinstance(value, ArtifactSpec) else None
    if path is None:
        return use
    try:
        measured = digest_path(path)
    except Exception as error:  # noqa: BLE001 - whatever reading a file can raise
        on_unreadable(path, error)
        return use
    digest = use.artifact.digest or measured.digest
    return replace(
        use, artifact=replace(use.artifact, digest=digest), size_bytes=measured.size_bytes
    )


def _spec(
    target: Artifact | str,
    path: FilePath | None,
    rows: int | None,
    role: str | None,
    reported_digest: str | None,
) -> ArtifactSpec:
    return ArtifactSpec(
        target=target,
        path=None if path is None else Path(path),
        rows=rows,
        role=role,
        reported_digest=reported_digest,
    )


def _text(path: Path) -> str:
    """Return the path as valid UTF-8: undecodable bytes of a file name become U+FFFD."""
    return os.fsencode(path).decode("utf-8", "replace")
