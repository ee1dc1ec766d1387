"""Computes the store's log anew: its leaves, subtrees and roots.

Computes every leaf from the entry's columns and grows the tree from these, so that the roots it
gives for chosen sizes are those of what stands there, whatever the store says they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import duckdb

from lineseal.consumers.journal import Entry
from lineseal.consumers.merkle_log import TILE_LEVELS
from lineseal.consumers.verify.problems import LOG_ENTRY, LOG_NODE, Problems
from lineseal.signing.merkle import merkle_root
from lineseal.signing.tree import Frontier

_ROWS = 20_000
_WIDTH = 1 << TILE_LEVELS


@dataclass(slots=True)
class CheckedLog:
    """Hold what the log is: its size, and the roots (32 bytes) at the sizes asked for."""

    size: int = 0
    roots: dict[int, bytes] = field(default_factory=dict[int, bytes])


def check_log(
    connection: duckdb.DuckDBPyConnection, sizes: Iterable[int], problems: Problems
) -> CheckedLog:
    """Check all entries and subtrees, and give the roots at *sizes* as far as the log reaches."""
    wanted = set(sizes)
    checked = CheckedLog()
    frontier = Frontier()
    tiles = _Tiles()
    for index, entry, leaf in entries(connection):
        if index != frontier.size:
            what = "twice" if index < frontier.size else f"after {frontier.size - 1}"
            problems.add(LOG_ENTRY, f"entry {index}", f"entry {index} stands {what} in the log")
        computed = entry.leaf
        if computed.hex() != leaf:
            problems.add(LOG_ENTRY, f"entry {index}", "its columns are not what its leaf says")
        frontier.append(computed)
        tiles.append(computed)
        if frontier.size in wanted:
            checked.roots[frontier.size] = frontier.root
    checked.size = frontier.size
    checked.roots[frontier.size] = frontier.root
    _check_nodes(connection, tiles.nodes, problems)
    return checked


def beside(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return a cursor on the same store that may be read slowly, while others are used."""
    cursor = connection.cursor()
    cursor.execute("USE stored")
    return cursor


def entries(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, Entry, str]]:
    """Yield index, entry and stored leaf of each entry, in the order of the log."""
    result = beside(connection).execute(
        "SELECT log_index, kind, value_sha256, stream, position, epoch_us(ingest_time), detail,"
        " leaf_sha256 FROM log_entry ORDER BY log_index, leaf_sha256"
    )
    while rows := result.fetchmany(_ROWS):
        for index, kind, value, stream, position, ingest_time, detail, leaf in rows:
            entry = Entry(
                kind=kind,
                value_sha256=value,
                stream=stream,
                position=position,
                ingest_time=ingest_time,
                detail=detail,
            )
            yield index, entry, leaf


class _Tiles:
    """Collects the roots of complete subtrees of 256, 65,536, ... leaves."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[int, int], str] = {}
        self._open: list[list[bytes]] = [[]]
        self._closed: list[int] = [0]

    def append(self, node: bytes, depth: int = 0) -> None:
        tile = self._open[depth]
        tile.append(node)
        if len(tile) < _WIDTH:
            return
        root = merkle_root(tile)
        tile.clear()
        if len(self._open) == depth + 1:
            self._open.append([])
            self._closed.append(0)
        self.nodes[TILE_LEVELS * (depth + 1), self._closed[depth]] = root.hex()
        self._closed[depth] += 1
        self.append(root, depth + 1)


def _check_nodes(
    connection: duckdb.DuckDBPyConnection, expected: dict[tuple[int, int], str], problems: Problems
) -> None:
    left = dict(expected)
    for level, index, sha256 in connection.execute(
        "SELECT level, node_index, sha256 FROM log_node ORDER BY level, node_index"
    ).fetchall():
        if left.pop((level, index), None) != sha256:
            problems.add(LOG_NODE, f"node {level}/{index}", "it is not the root of its entries")
    for level, index in left:
        problems.add(LOG_NODE, f"node {level}/{index}", "it is missing")
