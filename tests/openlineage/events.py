"""OpenLineage events as the specification's prose describes them, written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lineseal.producers.adapters.openlineage import Document, Mapped, map_document, read_documents
from lineseal.producers.adapters.openlineage.encoding import Sender
from lineseal.schemas.codec import EVENT_SCHEMA_SHA256, decode_event
from lineseal.schemas.model import Actor, ActorKind, Kind, Origin
from lineseal.schemas.record import Record

PRODUCER = "https://github.com/OpenLineage/OpenLineage/tree/1.54.0/integration/spark"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
Json = dict[str, Any]


def facet(**fields: Any) -> Json:
    """Make a facet."""
    return {"_producer": PRODUCER, "_schemaURL": "https://example.com/facet.json", **fields}


def data(name: str, namespace: str = "s3://lake", **facets: Any) -> Json:
    """Make a data set; ``v="3"`` gives it a version."""
    version = facets.pop("v", None)
    if version is not None:
        facets["version"] = facet(datasetVersion=version)
    return {"namespace": namespace, "name": name, "facets": facets}


def run_event(
    number: int = 1,
    state: str | None = "COMPLETE",
    at: str = "2026-01-01T10:00:00Z",
    *,
    job: str | Json = "etl",
    inputs: Sequence[Json] = (),
    outputs: Sequence[Json] = (),
    run_facets: Mapping[str, Any] | None = None,
    job_facets: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Json:
    """Make a run event of run *number*; a field that is changed to None is left out.

    A job is a name in ``ns``, or everything that is said of it.
    """
    named = {"namespace": "ns", "name": job} if isinstance(job, str) else job
    event = {
        "eventType": state,
        "eventTime": at,
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
        "run": {"runId": run_id(number), "facets": dict(run_facets or {})},
        "job": {"facets": dict(job_facets or {}), **named},
        "inputs": list(inputs),
        "outputs": list(outputs),
        **changes,
    }
    return {key: value for key, value in event.items() if value is not None}


def without(event: Json, *keys: str) -> Json:
    """Return an event that lacks some fields."""
    return {key: value for key, value in event.items() if key not in keys}


def run_id(number: int) -> str:
    """Give the id of a run."""
    return f"0190b0a0-0000-7000-8000-{number:012x}"


def sender(
    origin: Origin = Origin.GATEWAY, kinds: Sequence[tuple[Kind, str]] = (), **changes: Any
) -> Sender:
    """Make a sender called airflow, received by gateway."""
    actor = Actor(kind=ActorKind.SERVICE, id="airflow")
    return Sender(producer="gateway", actor=actor, origin=origin, kinds=kinds, **changes)


def document(event: Json | str | bytes) -> Document:
    """Read one event as it would arrive."""
    text = event if isinstance(event, bytes | str) else json.dumps(event)
    (found,) = read_documents(text if isinstance(text, bytes) else text.encode())
    assert isinstance(found, Document)
    return found


def mapped(event: Json | str | bytes, by: Sender | None = None) -> Mapped:
    """Map one event."""
    return map_document(document(event), by or sender())


def bodies(event: Json | str | bytes, by: Sender | None = None) -> list[tuple[str, Record]]:
    """Map one event, and decode what came out: (body's name, body)."""
    decoded = [decode_event(data, EVENT_SCHEMA_SHA256) for data in mapped(event, by).events]
    return [(name, record["body"][name]) for name, record in decoded]


def first_run(event: Json | str | bytes, by: Sender | None = None) -> Record:
    """Map one event, and return the body of its run event."""
    name, body = bodies(event, by)[0]
    assert name == "run"
    return body


def uses(body: Record, direction: str) -> list[tuple[str, str | None, str | None]]:
    """Return (name, version, role) of what a run event names."""
    return [
        (use["artifact"]["name"], use["artifact"]["version"], use["role"])
        for use in body[f"{direction}s"]
    ]


def parameter(body: Record, key: str) -> str | None:
    """Return a parameter, or an attribute of a registration."""
    pairs = body.get("parameters") or body.get("attributes") or []
    return next((pair["value"] for pair in pairs if pair["key"] == key), None)
