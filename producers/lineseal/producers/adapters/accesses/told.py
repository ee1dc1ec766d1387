"""What one record of an audit log says about access, whatever system wrote it.

A reader is a pure function from a record to ``Told``; None says that the record is about no access
worth keeping (a console page, a request that failed), which is no fault. Names are made fit by
``names.identifier``; a version of the other system's is never taken over, since only the name is
the same on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lineseal.producers.adapters.openlineage import names
from lineseal.producers.adapters.openlineage.document import Document
from lineseal.producers.adapters.openlineage.reading import Notes
from lineseal.schemas.errors import ConfigurationError, InvalidDocument
from lineseal.schemas.model import Access, Artifact, Kind, Subject
from lineseal.schemas.reference import parse_reference, split_name

MAX_ACCESSES = 64
"""Most accesses one record gives; a policy may name thousands of grantees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Say what a record means.

    Attributes:
        format: Which system's record it is, one word.
        record_id: The system's own id of the record, if it has one.
        event_time: When it happened, microseconds UTC.
        accesses: What was done; never empty.

    """

    format: str
    record_id: str | None
    event_time: int
    accesses: tuple[Access, ...]


Reader = Callable[[Document, Notes], Told | None]


def required(text: str | None, what: str, notes: Notes) -> str:
    """Return *text* as an identifier.

    Raises:
        InvalidDocument: There is none.

    """
    found = names.identifier(text, notes)
    if found is None:
        raise InvalidDocument(f"{what} is missing")
    return found


def dataset(namespace: str, name: str, notes: Notes, kind: Kind = Kind.DATASET) -> Subject:
    """Return the subject that is an artifact of any version."""
    artifact = Artifact(
        kind=kind,
        namespace=required(namespace, "the namespace", notes),
        name=required(name, "the name", notes),
    )
    return Subject(type="artifact", artifact=artifact)


def thing(kind: str, name: str, notes: Notes) -> Subject:
    """Return a subject that is no artifact, such as a policy or a key."""
    return Subject(type=kind, name=required(name, f"the name of the {kind}", notes))


@dataclass(frozen=True, slots=True)
class Renaming:
    """Say which names of the log are which data set of ours.

    Attributes:
        pattern: Pattern of ``namespace/name``, ``*`` is anything, slashes too.
        artifact: What fits it.

    """

    pattern: str
    artifact: Artifact


def parse_renaming(text: str) -> Renaming:
    """Read ``REF=PATTERN``.

    Raises:
        ConfigurationError: It is not written so, or the REF names one version.
        InvalidReference: The REF is none.

    """
    ref, separator, pattern = text.partition("=")
    if not separator or not pattern:
        raise ConfigurationError(
            f"{text!r} is not REF=PATTERN, such as dataset:lake/t='s3://b/t/*'"
        )
    parsed = parse_reference(ref)
    if parsed.version is not None or parsed.digest_prefix is not None:
        raise ConfigurationError(f"{ref!r} names one version; an audit log does not know which")
    namespace, name = split_name(parsed.path)
    return Renaming(pattern, Artifact(kind=parsed.kind, namespace=namespace, name=name))


def renamed(told: Told, renamings: Sequence[Renaming]) -> Told:
    """Return what was told under our names; the first pattern that fits counts."""
    if not renamings:
        return told
    accesses = tuple(
        replace(access, resource=_renamed(access.resource, renamings)) for access in told.accesses
    )
    # A hundred parts of one data set, deleted by one request, are one access to it.
    return replace(told, accesses=tuple(dict.fromkeys(accesses)))


def _renamed(subject: Subject, renamings: Sequence[Renaming]) -> Subject:
    artifact = subject.artifact
    if artifact is None:
        return subject
    for renaming in renamings:
        if names.fits(artifact.namespace, artifact.name, (renaming.pattern,)):
            return Subject(type="artifact", artifact=renaming.artifact)
    return subject
