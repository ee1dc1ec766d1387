"""Which questions are there? One ``Question`` for each command that asks; ``sql`` is apart.

``sql`` is none of them: it runs in a process of its own (``guarded_sql``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries import api, state
from lineseal.queries.diff.answer import diff
from lineseal.queries.question import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceParams:
    """Say what to trace; see ``api.trace``."""

    reference: str
    suspect: str | None = None
    all_versions: bool = False
    as_of: str | None = None
    known_at: str | None = None
    max_depth: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactParams:
    """Say whose impact to follow; see ``api.impact``."""

    reference: str | None = None
    all_models: bool = False
    all_versions: bool = False
    since: str | None = None
    until: str | None = None
    deployed: bool = False
    dose: bool = False
    as_of: str | None = None
    known_at: str | None = None
    max_depth: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffParams:
    """Say which two versions to compare; see ``diff.answer.diff``."""

    before: str
    after: str
    as_of: str | None = None
    known_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectsParams:
    """Say which rejects to list; see ``state.rejects``."""

    code: str | None = None
    limit: int = state.DEFAULT_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectParams:
    """Say which reject to show; see ``state.reject``."""

    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoParams:
    """Say nothing: the question has no parameters."""


def _trace(connection: duckdb.DuckDBPyConnection, params: TraceParams) -> Answer:
    return api.trace(
        connection,
        params.reference,
        suspect=params.suspect,
        all_versions=params.all_versions,
        as_of=params.as_of,
        known_at=params.known_at,
        max_depth=params.max_depth,
    )


def _impact(connection: duckdb.DuckDBPyConnection, params: ImpactParams) -> Answer:
    return api.impact(
        connection,
        params.reference,
        all_models=params.all_models,
        all_versions=params.all_versions,
        since=params.since,
        until=params.until,
        deployed=params.deployed,
        dose=params.dose,
        as_of=params.as_of,
        known_at=params.known_at,
        max_depth=params.max_depth,
    )


def _diff(connection: duckdb.DuckDBPyConnection, params: DiffParams) -> Answer:
    return diff(
        connection, params.before, params.after, as_of=params.as_of, known_at=params.known_at
    )


def _rejects(connection: duckdb.DuckDBPyConnection, params: RejectsParams) -> Answer:
    return state.rejects(connection, code=params.code, limit=params.limit)


def _reject(connection: duckdb.DuckDBPyConnection, params: RejectParams) -> Answer:
    answer, _ = state.reject(connection, params.identity)
    return answer


def _producers(connection: duckdb.DuckDBPyConnection, params: NoParams) -> Answer:
    del params
    return state.producers(connection)


def _status(connection: duckdb.DuckDBPyConnection, params: NoParams) -> Answer:
    del params
    row = connection.execute(
        "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
    ).fetchone()
    return state.status(connection, Path(row[0] if row else ""))


TRACE = Question(name="trace", params=TraceParams, run=_trace)
IMPACT = Question(name="impact", params=ImpactParams, run=_impact)
DIFF = Question(name="diff", params=DiffParams, run=_diff)
REJECTS = Question(name="rejects", params=RejectsParams, run=_rejects)
REJECT = Question(name="rejects-show", params=RejectParams, run=_reject)
PRODUCERS = Question(name="producers", params=NoParams, run=_producers)
STATUS = Question(name="status", params=NoParams, run=_status)
