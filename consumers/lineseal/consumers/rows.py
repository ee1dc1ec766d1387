"""The rows of one commit, per table, before they are written.

A row is a dict of column to plain value: text, numbers, bytes, lists and dicts, times as
microseconds UTC. Where many rows come at once they come as Arrow tables with the same columns
(``columnar``). ``write.TableWriter`` inserts both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]


class Rows:
    """Collects rows for several tables."""

    def __init__(self) -> None:
        """Start with no rows."""
        self.tables: dict[str, list[Row]] = {}
        self.columns: dict[str, list[Any]] = {}

    def add(self, table: str, row: Row) -> None:
        """Add one row to *table*."""
        self.tables.setdefault(table, []).append(row)

    def add_columns(self, table: str, columns: Any) -> None:
        """Add the rows of an Arrow table to *table*."""
        self.columns.setdefault(table, []).append(columns)

    def extend(self, other: Rows) -> None:
        """Add all rows of *other*, after the own ones."""
        for table, rows in other.tables.items():
            self.tables.setdefault(table, []).extend(rows)
        for table, columns in other.columns.items():
            self.columns.setdefault(table, []).extend(columns)

    def of(self, table: str) -> Iterable[Row]:
        """Return the rows of *table* that came one by one, in the order they were added."""
        return self.tables.get(table, ())
