"""Writes rows into the store's tables in columns, through Arrow.

The Arrow schema of a table is derived from the table itself, once: a column that a row does not
have becomes null, a value that does not fit its column is an error of ours and stops the commit.
"""

from __future__ import annotations

import contextlib
from typing import Any

import duckdb
import pyarrow as pa

from lineseal.consumers.rows import Row, Rows

_VIEW = "lineseal_incoming"


class TableWriter:
    """Inserts rows on one connection; make a new one when the store was opened again."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write on *connection*."""
        self._connection = connection
        self._schemas: dict[str, Any] = {}

    def insert_all(self, rows: Rows) -> None:
        """Insert all rows, in the transaction that is open."""
        for table in rows.tables:
            self.insert(table, list(rows.of(table)))
        for table, parts in rows.columns.items():
            self._insert(table, pa.concat_tables(parts))

    def insert(self, table: str, rows: list[Row]) -> None:
        """Insert *rows* into *table*; its name must be one of ours."""
        if not rows:
            return
        self._insert(table, pa.Table.from_pylist(rows, schema=self._schema(table)))

    def _insert(self, table: str, columns: Any) -> None:
        self._connection.register(_VIEW, columns)
        try:
            self._connection.execute(
                f'INSERT INTO "{table}" BY NAME SELECT * FROM {_VIEW}'  # noqa: S608 - our names
            )
        finally:
            # An aborted transaction refuses this too; why it was aborted is what has to be told.
            with contextlib.suppress(duckdb.TransactionException):
                self._connection.unregister(_VIEW)

    def _schema(self, table: str) -> Any:
        schema = self._schemas.get(table)
        if schema is None:
            empty = self._connection.sql(f'SELECT * FROM "{table}" LIMIT 0')  # noqa: S608
            schema = self._schemas[table] = empty.to_arrow_table().schema
        return schema
