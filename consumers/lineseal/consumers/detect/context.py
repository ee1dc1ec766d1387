"""What stood around the subject? Sources, releases and people of its recent ancestry.

For people who triage: where the data below the subject came from, which versions appeared and who
decided what, in the days before the last occurrence. It is what was known when that change of the
alert was written, and no part of the alert's identity.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import duckdb

from lineseal.consumers.detect.findings import Finding

MAX_ITEMS = 20
"""Sources, releases and people of one alert, the newest."""


def contexts(
    connection: duckdb.DuckDBPyConnection, findings: Iterable[Finding], *, days: int
) -> dict[str, str]:
    """Return the context of each finding as a JSON object, by alert id."""
    wanted = list(findings)
    if not wanted:
        return {}
    rows = connection.execute(
        _sql(),
        {
            "alerts": [finding.alert_id for finding in wanted],
            "subjects": [finding.subject for finding in wanted],
            "scopes": [finding.scope for finding in wanted],
            "untils": [finding.last_seen for finding in wanted],
            "back": days,
        },
    ).fetchall()
    found: dict[str, dict[str, list[dict[str, Any]]]] = {
        finding.alert_id: {"sources": [], "releases": [], "people": []} for finding in wanted
    }
    for alert_id, kind, at, name, detail in rows:
        items = found[alert_id][kind]
        if len(items) < MAX_ITEMS:
            items.append({"at": _shown(at), "name": name, "what": detail})
    return {
        alert_id: json.dumps({"days": days, **items}, ensure_ascii=True)
        for alert_id, items in found.items()
    }


def _shown(at: dt.datetime) -> str:
    return f"{at.isoformat(timespec='microseconds')}Z"


@cache
def _sql() -> str:
    file = files("lineseal.consumers").joinpath("sql", "detect", "context.sql")
    return file.read_text("utf-8")
