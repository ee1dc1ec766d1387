"""What may be poisoned? The versions a question starts from, and how sure it is that they count.

A version is a suspect because a REF names it, or because it came from a source or a supplier, or
because a key, a producer, a person or a stage registered it, wrote it, changed it or let it
through. The second is a claim of some event, and may be a weak one (ADR-0024).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lineseal.queries.completeness import Defect, Vertex
from lineseal.queries.node import Node

ORIGINS = ("feedback_channel", "source", "supplier")
"""What things come from or through, as registrations and feedback say."""
ACTORS = ("key", "person", "producer", "stage")
"""Who does things."""
TYPES = tuple(sorted((*ORIGINS, *ACTORS)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspects:
    """Hold where a question about impact starts.

    Attributes:
        subject: What was asked about, as people write it.
        nodes: The versions, at least one.
        doubts: Why a version may not count after all; those without doubts count for certain.
        since: When the first of them may have been there, naive UTC; None: at any time.
        origin: Whether they are suspects by what registrations say of where things come from.

    """

    subject: str
    nodes: Sequence[Node]
    doubts: Mapping[Vertex, set[Defect]] = field(default_factory=dict[Vertex, set[Defect]])
    since: dt.datetime | None = None
    origin: bool = False

    @property
    def starts(self) -> list[int]:
        """Return the ids of all of them."""
        return [node.id for node in self.nodes]

    @property
    def certain(self) -> list[int]:
        """Return the ids of those that count for certain."""
        return [node.id for node in self.nodes if node.id not in self.doubts]

    @property
    def references(self) -> list[str]:
        """Return the names of all of them, sorted."""
        return sorted(node.reference for node in self.nodes)


def of_nodes(subject: str, nodes: Sequence[Node]) -> Suspects:
    """Make suspects of versions that a REF names."""
    return Suspects(subject=subject, nodes=nodes, since=min(node.appeared_at for node in nodes))
