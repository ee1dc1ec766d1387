"""Fixtures of the query tests: a graph to fill, and connections that are always closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import duckdb
import pytest

from .graph_builder import Graph


@pytest.fixture
def graph() -> Graph:
    """Return an empty graph to fill."""
    return Graph()


@pytest.fixture
def opened() -> Iterator[Callable[[Graph], duckdb.DuckDBPyConnection]]:
    """Return what turns a graph into an open store, and close all of them at the end."""
    with ExitStack() as stack:

        def connect(graph: Graph) -> duckdb.DuckDBPyConnection:
            connection = graph.connect()
            stack.callback(connection.close)
            return connection

        yield connect
