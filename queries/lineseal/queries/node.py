"""What is one artifact version? Its identity, and a name for it that can be pasted back."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lineseal.schemas.reference import format_reference

UNKNOWN_VERSION = "unknown"
RUN_PREFIX = "run:"

_NUMBER = re.compile(r"(\d+)")

NaturalKey = tuple[str, ...]


@dataclass(frozen=True)
class Node:
    """Hold one artifact version as the store identifies it (ADR-0004).

    ``id`` is a surrogate of this store: it is for joining and is never shown or compared.
    ``producer`` and ``run_id`` are set only where the run that wrote it is its identity.
    ``appeared_at`` is the earliest event time that names it, naive UTC.
    """

    id: int
    kind: str
    namespace: str
    name: str
    version: str | None
    digest: str | None
    producer: str | None
    run_id: str | None
    conflict: bool
    appeared_at: dt.datetime

    @cached_property
    def reference(self) -> str:
        """Return the REF that means this version and no other.

        Beyond ``@version`` and ``@sha256:…``: ``@version@sha256:…`` where a version has several
        digests, ``@run:PRODUCER/RUN`` where only the run names it, ``@unknown`` where nothing
        does.
        """
        tail = self.version or self.digest
        if tail is None:
            tail = UNKNOWN_VERSION
            if self.run_id is not None:
                tail = f"{RUN_PREFIX}{self.producer}/{self.run_id}"
        elif self.conflict and self.version and self.digest:
            tail = f"{self.version}@{self.digest}"
        return format_reference(self.kind, self.namespace, self.name, tail, None)

    @property
    def key(self) -> NaturalKey:
        """Return what orders versions the same way in every store; absent comes first."""
        return (
            self.kind,
            self.namespace,
            self.name,
            # Before each that is present, so that absent and empty differ.
            "" if self.version is None else f"\0{self.version}",
            "" if self.digest is None else f"\0{self.digest}",
            "" if self.producer is None else f"\0{self.producer}",
            "" if self.run_id is None else f"\0{self.run_id}",
        )

    def to_row(self) -> dict[str, Any]:
        """Return the columns by which a row of an answer names this version."""
        return {
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
            "version": self.version,
            "digest": self.digest,
        }


def by_number(text: str) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts text the way people do: 9 before 10."""
    return tuple(
        (int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBER.split(text)
    )
