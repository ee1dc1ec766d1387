"""What changed in what the rules find? Compares parts with those of the round before.

A part is what one rule finds in one scope; a round judges some scopes, and only their parts can
change. So what a commit costs depends on what it touched, and not on how many alerts there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import duckdb

from lineseal.consumers.detect.findings import Part
from lineseal.consumers.write import TableWriter
from lineseal.queries.rules import Rule

Key: TypeAlias = tuple[str, str]
"""Alert id and scope: the identity of a part."""

_PART = (
    'SELECT rule_id, scope, subject, window_start, window_end, first_seen, last_seen, "count",'
    " reasons, evidence FROM alert_part"
)
_JUDGED = """
SELECT DISTINCT said.rule_id, said.scope
FROM said
JOIN (SELECT unnest($rules) AS rule_id, unnest($judges) AS judges, unnest($facts) AS fact) rule
  USING (rule_id)
SEMI JOIN judged_scope USING (judges, fact, scope)
"""


@dataclass(slots=True)
class PartChanges:
    """Hold the parts that went, and those that came or changed, by their keys."""

    gone: set[Key] = field(default_factory=set[Key])
    added: dict[Key, Part] = field(default_factory=dict[Key, Part])

    @property
    def alert_ids(self) -> set[str]:
        """Return the ids of the alerts they belong to."""
        return {alert_id for alert_id, _ in (*self.gone, *self.added)}

    def add(self, other: PartChanges) -> None:
        """Add the changes other rules made."""
        self.gone |= other.gone
        self.added |= other.added

    def untouched(self, parts: Iterable[Part]) -> list[Part]:
        """Return those of *parts* that stay as they are."""
        moved = self.gone | self.added.keys()
        return [part for part in parts if (part.alert_id, part.scope) not in moved]


def compare(
    connection: duckdb.DuckDBPyConnection,
    rules: Collection[Rule],
    found: Iterable[Part],
    *,
    everywhere: bool,
) -> PartChanges:
    """Compare what *rules* found in the scopes they judged with what is known of these.

    Args:
        connection: The store's, with the tables of ``news.prepare``.
        rules: All that were asked.
        found: What they found; parts in scopes they were not to judge do not count.
        everywhere: Whether they judged everything.

    """
    narrow = [rule for rule in rules if not everywhere and rule.judges is not None]
    ids = {rule.rule_id for rule in narrow}
    wide = [rule.rule_id for rule in rules if rule.rule_id not in ids]
    new = {(part.alert_id, part.scope): part for part in found}
    places = {(part.rule_id, part.scope) for part in new.values() if part.rule_id in ids}
    inside = _inside(connection, narrow, places)
    new = {
        key: part
        for key, part in new.items()
        if part.rule_id not in ids or (part.rule_id, part.scope) in inside
    }
    old = {(part.alert_id, part.scope): part for part in _known(connection, narrow, wide)}
    return PartChanges(
        gone=old.keys() - new.keys(),
        added={key: part for key, part in new.items() if old.get(key) != part},
    )


def parts_of(connection: duckdb.DuckDBPyConnection, alert_ids: Iterable[str]) -> list[Part]:
    """Return the parts of alerts."""
    ids = list(alert_ids)
    if not ids:
        return []
    return _read(connection, _PART + " WHERE alert_id IN (SELECT unnest($ids))", {"ids": ids})


def write_parts(
    connection: duckdb.DuckDBPyConnection, writer: TableWriter, moved: PartChanges
) -> None:
    """Replace the parts that changed, in the transaction that is open."""
    keys = [*moved.gone, *moved.added]
    if not keys:
        return
    connection.execute(
        "DELETE FROM alert_part USING (SELECT unnest($ids) AS alert_id, unnest($scopes) AS scope) k"
        " WHERE alert_part.alert_id = k.alert_id AND alert_part.scope = k.scope",
        {"ids": [alert_id for alert_id, _ in keys], "scopes": [scope for _, scope in keys]},
    )
    writer.insert("alert_part", [_row(part) for part in moved.added.values()])


def _known(
    connection: duckdb.DuckDBPyConnection, narrow: list[Rule], wide: list[str]
) -> list[Part]:
    known: list[Part] = []
    if wide:
        of_rules = _PART + " WHERE rule_id IN (SELECT unnest($rules))"
        known += _read(connection, of_rules, {"rules": wide})
    if narrow:
        judged = f"WITH said AS (FROM alert_part), judged AS ({_JUDGED}) "
        in_scope = judged + _PART + " SEMI JOIN judged USING (rule_id, scope)"
        known += _read(connection, in_scope, _facts(narrow))
    return known


def _inside(
    connection: duckdb.DuckDBPyConnection, narrow: list[Rule], places: set[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Return those of *places*, rule and scope, that were to be judged."""
    if not places:
        return set()
    said = "WITH said AS (SELECT unnest($found) AS rule_id, unnest($scopes) AS scope)"
    rows = connection.execute(
        said + _JUDGED,
        {
            **_facts(narrow),
            "found": [rule_id for rule_id, _ in places],
            "scopes": [scope for _, scope in places],
        },
    ).fetchall()
    return {(rule_id, scope) for rule_id, scope in rows}


def _facts(rules: Iterable[Rule]) -> dict[str, list[str | None]]:
    said = [(rule.rule_id, rule.judges, fact) for rule in rules for fact in rule.reads]
    return {
        "rules": [rule_id for rule_id, _, _ in said],
        "judges": [judges for _, judges, _ in said],
        "facts": [fact for _, _, fact in said],
    }


def _read(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any]
) -> list[Part]:
    return [
        Part(
            rule_id=rule_id,
            scope=scope,
            subject=subject,
            window_start=start,
            window_end=end,
            first_seen=first,
            last_seen=last,
            count=count,
            reasons=tuple(reasons),
            evidence=tuple((item["event_time"], item["event_id"]) for item in evidence),
        )
        for (
            rule_id,
            scope,
            subject,
            start,
            end,
            first,
            last,
            count,
            reasons,
            evidence,
        ) in connection.execute(sql, parameters).fetchall()
    ]


def _row(part: Part) -> dict[str, Any]:
    return {
        "alert_id": part.alert_id,
        "rule_id": part.rule_id,
        "scope": part.scope,
        "subject": part.subject,
        "window_start": part.window_start,
        "window_end": part.window_end,
        "first_seen": part.first_seen,
        "last_seen": part.last_seen,
        "count": part.count,
        "reasons": list(part.reasons),
        "evidence": [{"event_time": at, "event_id": event} for at, event in part.evidence],
    }
