"""Brings the lineage graph up to date with the facts of one commit.

The graph (``artifact_version``, ``edge``) is a function of the set of facts (``run_io``,
``run_event``, ``registration``): the SQL files in ``sql/resolve`` compute it for every artifact
name a commit touches, in the order of their numbers, and record what changed. Nothing here
depends on the order in which facts arrived. Source: ADR-0004.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import duckdb

MAX_CANDIDATES = 64
"""Artifact versions that one fact of a run may mean; beyond that it means an unknown one."""


def resolve(
    connection: duckdb.DuckDBPyConnection,
    ingest_time: dt.datetime,
    *,
    max_candidates: int = MAX_CANDIDATES,
) -> None:
    """Recompute the graph of all names that the rows of this commit touch.

    Args:
        connection: Inside the transaction that inserted those rows.
        ingest_time: Their ``ingest_time``, UTC without time zone; later than that of any
            other commit. It becomes ``known_from`` and ``known_to`` of what changes.
        max_candidates: The same for as long as the store lives, else old rows say otherwise.

    """
    parameters = {"ingest_time": ingest_time, "max_candidates": max_candidates}
    facts, *rest = _scripts()
    _run(connection, facts, parameters)
    touched = connection.execute("SELECT count(*) FROM touched_name").fetchone()
    if touched == (0,):
        return
    for script in rest:
        _run(connection, script, parameters)


def _run(
    connection: duckdb.DuckDBPyConnection, script: str, parameters: Mapping[str, object]
) -> None:
    for statement in connection.extract_statements(script):
        wanted = statement.named_parameters
        connection.execute(
            statement, {name: value for name, value in parameters.items() if name in wanted}
        )


@cache
def _scripts() -> tuple[str, ...]:
    folder = files("lineseal.consumers").joinpath("sql", "resolve")
    scripts = sorted(folder.iterdir(), key=lambda script: script.name)
    return tuple(script.read_text("utf-8") for script in scripts if script.name.endswith(".sql"))
