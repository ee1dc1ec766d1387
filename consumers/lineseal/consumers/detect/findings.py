"""What do the rules find? Asks them, and gathers occurrences per subject, window and scope.

A rule's statement is run as it stands in its file, with parameters and nothing else put into it.
A user's own rule is not trusted, and asked under guard (``guard``).
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import duckdb

from lineseal.consumers.detect.guard import ask_guarded
from lineseal.queries.rules import Rule
from lineseal.schemas.errors import QueryError

Occurrence: TypeAlias = tuple[Any, ...]
"""A row of a rule: scope, subject, seen_at, event_id, reason."""
MAX_EVIDENCE = 100
"""Event ids an alert names, the earliest by time."""
MAX_REASONS = 20

_NAMESPACE = uuid.UUID("6ea8b46b-0d4a-5b7c-9d0e-3c1f7d1f2a55")
_ORIGIN = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store's times are UTC without zone
_LAST = dt.datetime(9999, 12, 31, 23, 59, 59, 999_999)  # noqa: DTZ001 - naive UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Hold what parts and findings have in common; times are naive UTC."""

    rule_id: str
    scope: str
    subject: str
    window_start: dt.datetime | None
    window_end: dt.datetime | None
    first_seen: dt.datetime
    last_seen: dt.datetime
    count: int
    reasons: tuple[str, ...]

    @property
    def alert_id(self) -> str:
        """Return the id of its alert: the same wherever and whenever it is found."""
        return _alert_id(self.rule_id, self.subject, self.window_start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(_Found):
    """Hold what one rule found about one subject in one window and one scope; times are naive UTC.

    A scope is what is judged again as a whole, so a part is replaced or goes as a whole, and the
    other parts of the same alert stay as they are.
    """

    evidence: tuple[tuple[dt.datetime, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(_Found):
    """Hold what one rule found about one subject in one window, in all scopes."""

    evidence: tuple[str, ...]


def _alert_id(rule_id: str, subject: str, window_start: dt.datetime | None) -> str:
    window = "" if window_start is None else window_start.isoformat()
    # No field but the subject can hold a line break, and it stands in the middle.
    return str(uuid.uuid5(_NAMESPACE, f"{rule_id}\n{subject}\n{window}"))


def ask(
    connection: duckdb.DuckDBPyConnection,
    rule: Rule,
    parameters: Mapping[str, Any],
    *,
    now: dt.datetime,
    seconds: float,
) -> list[Occurrence]:
    """Ask one rule for occurrences, after ``show``.

    Args:
        connection: Outside any transaction.
        rule: The rule.
        parameters: All of its parameters.
        now: The tick that is judged at.
        seconds: How long a user's own rule may run.

    Raises:
        SqlRefused: A user's own rule does more than read, or ran over its limits.
        QueryError: It cannot be run, or returns other columns or values than it must.

    """
    values = {**parameters, **({"now": now} if "now" in rule.uses else {})}
    try:
        if rule.own:
            rows = ask_guarded(connection, rule, values, seconds=seconds)
        else:
            rows = connection.execute(rule.sql, values).fetchall()
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        raise QueryError(f"rule {rule.rule_id} cannot be run: {reason}") from error
    _check_rows(rule, rows)
    return rows


def gather(rule: Rule, rows: Iterable[Occurrence]) -> list[Part]:
    """Gather occurrences into one part for each subject, window and scope."""
    groups: dict[tuple[str, dt.datetime | None, str], list[Occurrence]] = {}
    for row in rows:
        scope, subject, seen_at, *_ = row
        groups.setdefault((subject, _bucket(rule, seen_at), scope), []).append(row)
    return [
        _part(rule, subject, start, scope, group)
        for (subject, start, scope), group in groups.items()
    ]


def _part(
    rule: Rule, subject: str, start: dt.datetime | None, scope: str, rows: list[Occurrence]
) -> Part:
    occurrences = {(row[2], row[3], row[4]) for row in rows}
    times = [seen for seen, _, _ in occurrences]
    length = dt.timedelta(seconds=rule.window_seconds or 0)
    return Part(
        rule_id=rule.rule_id,
        scope=scope,
        subject=subject,
        window_start=start,
        # A producer may claim the last day there is.
        window_end=None if start is None else start + min(length, _LAST - start),
        first_seen=min(times),
        last_seen=max(times),
        count=len(occurrences),
        reasons=_first_reasons(reason for _, _, reason in occurrences),
        evidence=_earliest((seen, event) for seen, event, _ in occurrences if event is not None),
    )


def combine(parts: Iterable[Part]) -> Finding:
    """Make one finding of the parts of one alert, in whatever order they come."""
    known = list(parts)
    first = known[0]
    evidence = _earliest(item for part in known for item in part.evidence)
    return Finding(
        rule_id=first.rule_id,
        scope=min(part.scope for part in known),
        subject=first.subject,
        window_start=first.window_start,
        window_end=first.window_end,
        first_seen=min(part.first_seen for part in known),
        last_seen=max(part.last_seen for part in known),
        count=sum(part.count for part in known),
        reasons=_first_reasons(reason for part in known for reason in part.reasons),
        evidence=tuple(dict.fromkeys(event for _, event in evidence)),
    )


def _first_reasons(reasons: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(reasons))[:MAX_REASONS])


def _earliest(seen: Iterable[tuple[dt.datetime, str]]) -> tuple[tuple[dt.datetime, str], ...]:
    at = dict[str, dt.datetime]()
    for moment, event in seen:
        at[event] = min(moment, at.get(event, moment))
    return tuple(sorted((moment, event) for event, moment in at.items())[:MAX_EVIDENCE])


def _bucket(rule: Rule, seen_at: dt.datetime) -> dt.datetime | None:
    if rule.window_seconds is None:
        return None
    passed = (seen_at - _ORIGIN) // dt.timedelta(seconds=rule.window_seconds)
    return _ORIGIN + passed * dt.timedelta(seconds=rule.window_seconds)


def _check_rows(rule: Rule, rows: list[tuple[Any, ...]]) -> None:
    for scope, subject, seen_at, event_id, reason in rows:
        texts = (scope, subject, reason)
        fine = all(isinstance(text, str) for text in texts) and isinstance(seen_at, dt.datetime)
        if not fine or not isinstance(event_id, str | None):
            raise QueryError(
                f"rule {rule.rule_id}: scope, subject and reason are texts, seen_at is a "
                "TIMESTAMP, event_id a text or null"
            )
