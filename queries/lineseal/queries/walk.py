"""What is up- or downstream of these versions? Walks hop by hop and keeps what it saw in columns.

No object is made for an edge or a version: a closure of a quarter of a million versions is a few
arrays of integers, and who needs objects makes them of those.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import duckdb
import numpy as np
import numpy.typing as npt

from lineseal.queries.catalog import query
from lineseal.queries.held import held_graph
from lineseal.queries.relation import DIRECTION, FROM_RUN, OUTPUT, Edges, Relation, joined
from lineseal.queries.times import Moment

Numbers = npt.NDArray[np.int64]

LOADED_IN_A_HOP = 40_000
"""Edges that are loaded in the time that one half hop by statement takes."""
LOADED_FOR_A_KEY = 10
"""The same for each key that a statement is given."""
FEW_KEYS = 256
"""Keys up to which a list is faster than an array that DuckDB reads where it lies."""
MOST_LOADED = 100_000_000
"""Edges of both directions from which on nothing is loaded: 9 bytes each, more meanwhile."""

_SIZE = """
SELECT coalesce(sum(row_count), 0) FROM sorted_segment WHERE copy IN ('run_input', 'run_output')
"""


class Direction(Enum):
    """Which way to walk."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"


HALF_HOPS = {
    Direction.UPSTREAM: ("writers", "run_inputs"),
    Direction.DOWNSTREAM: ("readers", "run_outputs"),
}
"""From versions to runs, and from those to versions, by the names of the SQL files."""


@dataclass(frozen=True, slots=True)
class Walked:
    """Hold what one walk saw.

    Attributes:
        direction: Which way it went.
        ids: Every version visited, once, the starts first and then by distance.
        depths: Its distance in hops (a run and its two edges are one) from the nearest start.
        near: Edges from the versions to runs, each once.
        far: Edges from those runs to versions, each once.
        cut_nodes: Versions at which a depth limit stopped the walk: they lead further.
        cut_runs: Runs that were not left for that reason.

    """

    direction: Direction
    ids: Numbers
    depths: Numbers
    near: Edges
    far: Edges
    cut_nodes: Numbers
    cut_runs: Numbers

    @property
    def inputs(self) -> Edges:
        """Return the edges from a version to a run that read it."""
        return self.far if self.direction is Direction.UPSTREAM else self.near

    @property
    def outputs(self) -> Edges:
        """Return the edges from a run to a version it wrote."""
        return self.near if self.direction is Direction.UPSTREAM else self.far


class Hopping(Protocol):
    """What a walk asks."""

    def of(self, name: str, keys: Numbers) -> Edges:
        """Return the edges of *keys* by the name of the half hop's SQL file."""
        ...

    def prepare(self, direction: Direction) -> None:
        """Get ready for the next hop."""
        ...


class HalfHops:
    """Gives half hops of one store at one moment: from memory where the graph is there."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, moment: Moment) -> None:
        """Prepare; nothing is read yet."""
        self._connection = connection
        self._moment = moment
        self._held = held_graph(connection, moment)
        self._loaded: dict[str, Relation] = {}
        self._spent = 0

    def of(self, name: str, keys: Numbers) -> Edges:
        """Return the edges of *keys* by the name of the half hop's SQL file."""
        if not len(keys):
            return NONE
        if self._held is not None:
            return self._held.of(name, keys)
        if name in self._loaded:
            return self._loaded[name].of(keys)
        self._spent += LOADED_IN_A_HOP + LOADED_FOR_A_KEY * len(keys)
        column = "runs" if name in FROM_RUN else "ids"
        asked = keys if len(keys) > FEW_KEYS else keys.tolist()
        return self._asked(name, **{column: asked}, **self._moment.parameters)

    def prepare(self, direction: Direction) -> None:
        """Load the edges that *direction* needs once statements have cost as much as that."""
        if self._held is not None or HALF_HOPS[direction][0] in self._loaded:
            return
        ((size,),) = self._connection.execute(_SIZE).fetchall() if self._spent else ((0,),)
        if self._spent < size or not size:
            return
        if size > MOST_LOADED:
            return
        for name in HALF_HOPS[direction]:
            edges = self._asked(
                "all_outputs" if DIRECTION[name] == OUTPUT else "all_inputs",
                **self._moment.parameters,
            )
            self._loaded[name] = Relation(edges, by_run=name in FROM_RUN)

    def _asked(self, name: str, **parameters: Any) -> Edges:
        found = query(name).columns(self._connection, **parameters)
        return Edges(
            np.asarray(found["run"], np.int64),
            np.asarray(found["artifact_version_id"], np.int64),
            np.asarray(found["reasons"], np.uint8),
        )


class KeptHops:
    """Gives half hops over the edges of an earlier walk, or some of them."""

    def __init__(self, direction: Direction, near: Edges, far: Edges) -> None:
        """Sort the edges."""
        self._relations = {
            name: Relation(edges, by_run=name in FROM_RUN)
            for name, edges in zip(HALF_HOPS[direction], (near, far), strict=True)
        }

    def of(self, name: str, keys: Numbers) -> Edges:
        """Return the edges of *keys*."""
        return self._relations[name].of(keys) if len(keys) else NONE

    def prepare(self, direction: Direction) -> None:
        """Do nothing: everything is here."""


def walk(
    half_hops: Hopping, starts: Iterable[int], direction: Direction, max_depth: int | None
) -> Walked:
    """Visit everything up- or downstream of *starts*, at most *max_depth* hops away."""
    near_name, far_name = HALF_HOPS[direction]
    seen, entered = _Seen(), _Seen()
    frontier = seen.new(np.fromiter(starts, np.int64))
    levels, nears, fars = [frontier], [NONE], [NONE]
    cut_nodes = cut_runs = NONE.runs
    while len(frontier):
        half_hops.prepare(direction)
        near = half_hops.of(near_name, frontier)
        # Runs are numbered below 0.
        far = half_hops.of(far_name, -entered.new(-near.runs))
        if max_depth is not None and len(levels) > max_depth:
            beyond = ~seen.has(far.versions)
            cut_runs = distinct(far.runs[beyond])
            cut_nodes = distinct(near.versions[np.isin(near.runs, cut_runs)])
            far = far.where(~beyond)
        frontier = seen.new(far.versions)
        levels.append(frontier)
        nears.append(near)
        fars.append(far)
    sizes = [len(level) for level in levels]
    return Walked(
        direction,
        np.concatenate(levels),
        np.repeat(np.arange(len(levels)), sizes),
        joined(nears),
        joined(fars),
        cut_nodes,
        cut_runs,
    )


def distinct(numbers: Numbers) -> Numbers:
    """Return each number once, sorted: ``np.unique`` hashes, which takes ten times as long."""
    ordered = np.sort(numbers)
    if not len(ordered):
        return ordered
    first: npt.NDArray[np.bool_] = np.append(True, ordered[1:] != ordered[:-1])
    found: Numbers = ordered[first]
    return found


class _Seen:
    """Remembers which numbers from 0 on it was given."""

    def __init__(self) -> None:
        self._flags = np.zeros(1024, np.bool_)

    def has(self, numbers: Numbers) -> npt.NDArray[np.bool_]:
        """Tell of each number whether it was given."""
        self._make_room(numbers)
        return self._flags[numbers]

    def new(self, numbers: Numbers) -> Numbers:
        """Return those that were not given before, each once, sorted, and remember them."""
        self._make_room(numbers)
        found = numbers[~self._flags[numbers]]
        if len(found) > 1:
            found = distinct(found)
        self._flags[found] = True
        return found

    def _make_room(self, numbers: Numbers) -> None:
        needed = int(numbers.max(initial=0)) + 1
        if needed > len(self._flags):
            # Zeros that nobody has touched take no memory.
            flags = np.zeros(max(needed, 2 * len(self._flags)), np.bool_)
            flags[: len(self._flags)] = self._flags
            self._flags = flags


NONE = Edges(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8))
"""No edges."""
