"""Is the graph held in memory? What a running service offers to the questions it answers.

A question walks the sorted copies of the store; a service that stays may hold the same edges in
memory and offer them for the time of one question. Both give the same edges, so an answer cannot
tell which it was made from.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

import duckdb
import numpy as np
import numpy.typing as npt

from lineseal.queries.relation import Edges
from lineseal.queries.times import Moment


class HeldGraph(Protocol):
    """The edges of the graph as known today, at one commit."""

    @property
    def crowded(self) -> bool:
        """Tell whether any edge may have ``too_many_candidates``."""
        ...

    def of(self, name: str, keys: npt.NDArray[np.int64]) -> Edges:
        """Return one half hop, as the SQL file of that name does."""
        ...


class GraphHolder(Protocol):
    """What holds the graph from question to question."""

    def graph_at(self, connection: duckdb.DuckDBPyConnection) -> HeldGraph | None:
        """Return the graph as the open transaction of *connection* sees it, if it is held."""
        ...


class _Offer:
    """One holder, asked once: a question sees one commit from beginning to end."""

    def __init__(self, holder: GraphHolder, connection: duckdb.DuckDBPyConnection) -> None:
        self._holder = holder
        self._connection = connection
        self._asked = False
        self._graph: HeldGraph | None = None

    def graph(self, connection: duckdb.DuckDBPyConnection) -> HeldGraph | None:
        if connection is not self._connection:
            return None
        if not self._asked:
            self._graph = self._holder.graph_at(connection)
            self._asked = True
        return self._graph


_OFFER: ContextVar[_Offer | None] = ContextVar("lineseal_held_graph", default=None)


@contextmanager
def offered(holder: GraphHolder, connection: duckdb.DuckDBPyConnection) -> Generator[None]:
    """Let one question on *connection*, asked inside the block, use what *holder* holds."""
    token = _OFFER.set(_Offer(holder, connection))
    try:
        yield
    finally:
        _OFFER.reset(token)


def held_graph(connection: duckdb.DuckDBPyConnection, moment: Moment) -> HeldGraph | None:
    """Return the graph held in memory, when there is one and it is the one of *moment*."""
    offer = _OFFER.get()
    if offer is None or moment.as_of is not None or moment.known_at is not None:
        return None
    return offer.graph(connection)
