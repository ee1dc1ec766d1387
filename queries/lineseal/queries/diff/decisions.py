"""Did other people decide, or decide otherwise? Compares decisions, checks and people.

A decision is compared by what was decided about which name by whom, not by its event: each version
is approved anew. What is said of a name alone is left out, as it is about no version.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lineseal.queries.diff.changes import Row, change_row, compare
from lineseal.queries.material import Material
from lineseal.queries.node import Node
from lineseal.queries.statements import NAME, Statement

_DECIDED = {
    "approval": ("decision", "approver"),
    "override": ("after", "made_by"),
    "quarantine": ("action", "reviewer"),
    "promotion": ("action", "actor_id"),
    "verdict": ("decision", "actor_id"),
}
_PEOPLE = (
    "owner",
    "reviewer",
    "reviewed_by",
    "annotator",
    "submitted_by",
    "approver",
    "requested_by",
    "made_by",
    "approved_by",
)


def decision_changes(before: Material, after: Material) -> Iterator[Row]:
    """Yield decisions, validations, evaluations and people that differ."""
    for body, (field, _) in _DECIDED.items():
        yield from compare(body, _decided(before, body, field), _decided(after, body, field))
    yield from compare("validation", _validations(before), _validations(after))
    yield from compare("evaluation", _metrics(before), _metrics(after))
    old, new = _people(before), _people(after)
    for person in sorted(old ^ new):
        yield change_row(
            "person", person, person if person in old else None, person if person in new else None
        )


def _each(material: Material, *bodies: str) -> Iterator[tuple[str, Statement]]:
    """Yield statements with the name they are about; the model itself is ``this model``."""
    subject = material.ancestry.subject
    for node in material.nodes:
        for said in material.about(node, *bodies):
            if said.names != NAME:
                yield ("this model" if node.id == subject.id else _plain(node)), said


def _plain(node: Node) -> str:
    return f"{node.kind}:{node.namespace}/{node.name}"


def _decided(material: Material, body: str, field: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, said in _each(material, body):
        who = said.fields[_DECIDED[body][1]] or said.fields["actor_id"]
        mode = said.fields.get("mode")
        how = "own key" if said.proven_actor and who == said.fields["actor_id"] else "asserted"
        note = ", ".join(part for part in (how, mode if mode != "explicit" else None) if part)
        key = f"{name}: {said.fields.get('gate')}" if said.fields.get("gate") else name
        text = f"{said.fields[field]} by {who} ({note})"
        found[key] = f"{found[key]}; {text}" if key in found else text
    return found


def _validations(material: Material) -> dict[str, str]:
    return {
        f"{name}: {said.fields['check']['tool']}/{said.fields['check']['name']}": _outcome(said)
        for name, said in _each(material, "validation")
    }


def _outcome(said: Statement) -> str:
    checked, rejected = said.fields["rows_checked"], said.fields["rows_rejected"]
    counts = "" if checked is None else f", {rejected or 0} of {checked} rows rejected"
    return f"{said.fields['outcome']}{counts}"


def _metrics(material: Material) -> dict[str, Any]:
    """Return the metrics of the model's own evaluations, slices included; the newest counts."""
    found: dict[str, Any] = {}
    for said in material.about(material.ancestry.subject, "evaluation"):
        suite = said.fields["suite"]["name"]
        found[f"{suite}: outcome"] = said.fields["outcome"]
        for metric in said.fields["metrics"] or ():
            found[f"{suite}: {metric['name']}"] = metric["value"]
        for part in said.fields["slices"] or ():
            for metric in part["metrics"] or ():
                found[f"{suite}: {metric['name']} of {part['name']}"] = metric["value"]
    return found


def _people(material: Material) -> set[str]:
    found: set[str] = set()
    for about in material.statements.values():
        for said in about:
            found.update(str(said.fields[field]) for field in _PEOPLE if said.fields.get(field))
            if said.fields["actor_kind"] == "human":
                found.add(said.fields["actor_id"])
    return found
