"""Which alerts are there? Reads them for people: the list, and one with everything around it."""

from __future__ import annotations

import json
from typing import Any

import duckdb

from lineseal.queries.times import format_time
from lineseal.schemas.errors import Ambiguous, NotFound

_LEAST_PREFIX = 4

_LIST = """
SELECT alert_id, rule_id, severity, confidence, status, subject, title, first_seen, last_seen,
  "count", reasons, techniques, owasp, decided_by, decision_reason, revision, runbook
FROM alert
WHERE (NOT $only_open OR status <> 'closed') AND ($rule IS NULL OR rule_id = $rule)
ORDER BY list_position(['critical', 'high', 'medium', 'low', 'info'], severity),
  last_seen DESC, alert_id"""

_NAMES = (
    "id", "rule", "severity", "confidence", "status", "subject", "title", "first_seen", "last_seen",
    "count", "reasons", "techniques", "owasp", "decided_by", "decision_reason", "revision",
    "runbook",
)  # fmt: skip

_HISTORY = """
SELECT revision, activity, status, changed_at, "count", decided_by, decision_reason
FROM alert_change WHERE alert_id = $id ORDER BY revision"""


def alert_rows(
    connection: duckdb.DuckDBPyConnection, *, only_open: bool, rule: str | None = None
) -> list[dict[str, Any]]:
    """Return alerts, the most severe first, then the newest."""
    rows = connection.execute(_LIST, {"only_open": only_open, "rule": rule}).fetchall()
    return [_plain(dict(zip(_NAMES, row, strict=True))) for row in rows]


def find_alert(connection: duckdb.DuckDBPyConnection, identity: str) -> tuple[str, str]:
    """Return id and status of the alert whose id starts with *identity*.

    Raises:
        NotFound: There is none, or fewer than four characters are given.
        Ambiguous: There are several.

    """
    if len(identity) < _LEAST_PREFIX:
        raise NotFound(f"give at least {_LEAST_PREFIX} characters of the alert's id")
    rows = connection.execute(
        "SELECT alert_id, status FROM alert WHERE starts_with(alert_id, lower($id)) LIMIT 6",
        {"id": identity},
    ).fetchall()
    if not rows:
        raise NotFound(
            f"no alert's id starts with {identity!r}; 'lineseal alerts --all' lists them"
        )
    if len(rows) > 1:
        raise Ambiguous(
            f"several alerts' ids start with {identity!r}; say more", tuple(row[0] for row in rows)
        )
    return rows[0]


def shown(connection: duckdb.DuckDBPyConnection, found: tuple[str, str]) -> dict[str, Any]:
    """Return one alert with evidence, context and history."""
    result = connection.execute("SELECT * FROM alert WHERE alert_id = $id", {"id": found[0]})
    names = [column[0] for column in result.description or ()]
    (values,) = result.fetchall()
    row = dict(zip(names, values, strict=True))
    row["context"] = json.loads(row["context"])
    history = connection.execute(_HISTORY, {"id": found[0]})
    named = [column[0] for column in history.description or ()]
    row["history"] = [_plain(dict(zip(named, each, strict=True))) for each in history.fetchall()]
    return _plain(row)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: format_time(value) if hasattr(value, "isoformat") else value
        for name, value in row.items()
    }
