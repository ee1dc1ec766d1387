"""What was said about these artifact versions? Registrations, checks and decisions, as recorded.

Judges nothing: whether a statement counts (whose key signed it, whether it names the version or
only the name) is for whoever asks.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.evidence import RunFacts
from lineseal.queries.graph import RunKey
from lineseal.queries.times import Moment

NAME = "name"
"""Value of ``Statement.names`` for one that is about every version of a name alike."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Hold one statement about one artifact version.

    ``names`` says what ties it to the version: digest, version, or only the name. ``fields`` are
    the columns of its table, times as text in UTC. ``untrusted`` is the code of the finding that
    its batch falls under (ADR-0012), None when its signature counts.
    """

    event_time: dt.datetime
    event_id: str
    body: str
    names: str
    fields: dict[str, Any]
    untrusted: str | None = None

    @property
    def proven_actor(self) -> bool:
        """Tell whether it is signed by the personal key of the human it names."""
        verified = bool(self.fields["actor_verified"]) and self.untrusted is None
        return verified and self.fields["actor_kind"] == "human"


@dataclass(frozen=True, slots=True)
class RunDetails:
    """Hold what a run said of itself; columns as in ``run_details.sql``."""

    code: dict[str, Any] | None
    environment: dict[str, Any] | None
    trigger: str | None
    message: str | None
    parameters: list[dict[str, str]]
    metrics: list[dict[str, Any]]


def load_statements(
    connection: duckdb.DuckDBPyConnection, ids: Iterable[int], moment: Moment
) -> dict[int, list[Statement]]:
    """Load what was said about each of *ids*, the oldest first."""
    found = query("statements_about").rows(connection, ids=list(ids), **moment.parameters)
    events = {(row[2], row[3]) for row in found}
    fields = _load_fields(connection, events, {row[1] for row in found})
    untrusted = load_untrusted(connection, events, moment)
    statements: dict[int, list[Statement]] = {}
    for node, body, producer, event_id, event_time, names, *about in found:
        statements.setdefault(node, []).extend(
            Statement(event_time, event_id, body, names, said, untrusted.get((producer, event_id)))
            for said in fields[body, producer, event_id]
            # A producer may have used an id twice, for something else or at another time.
            if about in _abouts(body, said) and _time(said) == event_time
        )
    for said_about in statements.values():
        said_about.sort(key=_in_order)
    return statements


def _in_order(said: Statement) -> tuple[dt.datetime, str, str]:
    return said.event_time, said.event_id, said.fields["producer"]


def _time(fields: dict[str, Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(fields["event_time"])


def _abouts(body: str, fields: dict[str, Any]) -> list[list[str | None]]:
    """Return the artifacts that a statement is about, each as kind to digest."""
    place = _PLACES.get(body, "artifact")
    things = fields[place] if isinstance(fields[place], list) else [fields[place]]
    artifacts = [thing.get("artifact", thing) for thing in things]
    return [[artifact[part] for part in _PARTS] for artifact in artifacts if artifact]


_PARTS = ("kind", "namespace", "name", "version", "digest")
_PLACES = {
    "registration": "subject",
    "evaluation": "model",
    "approval": "subject",
    "override": "target",
    "label_review": "label_set",
    "access": "resource",
    "containment": "subject",
    "incident": "subjects",
    "verdict": "subject",
}
"""Columns that name what a statement is about, where it is not ``artifact``."""


def load_named(
    connection: duckdb.DuckDBPyConnection, moment: Moment
) -> dict[tuple[str, str], list[Statement]]:
    """Load what was decided at gates about sources and suppliers, by type and name."""
    found = query("approvals_by_name").rows(connection, **moment.parameters)
    events = {(producer, event_id) for _, _, producer, event_id, _ in found}
    fields = _load_fields(connection, events, {"approval"})
    untrusted = load_untrusted(connection, events, moment)
    statements: dict[tuple[str, str], list[Statement]] = {}
    for kind, name, producer, event_id, event_time in found:
        statements.setdefault((kind, name), []).extend(
            Statement(
                event_time,
                event_id,
                "approval",
                "version",
                said,
                untrusted.get((producer, event_id)),
            )
            for said in fields["approval", producer, event_id]
            if (said["subject"]["type"], said["subject"]["name"]) == (kind, name)
            and _time(said) == event_time
        )
    return statements


def load_untrusted(
    connection: duckdb.DuckDBPyConnection, events: set[tuple[str, str]], moment: Moment
) -> dict[tuple[str, str], str]:
    """Load which of *events* (producer and id) prove nothing, with the code that says why."""
    keys = sorted(events)
    rows = query("untrusted_statements").rows(
        connection,
        producers=[producer for producer, _ in keys],
        event_ids=[event_id for _, event_id in keys],
        known_at=moment.known_at,
    )
    return {(producer, event_id): code for producer, event_id, code in rows}


def _load_fields(
    connection: duckdb.DuckDBPyConnection, events: set[tuple[str, str]], bodies: set[str]
) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    """Load the rows of *events* (producer and id): one, unless a producer used an id twice."""
    keys = sorted(events)
    rows = query("statement_fields").rows(
        connection,
        producers=[producer for producer, _ in keys],
        event_ids=[event_id for _, event_id in keys],
        bodies=sorted(bodies),
    )
    fields: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for body, producer, event_id, text in sorted(set(rows)):
        fields.setdefault((body, producer, event_id), []).append(json.loads(text))
    return fields


def load_run_details(
    connection: duckdb.DuckDBPyConnection, runs: Iterable[RunFacts], moment: Moment
) -> dict[RunKey, RunDetails]:
    """Load code, environment, parameters and metrics of *runs*."""
    numbers = {facts.name: facts.run for facts in runs}
    rows = query("run_details").rows(
        connection,
        producers=[producer for producer, _ in numbers],
        run_ids=[run_id for _, run_id in numbers],
        **moment.parameters,
    )
    return {numbers[producer, run_id]: RunDetails(*details) for producer, run_id, *details in rows}
