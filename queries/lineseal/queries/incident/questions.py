"""Which questions about incidents are there? One ``Question`` for each command that asks."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries.incident.answer import incident, incidents, parts
from lineseal.queries.question import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentsParams:
    """Say when; see ``answer.incidents``."""

    known_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentParams:
    """Say which incident to show; see ``answer.incident``."""

    incident_id: str
    known_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartsParams:
    """Hold starts of ids; see ``answer.parts``."""

    alerts: list[str] = field(default_factory=list[str])
    findings: list[str] = field(default_factory=list[str])
    orders: list[str] = field(default_factory=list[str])


def _incidents(connection: duckdb.DuckDBPyConnection, params: IncidentsParams) -> Answer:
    return incidents(connection, known_at=params.known_at)


def _incident(connection: duckdb.DuckDBPyConnection, params: IncidentParams) -> Answer:
    return incident(connection, params.incident_id, known_at=params.known_at)


def _parts(connection: duckdb.DuckDBPyConnection, params: PartsParams) -> Answer:
    return parts(connection, **asdict(params))


INCIDENTS = Question(name="incidents", params=IncidentsParams, run=_incidents)
INCIDENT = Question(name="incident", params=IncidentParams, run=_incident)
PARTS = Question(name="incident-parts", params=PartsParams, run=_parts)
