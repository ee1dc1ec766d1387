"""What becomes of an alert? Compares what was found with what is known, and says what changes.

An alert that is found is open; one that is not found any more, because later facts explain it, is
closed by the engine. A person's decision, an override of ``alert:ID`` under their own key, holds
until something newer than the decision is found. So the alerts that stand open are a function of
the set of facts; only the history of changes depends on the order facts came in. Pure.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lineseal.consumers.detect.findings import Finding

OPEN, ACKNOWLEDGED, CLOSED = "open", "acknowledged", "closed"
STATUSES = frozenset({OPEN, ACKNOWLEDGED, CLOSED})
EXPLAINED = "not found any more: later facts, or another policy, explain it"

State = Mapping[str, Any]
"""The newest row of ``alert``, by column."""

_CONTENT = ("first_seen", "last_seen", "count", "reasons", "evidence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Hold what a person decided about an alert, under their own key."""

    alert_id: str
    status: str
    decided_at: dt.datetime
    decided_by: str
    event_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Hold the next state of one alert; ``finding`` is None when it is not found any more."""

    alert_id: str
    revision: int
    activity: str
    status: str
    rule_id: str
    finding: Finding | None
    before: State | None
    decision: Decision | None
    reason: str | None


def changes(
    judged: Iterable[State],
    found: Iterable[Finding],
    decided: Iterable[State],
    decisions: Mapping[str, Decision],
) -> list[Change]:
    """Return what changes, in the order of alert ids.

    Args:
        judged: Alerts of the rules and scopes that were judged now.
        found: What was found in them.
        decided: Other alerts that somebody decided about since.
        decisions: The newest decision about each alert, by its id.

    """
    known = {state["alert_id"]: state for state in judged}
    current = {finding.alert_id: finding for finding in found}
    result: list[Change] = []
    for alert_id in sorted(known.keys() | current.keys()):
        finding, before = current.get(alert_id), known.get(alert_id)
        if finding is not None:
            change = _found(finding, before, decisions.get(alert_id))
        else:
            change = None if before is None else _gone(before)
        if change is not None:
            result.append(change)
    for state in decided:
        if state["alert_id"] not in known.keys() | current.keys():
            change = _decided(state, decisions.get(state["alert_id"]))
            if change is not None:
                result.append(change)
    return sorted(result, key=lambda change: change.alert_id)


def _found(finding: Finding, before: State | None, decision: Decision | None) -> Change | None:
    holds = decision is not None and decision.decided_at >= finding.last_seen
    decision = decision if holds else None
    status = OPEN if decision is None else decision.status
    if before is not None and before["status"] == status and _same(finding, before):
        return None
    return _change(before, status, finding=finding, decision=decision, rule_id=finding.rule_id)


def _gone(before: State) -> Change | None:
    if before["status"] == CLOSED:
        return None
    return _change(before, CLOSED, reason=EXPLAINED, rule_id=before["rule_id"])


def _decided(before: State, decision: Decision | None) -> Change | None:
    explained = before["status"] == CLOSED and before["decided_by"] is None
    if decision is None or explained or decision.decided_at < before["last_seen"]:
        return None
    if before["status"] == decision.status and before["decision_event_id"] == decision.event_id:
        return None
    return _change(before, decision.status, decision=decision, rule_id=before["rule_id"])


def _change(
    before: State | None,
    status: str,
    *,
    rule_id: str,
    finding: Finding | None = None,
    decision: Decision | None = None,
    reason: str | None = None,
) -> Change:
    if finding is not None:
        alert_id = finding.alert_id
    else:
        alert_id = "" if before is None else before["alert_id"]
    activity = "update"
    if before is None or (before["status"] == CLOSED and status != CLOSED):
        activity = "open"
    elif status == CLOSED:
        activity = "close"
    return Change(
        alert_id=alert_id,
        revision=1 if before is None else before["revision"] + 1,
        activity=activity,
        status=status,
        rule_id=rule_id,
        finding=finding,
        before=before,
        decision=decision,
        reason=reason if decision is None else decision.reason,
    )


def _same(finding: Finding, before: State) -> bool:
    def plain(value: Any) -> Any:
        return list(value) if isinstance(value, tuple) else value

    return all(plain(getattr(finding, name)) == before[name] for name in _CONTENT)
