"""Runs the SQL scripts of this package, whose text never changes: each is parsed once.

A commit of one event runs some hundred statements; to parse them took 13 ms of its 180 ms.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import duckdb

_parsed: dict[str, list[duckdb.Statement]] = {}
"""Statements of a script; executing one takes a copy of it, so any connection and thread may."""


def run_script(connection: duckdb.DuckDBPyConnection, script: str, **values: object) -> None:
    """Execute every statement of *script*, with those of *values* that it names."""
    statements = _parsed.get(script)
    if statements is None:
        statements = _parsed[script] = connection.extract_statements(script)
    for statement in statements:
        named = statement.named_parameters
        connection.execute(statement, {name: values[name] for name in values if name in named})


@cache
def scripts_in(folder: str) -> tuple[str, ...]:
    """Read the scripts in a folder of ``lineseal/consumers/sql``, in the order of their names."""
    found = files("lineseal.consumers").joinpath("sql", folder).iterdir()
    scripts = sorted(found, key=lambda script: script.name)
    return tuple(script.read_text("utf-8") for script in scripts if script.name.endswith(".sql"))
