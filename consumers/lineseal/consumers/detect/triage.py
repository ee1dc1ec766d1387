"""Which alerts are there? Reads them for people: the list, and one with everything around it.

Both are questions that a running service answers too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import duckdb
from rich.console import Console
from rich.text import Text

from lineseal.commandline.escape import visible
from lineseal.commandline.output import Answer
from lineseal.queries.question import Question
from lineseal.queries.times import format_time
from lineseal.schemas.errors import Ambiguous, NotFound

_LEAST_PREFIX = 4
SHORT_ID = 8
"""Characters of an alert's id that people see; any prefix that is one alert's names it."""
_MAX_LINES = 3

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


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsParams:
    """Say which alerts to list."""

    only_open: bool = True
    rule: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertParams:
    """Say which alert to show: by the first characters of its id."""

    identity: str


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


def _alerts(connection: duckdb.DuckDBPyConnection, params: AlertsParams) -> Answer:
    rows = alert_rows(connection, only_open=params.only_open, rule=params.rule)
    return Answer(query="alerts", rows=rows)


def _alert(connection: duckdb.DuckDBPyConnection, params: AlertParams) -> Answer:
    alert_id, _ = find_alert(connection, params.identity)
    result = connection.execute("SELECT * FROM alert WHERE alert_id = $id", {"id": alert_id})
    names = [column[0] for column in result.description or ()]
    (values,) = result.fetchall()
    row = dict(zip(names, values, strict=True))
    row["context"] = json.loads(row["context"])
    history = connection.execute(_HISTORY, {"id": alert_id})
    named = [column[0] for column in history.description or ()]
    row["history"] = [_plain(dict(zip(named, each, strict=True))) for each in history.fetchall()]
    return Answer(query="alert", subject=params.identity, rows=[_plain(row)])


ALERTS = Question(name="alerts", params=AlertsParams, run=_alerts)
ALERT = Question(name="alerts-show", params=AlertParams, run=_alert)


def print_alerts(console: Console, answer: Answer) -> None:
    """Print two or more lines for each alert: what it is about, and what was found."""
    for row in answer.rows:
        _line(
            console, f"{row['id'][:SHORT_ID]}  {row['rule']}  {row['severity']:<8}", row["subject"]
        )
        for reason in row["reasons"][:_MAX_LINES]:
            _line(console, " " * SHORT_ID, reason)
        more = len(row["reasons"]) - _MAX_LINES
        if more > 0:
            _line(console, " " * SHORT_ID, f"and {more} more; see 'lineseal alerts show'")
        if row["status"] != "open":
            by = row["decided_by"] or "later facts"
            _line(console, " " * SHORT_ID, f"{row['status']} by {by}: {row['decision_reason']}")


def print_alert(console: Console, answer: Answer) -> None:
    """Print one alert for people: what, why, around it, and what was decided."""
    (row,) = answer.rows
    listed = {**row, "id": row["alert_id"], "rule": row["rule_id"]}
    print_alerts(console, Answer(query="alerts", rows=[listed]))
    first = row["evidence"][0] if row["evidence"] else "none"
    facts = {
        "alert": row["alert_id"],
        "title": row["title"],
        "seen": f"{row['first_seen']} to {row['last_seen']}, {row['count']} times",
        "techniques": ", ".join((*row["techniques"], *row["owasp"])),
        "runbook": row["runbook"],
        "evidence": f"{len(row['evidence'])} events, the first {first}",
    }
    for name, value in facts.items():
        _line(console, f"{name:<10}", str(value))
    for part, items in row["context"].items():
        for item in items if isinstance(items, list) else ():
            _line(console, f"{part:<10}", f"{item['at'][:19]}Z {item['name']}: {item['what']}")
    for each in row["history"]:
        by = f" by {each['decided_by']}" if each["decided_by"] else ""
        why = f": {each['decision_reason']}" if each["decision_reason"] else ""
        _line(console, f"{'history':<10}", f"{each['changed_at'][:19]}Z {each['status']}{by}{why}")


def _line(console: Console, head: str, text: str) -> None:
    console.print(Text(f"{head}  {visible(text)}"), soft_wrap=True)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: format_time(value) if hasattr(value, "isoformat") else value
        for name, value in row.items()
    }
