"""How was one artifact version made? Says so as an in-toto Statement with SLSA provenance.

A run is the build: what it read are the resolved dependencies, its parameters the external ones.
Nothing is claimed that the record does not prove: a dependency whose version was inferred says so
in its annotations. The statement is signed over its DSSE pre-authentication encoding.

Source: in-toto Statement v1; SLSA provenance v1; DSSE 1.0.
"""

from __future__ import annotations

import json
from typing import Any

from lineseal.queries.bom.components import Json
from lineseal.queries.evidence import RunFacts
from lineseal.queries.graph import Edge, RunKey
from lineseal.queries.material import Material, seconds
from lineseal.queries.node import Node
from lineseal.queries.statements import RunDetails
from lineseal.schemas.errors import QueryError

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:lineseal:run:1"
"""How to read the parameters below: ``docs/bom.md``."""


def statement(material: Material) -> Json:
    """Render the provenance of the material's subject from the run that wrote it.

    Raises:
        QueryError: It has no digest, no run wrote it, or several did: there is no one build to
            speak of.

    """
    subject = material.ancestry.subject
    if subject.digest is None:
        raise QueryError(
            f"{subject.reference} was recorded without a digest, and provenance is about content; "
            "record it with path= or a digest"
        )
    writers = material.ancestry.lineage.writers.get(subject.id, ())
    runs = sorted({edge.run for edge in writers})
    if len(runs) != 1:
        who = "no known run" if not runs else f"{len(runs)} runs"
        raise QueryError(f"{who} wrote {subject.reference}; provenance is about exactly one")
    return {
        "_type": STATEMENT_TYPE,
        "subject": [_descriptor(subject)],
        "predicateType": PREDICATE_TYPE,
        "predicate": _predicate(material, runs[0]),
    }


def payload(document: Json) -> bytes:
    """Return the bytes to sign: the same statement gives the same bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _predicate(material: Material, run: RunKey) -> Json:
    facts, details = material.ancestry.evidence.runs[run], material.details[run]
    inputs = sorted(
        material.ancestry.lineage.inputs.get(run, ()),
        key=lambda edge: material.ancestry.lineage.rank[edge.node],
    )
    dependencies = [_dependency(material, edge) for edge in inputs]
    if code := _code(details):
        dependencies.append(code)
    dependencies += _environment(details)
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "job": facts.job,
                "stage": facts.stage,
                "parameters": {pair["key"]: pair["value"] for pair in details.parameters},
                "trigger": details.trigger,
            },
            "resolvedDependencies": dependencies,
        },
        "runDetails": {
            "builder": {"id": f"urn:lineseal:producer:{facts.producer}"},
            "metadata": _metadata(facts),
            "byproducts": [
                _descriptor(material.ancestry.lineage.nodes[edge.node])
                for edge in material.ancestry.lineage.outputs.get(run, ())
                if edge.node != material.ancestry.subject.id
            ],
        },
    }


def _metadata(facts: RunFacts) -> Json:
    return {
        "invocationId": facts.run_id,
        "startedOn": seconds(facts.started_at),
        "finishedOn": seconds(facts.ended_at),
    }


def _descriptor(node: Node) -> Json:
    made: Json = {"name": node.reference}
    if node.digest:
        made["digest"] = {"sha256": node.digest.removeprefix("sha256:")}
    return made


def _dependency(material: Material, edge: Edge) -> Json:
    made = _descriptor(material.ancestry.lineage.nodes[edge.node])
    if reasons := material.ancestry.evidence.reasons(edge):
        made["annotations"] = {"lineseal.uncertain": list(reasons)}
    return made


def _code(details: RunDetails) -> Json | None:
    code = details.code
    if not code or not code["commit"]:
        return None
    made: Json = {"name": "code", "digest": {"gitCommit": code["commit"]}}
    if code["repository"]:
        made["annotations"] = {"lineseal.repository": code["repository"]}
    if code["dirty"]:
        made.setdefault("annotations", {})["lineseal.dirty"] = True
    return made


def _environment(details: RunDetails) -> list[Json]:
    environment: dict[str, Any] = details.environment or {}
    return [
        {"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}}
        for name in ("image", "lockfile")
        if (digest := environment.get(f"{name}_digest"))
    ]
