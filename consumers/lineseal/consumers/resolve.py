"""Brings the lineage graph up to date with the facts of one commit.

The graph (``artifact_version``, ``edge``) is a function of the set of facts (``run_io``,
``run_event``, ``registration``): the SQL files in ``sql/resolve`` compute it for every artifact
name a commit touches, in the order of their numbers, and record what changed. Nothing here
depends on the order in which facts arrived. Source: ADR-0004.
"""

from __future__ import annotations

import datetime as dt

import duckdb

from lineseal.consumers.script import run_script, scripts_in

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
    facts, *rest = scripts_in("resolve")
    run_script(connection, facts, ingest_time=ingest_time, max_candidates=max_candidates)
    touched = connection.execute("SELECT count(*) FROM touched_name").fetchone()
    if touched == (0,):
        return
    for script in rest:
        run_script(connection, script, ingest_time=ingest_time, max_candidates=max_candidates)
