"""How does one artifact version look as a CycloneDX component? Renders it, makes nothing up.

Text from events is kept verbatim as JSON strings; a URI is text here too and is never opened. What
no statement says is left out rather than made up. A licence is given by name: whether a text is an
SPDX identifier is for whoever reads it.
"""

from __future__ import annotations

from typing import Any

from lineseal.queries.graph import RunKey
from lineseal.queries.material import Material
from lineseal.queries.node import Node
from lineseal.queries.statements import RunDetails, Statement

Json = dict[str, Any]

_TYPES = {
    "model": "machine-learning-model",
    "checkpoint": "machine-learning-model",
    "model_update": "machine-learning-model",
    "code": "application",
    "image": "container",
    "report": "file",
}
_DATA = {"config": "configuration"}


def component(material: Material, node: Node) -> Json:
    """Render one version: a model with its card, data with its governance."""
    kind = _TYPES.get(node.kind, "data")
    registrations = material.about(node, "registration")
    made: Json = {"type": kind, "bom-ref": node.reference, "group": node.namespace}
    made["name"] = node.name
    if node.version:
        made["version"] = node.version
    if node.digest:
        made["hashes"] = [_hash(node.digest)]
    if supplier := _newest(registrations, "supplier"):
        made["supplier"] = {"name": supplier["name"]}
    if publisher := (_newest(registrations, "source") or {}).get("publisher"):
        made["publisher"] = publisher
    if licence := _newest(registrations, "licence"):
        made["licenses"] = [{"license": {"name": licence}}]
    if kind == "machine-learning-model":
        made["modelCard"] = _model_card(material, node)
        made |= _pedigree(material, node)
    elif kind == "data":
        made["data"] = [_data(node, registrations)]
    made["properties"] = _properties(material, node, registrations)
    return {key: value for key, value in made.items() if value}


def _hash(digest: str) -> Json:
    return {"alg": "SHA-256", "content": digest.removeprefix("sha256:")}


def _newest(statements: list[Statement], field: str) -> Any:
    """Return what the newest statement that says anything about *field* says."""
    said = (statement.fields[field] for statement in reversed(statements))
    return next((value for value in said if value is not None), None)


def _data(node: Node, registrations: list[Statement]) -> Json:
    owner, reviewer = _newest(registrations, "owner"), _newest(registrations, "reviewer")
    governance = {
        "owners": [_party(owner)] if owner else [],
        "stewards": [_party(reviewer)] if reviewer else [],
    }
    made: Json = {"type": _DATA.get(node.kind, "dataset"), "name": node.name}
    if parties := {key: value for key, value in governance.items() if value}:
        made["governance"] = parties
    return made


def _party(name: str) -> Json:
    return {"contact": {"name": name}}


def _model_card(material: Material, node: Node) -> Json:
    card: Json = {}
    datasets = {
        material.ancestry.lineage.nodes[edge.node].reference
        for run in _writers(material, node)
        for edge in material.ancestry.lineage.inputs.get(run, ())
        if _TYPES.get(material.ancestry.lineage.nodes[edge.node].kind, "data") == "data"
    }
    if datasets:
        refs = [{"ref": name} for name in sorted(datasets)]
        card["modelParameters"] = {"datasets": refs}
    if metrics := _performance(material.about(node, "evaluation")):
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    return card


def _performance(evaluations: list[Statement]) -> list[Json]:
    found: list[Json] = []
    for said in evaluations:
        suite = said.fields["suite"]["name"]
        found.extend(_metrics(suite, said.fields["metrics"]))
        for part in said.fields["slices"] or ():
            found.extend(_metrics(suite, part["metrics"], f"{part['name']} (n={part['n']})"))
    return found


def _metrics(suite: str, metrics: list[Json] | None, part: str | None = None) -> list[Json]:
    which = {"slice": part} if part else {}
    return [
        {"type": f"{suite}: {metric['name']}", "value": repr(metric["value"])} | which
        for metric in metrics or ()
    ]


def _pedigree(material: Material, node: Node) -> Json:
    """Name the models it was made from, and the commits of the code that made it."""
    lineage = material.ancestry.lineage
    ancestors = {
        lineage.nodes[edge.node].key: lineage.nodes[edge.node]
        for run in _writers(material, node)
        for edge in lineage.inputs.get(run, ())
        if _TYPES.get(lineage.nodes[edge.node].kind) == "machine-learning-model"
    }
    commits = [
        commit for run in _writers(material, node) if (commit := _commit(material.details.get(run)))
    ]
    made: Json = {}
    if ancestors:
        made["ancestors"] = [_named(ancestors[key]) for key in sorted(ancestors)]
    if commits:
        made["commits"] = commits
    return {"pedigree": made} if made else {}


def _named(node: Node) -> Json:
    made: Json = {"type": _TYPES[node.kind], "group": node.namespace, "name": node.name}
    if node.version:
        made["version"] = node.version
    if node.digest:
        made["hashes"] = [_hash(node.digest)]
    return made


def _commit(details: RunDetails | None) -> Json | None:
    code = details.code if details else None
    if not code or not code["commit"]:
        return None
    notes = [code["repository"] or ""] + (["with uncommitted changes"] if code["dirty"] else [])
    message = ", ".join(note for note in notes if note)
    return {"uid": code["commit"]} | ({"message": message} if message else {})


def _writers(material: Material, node: Node) -> list[RunKey]:
    edges = material.ancestry.lineage.writers.get(node.id, ())
    return material.in_order({edge.run for edge in edges})


def _properties(material: Material, node: Node, registrations: list[Statement]) -> list[Json]:
    acquisition = _newest(registrations, "acquisition") or {}
    source = _newest(registrations, "source") or {}
    profile = _newest(registrations, "profile") or {}
    registered = material.ancestry.evidence.registered.get(node.id)
    values = {
        "kind": node.kind,
        "registered": registered is not None,
        "opaque": registered.opaque if registered else None,
        "role": _newest(registrations, "role"),
        "trust_zone": _newest(registrations, "trust_zone"),
        "risk_tier": _newest(registrations, "risk_tier"),
        "source_uri": source.get("uri"),
        "source_revision": source.get("revision"),
        "acquisition": acquisition.get("method"),
        "publisher_digest": _newest(registrations, "publisher_digest"),
        "rows": profile.get("rows"),
    }
    return [
        {"name": f"lineseal:{name}", "value": _text(value)}
        for name, value in values.items()
        if value is not None
    ]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
