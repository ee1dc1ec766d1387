"""How does one statement read as a sentence? Who did what and why, and what stands out about it.

``by`` is the person or service the statement names; ``own_key`` tells whether that person's own
key signed it (DESIGN 4.1). What stands out: decisions by default or time-out, by the one who asked
for them or made the thing, names that are only asserted, overrides that nobody else approved.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from lineseal.queries.statements import Statement

Fields = Mapping[str, Any]

ASSERTED = "the name is only asserted"
_HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Told:
    """Hold one statement as told: ``person`` says that ``by`` names a human."""

    did: str
    by: str
    person: bool
    own_key: bool
    reason: str | None
    stands_out: tuple[str, ...]


def describe(said: Statement, makers: Collection[str] = ()) -> Told:
    """Tell one statement; *makers* made what it is about."""
    fields = said.fields
    named = next((fields[field] for field in _WHO.get(said.body, ()) if fields.get(field)), None)
    by = named or fields["actor_id"]
    human = fields["actor_kind"] == _HUMAN
    own_key = said.proven_actor and by == fields["actor_id"]
    person = named is not None or human
    return Told(
        did=_DID[said.body](fields),
        by=by,
        person=person,
        own_key=own_key,
        reason=_reason(fields),
        stands_out=_stands_out(said, by, own_key=own_key or not person, makers=makers),
    )


_WHO: dict[str, tuple[str, ...]] = {
    "registration": ("submitted_by",),
    "validation": ("reviewed_by",),
    "quarantine": ("reviewer",),
    "approval": ("approver",),
    "override": ("made_by",),
    "label_review": ("annotator", "vendor"),
    "feedback": ("reviewed_by",),
    "access": ("principal",),
    "containment": ("ordered_by",),
}


def _reason(fields: Fields) -> str | None:
    reason = fields.get("reason") or fields.get("reasons")
    return "; ".join(reason) if isinstance(reason, list) else reason


def _stands_out(
    said: Statement, by: str, *, own_key: bool, makers: Collection[str]
) -> tuple[str, ...]:
    fields = said.fields
    found: list[str] = []
    mode = fields.get("mode")
    if mode in ("default", "timeout"):
        found.append(f"given by {mode}")
    if said.body == "approval" and by == fields["requested_by"]:
        found.append("requested by the same person")
    if said.body in ("approval", "quarantine") and by in makers:
        found.append("made by the same person")
    if said.body == "override" and fields["approved_by"] in (None, by):
        found.append("no second person approved it")
    if said.body == "containment" and _alone(fields, by):
        found.append("released without a second person")
    if not own_key and said.body in _DECISIONS:
        found.append(ASSERTED)
    return tuple(found)


_DECISIONS = ("approval", "override", "quarantine", "containment")


def _alone(fields: Fields, by: str) -> bool:
    return fields["action"] == "release" and fields["approved_by"] in (None, by)


def _labels(fields: Fields) -> str:
    changed = sum(flip["count"] for flip in fields["flips"] or ())
    items = "" if fields["items"] is None else f" of {fields['items']:,}"
    return f"reviewed labels ({fields['method']}): {changed:,}{items} changed"


def _promotion(fields: Fields) -> str:
    there = fields["to_environment"] or fields["from_environment"]
    return f"{fields['action']} {there}" if there else str(fields["action"])


_DID: dict[str, Callable[[Fields], str]] = {
    "registration": lambda f: f"registered, {f['state']}" if f["state"] else "registered",
    "validation": lambda f: f"check {f['check']['tool']}/{f['check']['name']}: {f['outcome']}",
    "evaluation": lambda f: f"evaluation {f['suite']['name']}, {f['phase']}: {f['outcome']}",
    "quarantine": lambda f: f"quarantine {f['action']}",
    "approval": lambda f: f"{f['decision']} at {f['gate']}",
    "promotion": _promotion,
    "override": lambda f: f"override: {f['before']} -> {f['after']}",
    "label_review": _labels,
    "feedback": lambda f: f"{f['submissions']:,} submissions through {f['channel']}",
    "access": lambda f: f"{f['action']} {f['outcome']}",
    "containment": lambda f: str(f["action"]),
    "incident": lambda f: f"incident {f['incident_id']} {f['state']}",
    "verdict": lambda f: f"gate {f['gate']}: {f['decision']}",
}
