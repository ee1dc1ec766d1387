"""What do the rules find? Prepares what they read, asks them, gathers occurrences per window.

A rule's statement is run as it stands in its file, with parameters and nothing else put into it.
A user's own rule is not trusted: one statement that only reads, in a read-only transaction, with
a time limit, on a connection that reaches no file and no network (``Store`` sees to that).
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

import duckdb

from lineseal.queries.rules import Rule
from lineseal.queries.sql_worker import check_statement, watch
from lineseal.schemas.errors import QueryError, SqlRefused

Occurrence: TypeAlias = tuple[Any, ...]
"""A row of a rule, as ``COLUMNS`` say."""
COLUMNS = ("scope", "subject", "seen_at", "event_id", "reason")
MAX_EVIDENCE = 100
"""Event ids an alert names, the earliest by time."""
MAX_REASONS = 20
MAX_OWN_ROWS = 10_000
"""Occurrences one of a user's own rules may return."""

_NAMESPACE = uuid.UUID("6ea8b46b-0d4a-5b7c-9d0e-3c1f7d1f2a55")
_ORIGIN = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store's times are UTC without zone
_LAST = dt.datetime(9999, 12, 31, 23, 59, 59, 999_999)  # noqa: DTZ001 - naive UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Hold what one rule found about one subject in one window; times are naive UTC."""

    rule_id: str
    scope: str
    subject: str
    window_start: dt.datetime | None
    window_end: dt.datetime | None
    first_seen: dt.datetime
    last_seen: dt.datetime
    count: int
    reasons: tuple[str, ...]
    evidence: tuple[str, ...]

    @property
    def alert_id(self) -> str:
        """Return the id of its alert: the same wherever and whenever it is found."""
        window = "" if self.window_start is None else self.window_start.isoformat()
        # No field but the subject can hold a line break, and it stands in the middle.
        return str(uuid.uuid5(_NAMESPACE, f"{self.rule_id}\n{self.subject}\n{window}"))


def prepare(connection: duckdb.DuckDBPyConnection, since: dt.datetime | None) -> frozenset[str]:
    """Make the temporary tables rules read, and return the tables that have rows after *since*."""
    _run(connection, "prepare.sql", since=since)
    rows = connection.execute("SELECT name FROM fresh").fetchall()
    return frozenset(name for (name,) in rows)


def parts_of_training(connection: duckdb.DuckDBPyConnection) -> int:
    """Return how many parts the training runs with news come in: at least one."""
    row = connection.execute("SELECT coalesce(max(part), 0) + 1 FROM training_run").fetchone()
    return int(row[0]) if row else 1


def prepare_training(connection: duckdb.DuckDBPyConnection, part: int) -> None:
    """Make the temporary tables about one part of the training runs."""
    _run(connection, "training.sql", part=part)


def _run(connection: duckdb.DuckDBPyConnection, name: str, **values: Any) -> None:
    for statement in connection.extract_statements(_script(name)):
        wanted = statement.named_parameters
        connection.execute(statement, {key: values[key] for key in values if key in wanted})


@cache
def _script(name: str) -> str:
    return files("lineseal.consumers").joinpath("sql", "detect", name).read_text("utf-8")


def ask(
    connection: duckdb.DuckDBPyConnection,
    rule: Rule,
    parameters: Mapping[str, Any],
    *,
    now: dt.datetime,
    seconds: float,
) -> list[Occurrence]:
    """Ask one rule for occurrences, after ``prepare`` and ``prepare_training``.

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
    if not rule.own:
        try:
            rows = connection.execute(rule.sql, values).fetchall()
        except duckdb.Error as error:
            raise _cannot_run(rule, error) from error
        _check_rows(rule, rows)
    else:
        with _guarded(connection, rule, seconds):
            result = connection.execute(rule.sql, values)
            names = tuple(column[0] for column in result.description or ())
            if names != COLUMNS:
                raise QueryError(f"rule {rule.rule_id} must return {', '.join(COLUMNS)}")
            rows = result.fetchmany(MAX_OWN_ROWS + 1)
        if len(rows) > MAX_OWN_ROWS:
            raise SqlRefused(f"rule {rule.rule_id} returns more than {MAX_OWN_ROWS} occurrences")
        _check_rows(rule, rows)
    return rows


def gather(rule: Rule, rows: Sequence[Occurrence]) -> list[Finding]:
    """Gather occurrences into one finding for each subject and window."""
    groups: dict[tuple[str, dt.datetime | None], list[Occurrence]] = {}
    for row in rows:
        _, subject, seen_at, *_ = row
        groups.setdefault((subject, _bucket(rule, seen_at)), []).append(row)
    return [
        _finding(rule, subject, start, group)
        for (subject, start), group in sorted(
            groups.items(), key=lambda item: (item[0][0], item[0][1] or _ORIGIN)
        )
    ]


def _finding(
    rule: Rule, subject: str, start: dt.datetime | None, rows: list[Occurrence]
) -> Finding:
    occurrences = {(row[2], row[3], row[4]) for row in rows}
    events = sorted({(seen, event) for seen, event, _ in occurrences if event is not None})
    length = dt.timedelta(seconds=rule.window_seconds or 0)
    return Finding(
        rule_id=rule.rule_id,
        scope=min(row[0] for row in rows),
        subject=subject,
        window_start=start,
        # A producer may claim the last day there is.
        window_end=None if start is None else start + min(length, _LAST - start),
        first_seen=min(seen for seen, _, _ in occurrences),
        last_seen=max(seen for seen, _, _ in occurrences),
        count=len(occurrences),
        reasons=tuple(sorted({reason for _, _, reason in occurrences})[:MAX_REASONS]),
        evidence=tuple(dict.fromkeys(event for _, event in events))[:MAX_EVIDENCE],
    )


def _bucket(rule: Rule, seen_at: dt.datetime) -> dt.datetime | None:
    if rule.window_seconds is None:
        return None
    passed = (seen_at - _ORIGIN) // dt.timedelta(seconds=rule.window_seconds)
    return _ORIGIN + passed * dt.timedelta(seconds=rule.window_seconds)


@contextmanager
def _guarded(connection: duckdb.DuckDBPyConnection, rule: Rule, seconds: float) -> Generator[None]:
    check_statement(connection, rule.sql)
    connection.execute("BEGIN TRANSACTION READ ONLY")
    try:
        with watch(connection, seconds):
            yield
    except duckdb.InterruptException as error:
        raise SqlRefused(f"rule {rule.rule_id} ran over its {seconds:g} seconds") from error
    except duckdb.Error as error:
        raise _cannot_run(rule, error) from error
    finally:
        connection.execute("ROLLBACK")


def _cannot_run(rule: Rule, error: duckdb.Error) -> QueryError:
    reason = str(error).partition("\n")[0]
    return QueryError(f"rule {rule.rule_id} cannot be run: {reason}")


def _check_rows(rule: Rule, rows: list[tuple[Any, ...]]) -> None:
    for scope, subject, seen_at, event_id, reason in rows:
        texts = (scope, subject, reason)
        fine = all(isinstance(text, str) for text in texts) and isinstance(seen_at, dt.datetime)
        if not fine or not isinstance(event_id, str | None):
            raise QueryError(
                f"rule {rule.rule_id}: scope, subject and reason are texts, seen_at is a "
                "TIMESTAMP, event_id a text or null"
            )
