"""Numbers entries and hashes them into the store's Merkle tree, in the transaction that is open.

Next to the leaves only the roots of complete subtrees of 256, 65,536, ... entries are kept: any
other node is computed from at most 128 rows that lie side by side. So a commit adds about one row
for each entry, and a root or proof of a log of any length reads a few hundred. ADR-0014.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import duckdb

from lineseal.consumers.journal import Entry
from lineseal.consumers.rows import Row
from lineseal.consumers.write import TableWriter
from lineseal.signing.merkle import merkle_root
from lineseal.signing.tree import tree_root

TILE_LEVELS: Final = 8
_WIDTH: Final = 1 << TILE_LEVELS
_CACHED_RANGES = 1024


def append_entries(connection: duckdb.DuckDBPyConnection, entries: Sequence[Entry]) -> None:
    """Append *entries* to the log and bring the tree up to date."""
    if not entries:
        return
    size = log_size(connection)
    leaves = [entry.leaf for entry in entries]
    rows: list[Row] = [
        {
            "log_index": index,
            "kind": entry.kind,
            "value_sha256": entry.value_sha256,
            "stream": entry.stream,
            "position": entry.position,
            "ingest_time": entry.ingest_time,
            "detail": entry.detail,
            "leaf_sha256": leaf.hex(),
        }
        for index, (entry, leaf) in enumerate(zip(entries, leaves, strict=True), size)
    ]
    writer = TableWriter(connection)
    writer.insert("log_entry", rows)
    writer.insert("log_node", _new_nodes(connection, size, leaves))


def log_size(connection: duckdb.DuckDBPyConnection) -> int:
    """Return how many entries the log has."""
    rows = connection.execute("SELECT coalesce(max(log_index) + 1, 0) FROM log_entry").fetchall()
    return int(rows[0][0])


class StoredTree:
    """Reads roots and nodes of the tree in a store; a snapshot is the caller's to hold."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Read on *connection*."""
        self._connection = connection
        self._ranges: dict[tuple[int, int, int], list[bytes]] = {}
        self.size = log_size(connection)

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first *size* entries, of all by default."""
        return tree_root(self.node, self.size if size is None else size)

    def node(self, level: int, index: int) -> bytes:
        """Return the root of a complete subtree: a reader for ``signing.tree``.

        Raises:
            LookupError: Entries or nodes that belong there are missing.

        """
        below = level % TILE_LEVELS
        first, count = index << below, 1 << below
        found = self._read(level - below, first, count)
        if len(found) != count:
            raise LookupError(f"the log lacks nodes of level {level - below} from {first} on")
        return merkle_root(found)

    def _read(self, level: int, first: int, count: int) -> list[bytes]:
        key = (level, first, count)
        if key not in self._ranges:
            if len(self._ranges) >= _CACHED_RANGES:
                self._ranges.clear()
            self._ranges[key] = _nodes(self._connection, level, first, count)
        return self._ranges[key]


def _new_nodes(
    connection: duckdb.DuckDBPyConnection, size: int, leaves: Sequence[bytes]
) -> list[Row]:
    """Return the subtrees that *leaves*, appended behind *size* entries, complete."""
    rows: list[Row] = []
    level, count, new = 0, size, list(leaves)
    while new and (count % _WIDTH) + len(new) >= _WIDTH:
        start = count - count % _WIDTH
        open_tile = _nodes(connection, level, start, count - start) + new
        whole = len(open_tile) // _WIDTH
        new = [merkle_root(open_tile[tile * _WIDTH : (tile + 1) * _WIDTH]) for tile in range(whole)]
        count = start // _WIDTH
        level += TILE_LEVELS
        rows += [
            {"level": level, "node_index": index, "sha256": node.hex()}
            for index, node in enumerate(new, count)
        ]
    return rows


def _nodes(
    connection: duckdb.DuckDBPyConnection, level: int, first: int, count: int
) -> list[bytes]:
    table, index, value, only = (
        ("log_node", "node_index", "sha256", " AND level = $level")
        if level
        else ("log_entry", "log_index", "leaf_sha256", "")
    )
    parameters = {"first": first, "last": first + count - 1}
    if level:
        parameters["level"] = level
    rows = connection.execute(
        f"SELECT {value} FROM {table} WHERE {index} BETWEEN $first AND $last{only}"  # noqa: S608
        f" ORDER BY {index}",
        parameters,
    ).fetchall()
    return [bytes.fromhex(text) for (text,) in rows]
