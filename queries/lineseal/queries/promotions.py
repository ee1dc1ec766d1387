"""Where were these versions promoted to? The newest action counts."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.times import Moment
from lineseal.queries.walk import Numbers


def environments(
    connection: duckdb.DuckDBPyConnection, ids: Sequence[int] | Numbers, moment: Moment
) -> dict[int, str | None]:
    """Return where each version was promoted to last; None when it was retired."""
    rows = query("environments").rows(connection, ids=ids, **moment.parameters)
    return {row[0]: row[1] for row in rows}
