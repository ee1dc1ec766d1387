"""Is this version approved, by somebody who may? Judges approvals; asks nothing.

An approval counts when it names the version or its digest, is signed by the approver's own key,
was given explicitly, still holds, and comes from somebody other than who made or requested the
version (DESIGN 4.1, 8). Of one approver the newest decision at a gate counts; one rejection under
an own key outweighs every approval.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from lineseal.queries.statements import NAME, Statement
from lineseal.queries.times import format_time, from_microseconds

APPROVE, REJECT, EXPLICIT = "approve", "reject", "explicit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """Hold who approved a version, each with a key of their own, and why others do not count.

    ``rejected`` is a sentence when somebody rejected it under their own key.
    """

    people: tuple[str, ...]
    rejected: str | None
    faults: tuple[str, ...]


def judge_approvals(
    statements: Iterable[Statement],
    *,
    gates: Collection[str],
    makers: set[str],
    now: dt.datetime,
    allowed: Collection[str] = (),
) -> Approvals:
    """Judge what was decided about a version at any of *gates*.

    Args:
        statements: What was said about the version, the oldest first.
        gates: Names of the gates whose approval is enough.
        makers: People who made the version.
        now: Naive UTC; approvals that end by then no longer hold.
        allowed: People who may approve; empty: anybody.

    """
    newest: dict[str, Statement] = {}
    for said in statements:
        if said.body == "approval" and said.names != NAME and said.fields["gate"] in gates:
            newest[_decider(said)] = said
    known_makers = {person_key(maker) for maker in makers}
    known_allowed = {person_key(person) for person in allowed}
    faults: list[str] = []
    people: dict[str, str] = {}
    rejected: list[str] = []
    for said in newest.values():
        who = said.fields["approver"]
        fault = _fault(said, known_makers, known_allowed, now)
        if said.fields["decision"] == REJECT:
            if own_key(said):
                rejected.append(f"{who} rejected it on {format_time(said.event_time)}")
        elif fault is None:
            people.setdefault(person_key(who), who)
        else:
            faults.append(fault)
    return Approvals(
        people=tuple(sorted(people.values())),
        rejected=min(rejected, default=None),
        faults=tuple(faults),
    )


def approval_faults(
    statements: Iterable[Statement],
    *,
    gates: Collection[str],
    makers: set[str],
    now: dt.datetime,
    people: int = 1,
    allowed: Collection[str] = (),
) -> list[str]:
    """Return why fewer than *people* approved a version; empty when enough did.

    The other arguments are those of ``judge_approvals``.
    """
    judged = judge_approvals(statements, gates=gates, makers=makers, now=now, allowed=allowed)
    if judged.rejected is not None:
        return [judged.rejected]
    count = len(judged.people)
    if count >= people:
        return []
    if count == 0:
        return [*judged.faults] or ["nobody approved it"]
    so_far = f"{count} of {people} people approved it with their own keys"
    return [f"{so_far}: {', '.join(judged.people)}", *judged.faults]


def person_key(name: str) -> str:
    """Return what one person's spellings have in common, as the store's macro of that name."""
    return re.sub(r"^(person|user):", "", name).partition("@")[0].strip(" ").lower()


def own_key(said: Statement) -> bool:
    """Tell whether an approval is signed by the personal key of the approver it names."""
    return said.proven_actor and said.fields["actor_id"] == said.fields["approver"]


def _decider(said: Statement) -> str:
    """Return who decided; a name that is only asserted can not take back a proven decision."""
    return f"{'own' if own_key(said) else 'asserted'}:{said.fields['approver']}"


def _fault(said: Statement, makers: set[str], allowed: set[str], now: dt.datetime) -> str | None:
    fields: dict[str, Any] = said.fields
    who = fields["approver"]
    if fields["decision"] != APPROVE:
        return f"{who} decided '{fields['decision']}'"
    if said.untrusted is not None:
        return f"the approval of {who} proves nothing: its key is suspended ({said.untrusted})"
    if not own_key(said):
        return f"the approval of {who} is only asserted, not signed with their own key"
    if fields["mode"] != EXPLICIT:
        return f"the approval of {who} was given by {fields['mode']}"
    if allowed and person_key(who) not in allowed:
        return f"{who} is not among those who may approve here"
    if person_key(who) in makers:
        return f"{who} approved what {who} made"
    if person_key(who) == person_key(fields["requested_by"] or ""):
        return f"{who} approved what {who} requested"
    if fields["expires_at"] is not None:
        ends = from_microseconds(fields["expires_at"])
        if ends <= now:
            return f"the approval of {who} ended at {format_time(ends)}"
    return None
