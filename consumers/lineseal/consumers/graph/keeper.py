"""Keeps the edges of the open store in memory, as of the commit that a question sees.

The first question starts to load them in the background and is answered from the store, as is any
question whose commit is not the newest one known here. What a commit changed is read by the first
question after it. Memory: about 9 bytes for each edge and direction it is looked up from, so
18 MB for a million edges; none above the limit. Source: DESIGN 8.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import duckdb
import numpy as np

from lineseal.consumers.graph.parts import Codes, Part, PartedGraph
from lineseal.queries.relation import INPUT, OUTPUT, Edges
from lineseal.schemas.errors import LinesealError

Stamp = tuple[str, dt.datetime | None]
"""Generation of the copies and ingest time of the newest commit in them."""

_COPIES = {OUTPUT: "version_writer", INPUT: "version_reader"}
_ADDED = "SELECT run, artifact_version_id, reasons FROM {copy} WHERE known_to IS NULL"
_SINCE = " AND known_from > $since"
_CLOSED = """
SELECT run, artifact_version_id, reasons FROM {copy}
WHERE known_to > $since AND known_from <= $since
"""
_STAMP = "SELECT generation, ingest_time FROM copied_until"
_SIZE = """
SELECT coalesce(sum(row_count), 0) FROM sorted_segment
WHERE copy IN ('version_writer', 'version_reader')
"""


class GraphKeeper:
    """Holds the graph of one open store; implements ``lineseal.queries.held.GraphHolder``.

    Safe to use from any thread.
    """

    def __init__(
        self,
        cursor: Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]],
        *,
        max_edges: int,
    ) -> None:
        """Hold nothing yet.

        Args:
            cursor: Gives a cursor of the store to load from, beside all others.
            max_edges: Above so many edges nothing is held; 0 turns it off.

        """
        self._cursor = cursor
        self._max_edges = max_edges
        self._lock = threading.Lock()
        self._stamp: Stamp | None = None
        self._graph: PartedGraph | None = None
        self._loading: threading.Thread | None = None

    def graph_at(self, connection: duckdb.DuckDBPyConnection) -> PartedGraph | None:
        """Return the graph as the open transaction of *connection* sees it, if it is held."""
        stamp = _stamp(connection)
        if stamp is None or not self._max_edges:
            return None
        with self._lock:
            if self._graph is None or self._stamp is None or self._stamp[0] != stamp[0]:
                self._load_in_background()
                return None
            if stamp != self._stamp:
                since, until = self._stamp[1], stamp[1]
                if since is None or until is None or until < since:
                    return None
                self._graph = self._graph.grown(_changes(connection, since))
                self._stamp = stamp
            return self._graph

    def load(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Load the graph as the open transaction of *connection* sees it; too many edges: none."""
        ((size,),) = connection.execute(_SIZE).fetchall()
        stamp = _stamp(connection)
        if size > self._max_edges:
            self._max_edges = 0  # it only grows: never ask again
        if stamp is None or not self._max_edges:
            return
        none_closed = dict.fromkeys(_COPIES, np.empty(0, np.int64))
        part = Part(
            {way: _edges(connection, _ADDED.format(copy=copy)) for way, copy in _COPIES.items()},
            none_closed,
        )
        with self._lock:
            self._stamp, self._graph = stamp, PartedGraph((part,))

    def wait(self) -> None:
        """Wait until what is being loaded in the background is there."""
        loading = self._loading
        if loading is not None:
            loading.join()

    def _load_in_background(self) -> None:
        if self._loading is None or not self._loading.is_alive():
            self._loading = threading.Thread(target=self._load, name="graph", daemon=True)
            self._loading.start()

    def _load(self) -> None:
        # A store that is just closing: the next question tries again.
        with contextlib.suppress(LinesealError, duckdb.Error), self._cursor() as cursor:
            cursor.execute("BEGIN TRANSACTION READ ONLY")
            self.load(cursor)
            cursor.execute("ROLLBACK")


def _stamp(connection: duckdb.DuckDBPyConnection) -> Stamp | None:
    rows: list[Stamp] = connection.execute(_STAMP).fetchall()
    return rows[0] if rows else None


def _changes(connection: duckdb.DuckDBPyConnection, since: dt.datetime) -> Part:
    """Read what the commits after *since* added and closed."""
    added: dict[str, Edges] = {}
    closed: dict[str, Codes] = {}
    for way, copy in _COPIES.items():
        added[way] = _edges(connection, _ADDED.format(copy=copy) + _SINCE, since=since)
        closed[way] = _edges(connection, _CLOSED.format(copy=copy), since=since).codes
    return Part(added, closed)


def _edges(connection: duckdb.DuckDBPyConnection, sql: str, **parameters: Any) -> Edges:
    columns = connection.execute(sql, parameters).fetchnumpy()
    return Edges(
        np.asarray(columns["run"], np.int64),
        np.asarray(columns["artifact_version_id"], np.int64),
        np.asarray(columns["reasons"], np.uint8),
    )
