"""What is one incident, put together from its events? A function of their set.

The state is that of the newest event, by its time. Cause and failed control are the newest that
was given; subjects and actions are all that were named. Judges nothing.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from lineseal.queries.catalog import query
from lineseal.queries.containment.standing import About
from lineseal.queries.times import Moment

OPENED, CLOSED = "opened", "closed"

Event = Mapping[str, Any]
"""A row of ``incident_events.sql``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Hold one incident; ``events`` are sorted by time."""

    incident_id: str
    events: tuple[Event, ...]
    subjects: tuple[About, ...]
    cause: str | None
    failed_control: str | None
    actions: tuple[str, ...]

    @property
    def state(self) -> str:
        """Return opened or closed."""
        return str(self.events[-1]["state"])

    @property
    def opened_at(self) -> dt.datetime:
        """Return the time of the first event."""
        found: dt.datetime = self.events[0]["event_time"]
        return found

    @property
    def closed_at(self) -> dt.datetime | None:
        """Return when it was closed, None while it is open."""
        return self.events[-1]["event_time"] if self.state == CLOSED else None

    def named(self, kind: str) -> list[str]:
        """Return the names of its subjects of one type: alert, finding, order, evidence."""
        return [about.name for about in self.subjects if about.type == kind and about.name]


def load_records(
    connection: duckdb.DuckDBPyConnection, moment: Moment, incident_id: str | None = None
) -> list[Record]:
    """Load one incident, or all, by id."""
    events: dict[str, list[Event]] = {}
    for row in query("incident_events").records(
        connection, incident_id=incident_id, known_at=moment.known_at
    ):
        events.setdefault(row["incident_id"], []).append(row)
    return [_record(identity, found) for identity, found in sorted(events.items())]


def _record(identity: str, events: Iterable[Event]) -> Record:
    ordered = sorted(events, key=lambda event: (event["event_time"], event["event_id"]))
    subjects: dict[About, None] = {}
    actions: dict[str, None] = {}
    for event in ordered:
        for subject in json.loads(event["subjects"] or "[]"):
            subjects[_about(subject)] = None
        actions |= dict.fromkeys(event["actions"] or ())
    return Record(
        incident_id=identity,
        events=tuple(ordered),
        subjects=tuple(subjects),
        cause=_newest(ordered, "cause"),
        failed_control=_newest(ordered, "failed_control"),
        actions=tuple(actions),
    )


def _about(subject: Mapping[str, Any]) -> About:
    thing = subject["artifact"] or {}
    return About(
        type=subject["type"],
        name=subject["name"],
        kind=thing.get("kind"),
        namespace=thing.get("namespace"),
        artifact=thing.get("name"),
        version=thing.get("version"),
        digest=thing.get("digest"),
    )


def _newest(events: Iterable[Event], name: str) -> str | None:
    given = [event[name] for event in events if event[name]]
    return given[-1] if given else None
