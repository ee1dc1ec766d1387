"""Answers statements of the product from memory while nothing changes in the store.

A question takes some twenty statements, and questions about one moment repeat half of them with the
same values. Planning one takes DuckDB a millisecond, which is most of the time of a campaign.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import duckdb
import numpy as np
import pytest

from lineseal.queries.catalog import Query


def _text(parameters: dict[str, Any]) -> str:
    lists = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in parameters.items()
    }
    return repr(lists)


@contextmanager
def remembered() -> Generator[None]:
    """Answer what was asked before from memory inside the block; the store must not change."""
    rows, columns = Query.rows, Query.columns
    known: dict[tuple[str, str], Any] = {}

    def rows_once(self: Query, connection: duckdb.DuckDBPyConnection, **parameters: Any) -> Any:
        key = self.sql, _text(parameters)
        if key not in known:
            known[key] = rows(self, connection, **parameters)
        return list(known[key])

    def columns_once(self: Query, connection: duckdb.DuckDBPyConnection, **parameters: Any) -> Any:
        key = self.sql, _text(parameters)
        if key not in known:
            known[key] = columns(self, connection, **parameters)
        return dict(known[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Query, "rows", rows_once)
        patch.setattr(Query, "columns", columns_once)
        yield
