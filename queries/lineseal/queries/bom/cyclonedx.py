"""What is a model made of, as a CycloneDX ML-BOM? One document from one ancestry.

The same record gives the same bytes: the time in it is that of the newest event, the serial number
is derived from the content. ``compositions`` says honestly whether the ancestry is proven.

Source: CycloneDX 1.6 and 1.7 (ECMA-424). cyclonedx-python-lib cannot write model cards, data or
formulations, so the JSON is made here; its strict validator judges it in the tests.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from importlib.metadata import version
from typing import Any

from lineseal.queries.bom.components import Json, component
from lineseal.queries.bom.formulation import decisions, workflow
from lineseal.queries.material import Material, seconds

SPEC_VERSIONS = ("1.6", "1.7")
_NAMESPACE = uuid.UUID("9b1f6a1e-6f0b-5d0c-8d54-0f6c0a6d2f11")


def cyclonedx(material: Material, spec_version: str = "1.6") -> Json:
    """Render the bill of materials of the material's subject.

    Args:
        material: What ``load_material`` gave.
        spec_version: One of ``SPEC_VERSIONS``.

    """
    subject, *others = material.nodes
    document: Json = {
        "$schema": f"http://cyclonedx.org/schema/bom-{spec_version}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": spec_version,
        "version": 1,
        "metadata": _metadata(material),
        "components": [component(material, node) for node in others],
        "dependencies": _dependencies(material),
        "compositions": [_composition(material)],
        "annotations": [one for node in material.nodes for one in decisions(material, node)],
        "formulation": _formulation(material),
    }
    document["metadata"]["component"] = component(material, subject)
    document["serialNumber"] = f"urn:uuid:{_serial(document)}"
    return document


def _serial(document: Json) -> uuid.UUID:
    content = json.dumps(document, sort_keys=True).encode()
    return uuid.uuid5(_NAMESPACE, hashlib.sha256(content).hexdigest())


def _metadata(material: Material) -> Json:
    tool = {"type": "application", "name": "lineseal", "version": version("lineseal")}
    properties = [
        {"name": "lineseal:complete", "value": "false" if material.ancestry.defects else "true"},
        *({"name": "lineseal:warning", "value": text} for text in material.ancestry.warnings),
    ]
    return {
        "timestamp": seconds(material.newest),
        "tools": {"components": [tool]},
        "properties": properties,
    }


def _dependencies(material: Material) -> list[Json]:
    """Say for each version what the runs that wrote it read."""
    lineage = material.ancestry.lineage
    found: list[Json] = []
    for node in material.nodes:
        inputs = {
            lineage.nodes[edge.node].reference
            for written in lineage.writers.get(node.id, ())
            for edge in lineage.inputs.get(written.run, ())
        }
        # A version that was read and written in place does not depend on itself.
        found.append({"ref": node.reference, "dependsOn": sorted(inputs - {node.reference})})
    return found


def _composition(material: Material) -> Json:
    return {
        "aggregate": "incomplete" if material.ancestry.defects else "complete",
        "dependencies": sorted(node.reference for node in material.nodes),
    }


def _formulation(material: Material) -> list[Json]:
    workflows: list[dict[str, Any]] = [workflow(material, run) for run in material.runs]
    return [{"workflows": workflows}] if workflows else []
