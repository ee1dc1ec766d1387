"""Is this version approved, by somebody who may? Judges approvals; asks nothing.

An approval counts when it names the version or its digest, is signed by the approver's own key,
was given explicitly, still holds, and comes from somebody other than who made or requested the
version (DESIGN 4.1, 8). Of one approver the newest decision at a gate counts; one rejection under
an own key outweighs every approval.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Any

from lineseal.queries.statements import NAME, Statement
from lineseal.queries.times import format_time, from_microseconds

APPROVE, REJECT, EXPLICIT = "approve", "reject", "explicit"


def approval_faults(
    statements: Iterable[Statement], *, gates: Collection[str], makers: set[str], now: dt.datetime
) -> list[str]:
    """Return why a version is not approved at any of *gates*; empty when it is.

    Args:
        statements: What was said about the version, the oldest first.
        gates: Names of the gates whose approval is enough.
        makers: People who made the version.
        now: Naive UTC; approvals that end by then no longer hold.

    """
    newest: dict[str, Statement] = {}
    for said in statements:
        if said.body == "approval" and said.names != NAME and said.fields["gate"] in gates:
            newest[_decider(said)] = said
    faults: list[str] = []
    approved = False
    for said in newest.values():
        fault = _fault(said, makers, now)
        if said.fields["decision"] == REJECT:
            if own_key(said):
                return [f"{said.fields['approver']} rejected it on {format_time(said.event_time)}"]
        elif fault is None:
            approved = True
        else:
            faults.append(fault)
    if approved:
        return []
    return faults or ["nobody approved it"]


def own_key(said: Statement) -> bool:
    """Tell whether an approval is signed by the personal key of the approver it names."""
    return said.proven_actor and said.fields["actor_id"] == said.fields["approver"]


def _decider(said: Statement) -> str:
    """Return who decided; a name that is only asserted can not take back a proven decision."""
    return f"{'own' if own_key(said) else 'asserted'}:{said.fields['approver']}"


def _fault(said: Statement, makers: set[str], now: dt.datetime) -> str | None:
    fields: dict[str, Any] = said.fields
    who = fields["approver"]
    if fields["decision"] != APPROVE:
        return f"{who} decided '{fields['decision']}'"
    if not own_key(said):
        return f"the approval of {who} is only asserted, not signed with their own key"
    if fields["mode"] != EXPLICIT:
        return f"the approval of {who} was given by {fields['mode']}"
    if who in makers:
        return f"{who} approved what {who} made"
    if who == fields["requested_by"]:
        return f"{who} approved what {who} requested"
    if fields["expires_at"] is not None:
        ends = from_microseconds(fields["expires_at"])
        if ends <= now:
            return f"the approval of {who} ended at {format_time(ends)}"
    return None
