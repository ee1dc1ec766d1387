"""The rows of one commit, per table, before they are written.

A row is a dict of column to plain value: text, numbers, bytes, lists and dicts, times as
microseconds UTC. ``write.TableWriter`` turns them into Arrow and inserts them.
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

    def add(self, table: str, row: Row) -> None:
        """Add one row to *table*."""
        self.tables.setdefault(table, []).append(row)

    def extend(self, other: Rows) -> None:
        """Add all rows of *other*, after the own ones."""
        for table, rows in other.tables.items():
            self.tables.setdefault(table, []).extend(rows)

    def of(self, table: str) -> Iterable[Row]:
        """Return the rows of *table* in the order they were added."""
        return self.tables.get(table, ())
