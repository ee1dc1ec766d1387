"""Which edges are there at one commit? Parts that are never changed, the newest last.

A commit adds a part: the edges it added, and which older ones it closed. Small parts are merged
into larger ones as the segments of the sorted copies are, so there are never many. A graph is a
tuple of parts: a question that runs keeps its own while others see newer ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lineseal.queries.relation import (
    DIRECTION,
    FROM_RUN,
    INPUT,
    OUTPUT,
    Edges,
    Relation,
    joined,
)

Codes = npt.NDArray[np.int64]
_CROWDED = 64
"""The bit of ``too_many_candidates`` (ddl/0003)."""
_GROWTH = 4
"""How much larger an older part is at least."""


class Part:
    """Holds what some commits did: edges added, and edges of older parts closed."""

    def __init__(self, added: dict[str, Edges], closed: dict[str, Codes]) -> None:
        """Sort *added* both ways; both are by direction."""
        self.closed = closed
        self.crowded = any(bool((edges.bits >= _CROWDED).any()) for edges in added.values())
        self.relations = {
            name: Relation(added[direction], by_run=name in FROM_RUN)
            for name, direction in DIRECTION.items()
        }

    @property
    def size(self) -> int:
        """Return how many edges it added and closed."""
        added = len(self.relations["writers"]) + len(self.relations["readers"])
        return added + sum(len(codes) for codes in self.closed.values())

    @property
    def nbytes(self) -> int:
        """Return the bytes its arrays take."""
        arrays = sum(relation.nbytes for relation in self.relations.values())
        return arrays + sum(codes.nbytes for codes in self.closed.values())

    def edges(self, direction: str) -> Edges:
        """Return the edges of one direction."""
        return self.relations["writers" if direction == OUTPUT else "readers"].all()


def merged(older: Part, newer: Part, *, oldest: bool) -> Part:
    """Put two neighbours together; nothing lies before the *oldest*, so it closes nothing."""
    nothing = np.empty(0, np.int64)
    return Part(
        {
            direction: joined(
                [
                    older.edges(direction).without(newer.closed[direction]),
                    newer.edges(direction),
                ]
            )
            for direction in (INPUT, OUTPUT)
        },
        {
            direction: nothing
            if oldest
            else np.union1d(older.closed[direction], newer.closed[direction])
            for direction in (INPUT, OUTPUT)
        },
    )


@dataclass(frozen=True, slots=True)
class PartedGraph:
    """Holds the parts of one commit; implements ``lineseal.queries.held.HeldGraph``."""

    parts: tuple[Part, ...]

    @property
    def crowded(self) -> bool:
        """Tell whether any edge may have ``too_many_candidates``."""
        return any(part.crowded for part in self.parts)

    @property
    def nbytes(self) -> int:
        """Return the bytes of all arrays."""
        return sum(part.nbytes for part in self.parts)

    def grown(self, newest: Part) -> PartedGraph:
        """Return the graph after the commits of *newest*."""
        parts = [*self.parts, newest]
        while len(parts) > 1 and parts[-2].size < _GROWTH * parts[-1].size:
            newer = parts.pop()
            older = parts.pop()
            parts.append(merged(older, newer, oldest=not parts))
        return PartedGraph(tuple(parts))

    def of(self, name: str, keys: npt.NDArray[np.int64]) -> Edges:
        """Return one half hop, as the SQL file of that name does."""
        found: list[Edges] = []
        for part in self.parts:
            closed = part.closed[DIRECTION[name]]
            if len(closed):
                found = [edges.without(closed) for edges in found]
            found.append(part.relations[name].of(keys))
        return joined([edges for edges in found if len(edges)] or found[:1])
