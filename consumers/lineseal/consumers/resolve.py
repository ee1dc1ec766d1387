"""Brings the lineage graph up to date with the facts of one commit.

The graph (``artifact_version``, ``edge``) is a function of the set of facts (``run_io``,
``run_event``, ``registration``): the SQL files in ``sql/resolve`` compute what of it a commit can
change, in the order of their numbers, and record what did. Nothing here depends on the order in
which facts arrived. Source: ADR-0004.
"""

from __future__ import annotations

import datetime as dt

import duckdb

from lineseal.consumers.script import run_script, scripts_in

MAX_CANDIDATES = 64
"""Artifact versions that one fact of a run may mean; beyond that it means an unknown one."""

_BY_TIME = """
SELECT
  EXISTS (FROM fact WHERE direction = 'input' AND version IS NULL AND digest IS NULL)
  OR EXISTS (FROM kept_unknown)
"""


def resolve(
    connection: duckdb.DuckDBPyConnection,
    ingest_time: dt.datetime,
    *,
    max_candidates: int = MAX_CANDIDATES,
    narrow: bool = True,
) -> dict[str, int]:
    """Bring the graph of all names that the rows of this commit touch up to date.

    Args:
        connection: Inside the transaction that inserted those rows.
        ingest_time: Their ``ingest_time``, UTC without time zone; later than that of any
            other commit. It becomes ``known_from`` and ``known_to`` of what changes.
        max_candidates: The same for as long as the store lives, else old rows say otherwise.
        narrow: Whether to leave out what the commit cannot change; without it all of every
            touched name is resolved, with the same result.

    Returns:
        How many names were resolved in which way: ``parts``, ``reads`` or ``whole``.

    """
    values = {
        "ingest_time": ingest_time,
        "max_candidates": max_candidates,
        "narrow": narrow,
    }
    touched, scope, facts, nodes, meanings, by_time, graph, record = scripts_in("resolve")
    run_script(connection, touched, **values)
    if connection.execute("SELECT count(*) FROM touched_name").fetchone() == (0,):
        return {}
    run_script(connection, scope, **values)
    ways = connection.execute("SELECT how, count(*) FROM touched_name GROUP BY how").fetchall()
    for script in (facts, nodes, meanings):
        run_script(connection, script, **values)
    if connection.execute(_BY_TIME).fetchone() == (True,):
        run_script(connection, by_time, **values)
    for script in (graph, record):
        run_script(connection, script, **values)
    return dict(ways)
