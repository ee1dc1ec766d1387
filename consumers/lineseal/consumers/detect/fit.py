"""Does the store hold what the detections need? One that an older Lineseal made may not.

Compared with an empty store of this version, so that nothing has to be listed twice.
"""

from __future__ import annotations

import duckdb

from lineseal.consumers.detect.cases import empty_store
from lineseal.schemas.errors import StoreIncompatible

_HELD = """
SELECT table_name || '.' || column_name
FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = 'main'
UNION
SELECT function_name || '()'
FROM duckdb_functions()
WHERE database_name = current_database() AND NOT internal
"""
_NAMED = 3


def check_fit(connection: duckdb.DuckDBPyConnection) -> None:
    """Check that the store has every table, column and macro of this version.

    Raises:
        StoreIncompatible: It has not; the message says what to do.

    """
    lacks = sorted(_needed() - _held(connection))
    if not lacks:
        return
    more = f" and {len(lacks) - _NAMED} more" if len(lacks) > _NAMED else ""
    raise StoreIncompatible(
        "an older Lineseal made this store: detections cannot run, since it lacks "
        f"{', '.join(lacks[:_NAMED])}{more}; make it anew from the log with 'lineseal rebuild'"
    )


def _needed() -> set[str]:
    fresh = empty_store()
    try:
        return _held(fresh)
    finally:
        fresh.close()


def _held(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {name for (name,) in connection.execute(_HELD).fetchall()}
