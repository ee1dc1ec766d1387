"""How was a model made, and who decided what? Runs as workflows, decisions as annotations."""

from __future__ import annotations

from typing import Any

from lineseal.queries.bom.components import Json
from lineseal.queries.graph import Edge, RunKey
from lineseal.queries.material import Material, seconds
from lineseal.queries.node import Node
from lineseal.queries.statements import NAME, Statement

DECISIONS = ("validation", "quarantine", "approval", "promotion", "override", "verdict")
_WHO = {"approval": "approver", "override": "made_by", "validation": "reviewed_by"}
_SAID = {
    "validation": "outcome",
    "quarantine": "action",
    "approval": "decision",
    "promotion": "action",
    "override": "after",
    "verdict": "decision",
}


def workflow(material: Material, run: RunKey) -> Json:
    """Render one run; its parameters are those it was recorded with."""
    lineage = material.ancestry.lineage
    facts = material.ancestry.evidence.runs[run]
    details = material.details[run]
    inputs: list[Json] = [{"resource": one} for one in _uses(material, lineage.inputs.get(run, ()))]
    if details.parameters:
        pairs = [{"name": pair["key"], "value": pair["value"]} for pair in details.parameters]
        inputs.append({"parameters": pairs})
    outputs: list[Json] = [
        {"type": "artifact", "resource": one}
        for one in _uses(material, lineage.outputs.get(run, ()))
    ]
    made: Json = {
        "bom-ref": f"run:{facts.producer}/{facts.run_id}",
        "uid": facts.run_id,
        "name": facts.job,
        "taskTypes": ["build"],
        "timeStart": seconds(facts.started_at),
        "timeEnd": seconds(facts.ended_at),
        "inputs": inputs,
        "outputs": outputs,
        "properties": _properties(material, run),
    }
    return {key: value for key, value in made.items() if value}


def _uses(material: Material, edges: Any) -> list[Json]:
    nodes = material.ancestry.lineage.nodes
    found: list[Edge] = list(edges)
    return [{"ref": name} for name in sorted({nodes[edge.node].reference for edge in found})]


def _properties(material: Material, run: RunKey) -> list[Json]:
    facts, details = material.ancestry.evidence.runs[run], material.details[run]
    edges = (
        *material.ancestry.lineage.inputs.get(run, ()),
        *material.ancestry.lineage.outputs.get(run, ()),
    )
    reasons = {reason for edge in edges for reason in material.ancestry.evidence.reasons(edge)}
    values = {
        "producer": facts.producer,
        "stage": facts.stage,
        "state": facts.state,
        "uncertain": ", ".join(sorted(reasons)) or None,
        **{f"code.{key}": value for key, value in (details.code or {}).items()},
        **{f"environment.{key}": value for key, value in (details.environment or {}).items()},
    }
    return [
        {"name": f"lineseal:{name}", "value": _text(value)}
        for name, value in values.items()
        if value is not None
    ]


def decisions(material: Material, node: Node) -> list[Json]:
    """Render what people and checks decided about one version, the oldest first.

    What was said about the name alone says nothing of this version, and is left out.
    """
    return [
        _annotation(node, said) for said in material.about(node, *DECISIONS) if said.names != NAME
    ]


def _annotation(node: Node, said: Statement) -> Json:
    named = said.fields.get(_WHO.get(said.body, "")) or said.fields["actor_id"]
    proven = said.proven_actor and named == said.fields["actor_id"]
    how = "signed with their own key" if proven else "asserted"
    reason = said.fields.get("reason") or said.fields.get("reasons") or ""
    text = f"{said.body}: {said.fields[_SAID[said.body]]} by {named} ({how})"
    if reason:
        text += f": {reason if isinstance(reason, str) else '; '.join(reason)}"
    return {
        "bom-ref": f"event:{said.event_id}:{node.reference}",
        "subjects": [node.reference],
        "annotator": {"individual": {"name": named}},
        "timestamp": seconds(said.event_time),
        "text": text,
    }


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
