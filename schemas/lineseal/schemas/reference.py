"""Parses REF, the way a person names an artifact version (DESIGN 8).

``kind:[namespace/]name[@version|@sha256:HEX]``. The text is split at the *last* ``@``, so names
may hold one. A digest may be cut short, as git allows; which version it means is for the store
to say. Where the namespace ends is ambiguous in text alone: a query looks every reading up
(ADR-0006), a producer uses ``split_name``.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from lineseal.schemas.errors import BadIdentifier, InvalidReference
from lineseal.schemas.guard import check_identifier
from lineseal.schemas.model import Artifact, Kind

DEFAULT_NAMESPACE = "default"
_DIGEST_PREFIX = re.compile(r"sha256:[0-9a-f]{4,64}")
_FULL_DIGEST = 71


@dataclass(frozen=True, slots=True)
class Reference:
    """Hold the parts of a REF.

    ``path`` is ``[namespace/]name``; at most one of ``version`` and ``digest_prefix`` is set.
    ``digest_prefix`` is ``sha256:`` and 4 to 64 hex characters.
    """

    kind: Kind
    path: str
    version: str | None = None
    digest_prefix: str | None = None


def parse_reference(text: str) -> Reference:
    """Parse a REF.

    Raises:
        InvalidReference: It is not ``kind:[namespace/]name[@version|@sha256:HEX]``; the
            message says which part is wrong.

    """
    prefix, colon, rest = text.partition(":")
    if not colon or prefix not in Kind._value2member_map_:
        kinds = ", ".join(Kind)
        close = difflib.get_close_matches(prefix, list(Kind), 1) if colon else []
        near = f"did you mean {close[0]}:{rest}? " if close else ""
        raise InvalidReference(
            f"{text!r} is no REF: it starts with a kind and a colon; {near}kinds are: {kinds}"
        )
    path, at, tail = rest.rpartition("@")
    if not at:
        path, tail = rest, ""
    elif not tail:
        raise InvalidReference(
            f"nothing follows the last '@' of {text!r}; give a version or a digest"
        )
    try:
        check_identifier(path, "the name in a REF")
        if tail:
            check_identifier(tail, "the version in a REF")
    except BadIdentifier as error:
        raise InvalidReference(f"{text!r} is no REF: {error}") from error
    if tail.startswith("sha256:"):
        if not _DIGEST_PREFIX.fullmatch(tail):
            raise InvalidReference(
                f"{text!r} is no REF: a digest is 'sha256:' and 4 to 64 lower-case hex characters"
            )
        return Reference(Kind(prefix), path, None, tail)
    return Reference(Kind(prefix), path, tail or None, None)


def split_name(path: str) -> tuple[str, str]:
    """Split ``[namespace/]name`` as a producer means it.

    ``scheme://authority/name`` ends its namespace after the authority; otherwise the first
    slash ends it; without a slash the namespace is ``default``.
    """
    start = path.find("://")
    slash = path.find("/", start + 3 if start > 0 else 0)
    if slash <= 0 or slash == len(path) - 1:
        return DEFAULT_NAMESPACE, path
    return path[:slash], path[slash + 1 :]


def to_artifact(reference: Reference) -> Artifact:
    """Turn a REF into the artifact a producer records.

    Raises:
        InvalidReference: The digest is cut short: a record needs all 64 characters.

    """
    if reference.digest_prefix is not None and len(reference.digest_prefix) != _FULL_DIGEST:
        raise InvalidReference("recording needs the whole digest: 'sha256:' and 64 hex characters")
    namespace, name = split_name(reference.path)
    return Artifact(
        kind=reference.kind,
        namespace=namespace,
        name=name,
        version=reference.version,
        digest=reference.digest_prefix,
    )


def format_reference(
    kind: str, namespace: str, name: str, version: str | None, digest: str | None
) -> str:
    """Format an artifact version as a REF that a person can paste back."""
    tail = version or digest
    return f"{kind}:{namespace}/{name}" + (f"@{tail}" if tail else "")
