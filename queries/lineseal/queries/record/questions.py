"""Which questions about the record are there? One ``Question`` for each command that asks one."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import duckdb

from lineseal.commandline.output import Answer
from lineseal.queries.question import Question
from lineseal.queries.record import lists
from lineseal.queries.record.timeline import timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineParams:
    """Say whose timeline to tell; see ``timeline.timeline``."""

    reference: str
    ancestry: bool = False
    people: bool = False
    as_of: str | None = None
    known_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverridesParams:
    """Say which overrides to list; see ``lists.overrides``."""

    by: str | None = None
    target: str | None = None
    since: str | None = None
    until: str | None = None
    known_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessParams:
    """Say which accesses to list; see ``lists.access``."""

    principal: str | None = None
    resource: str | None = None
    since: str | None = None
    until: str | None = None
    known_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackParams:
    """Say whose feedback to look for; see ``lists.feedback``."""

    reference: str
    as_of: str | None = None
    known_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryParams:
    """Say which inventory to list; see ``lists.inventory``."""

    known_at: str | None = None


def _timeline(connection: duckdb.DuckDBPyConnection, params: TimelineParams) -> Answer:
    return timeline(connection, **asdict(params))


def _overrides(connection: duckdb.DuckDBPyConnection, params: OverridesParams) -> Answer:
    return lists.overrides(connection, **asdict(params))


def _access(connection: duckdb.DuckDBPyConnection, params: AccessParams) -> Answer:
    return lists.access(connection, **asdict(params))


def _feedback(connection: duckdb.DuckDBPyConnection, params: FeedbackParams) -> Answer:
    return lists.feedback(connection, **asdict(params))


def _inventory(connection: duckdb.DuckDBPyConnection, params: InventoryParams) -> Answer:
    return lists.inventory(connection, **asdict(params))


TIMELINE = Question(name="timeline", params=TimelineParams, run=_timeline)
OVERRIDES = Question(name="overrides", params=OverridesParams, run=_overrides)
ACCESS = Question(name="access", params=AccessParams, run=_access)
FEEDBACK = Question(name="feedback", params=FeedbackParams, run=_feedback)
INVENTORY = Question(name="inventory", params=InventoryParams, run=_inventory)
