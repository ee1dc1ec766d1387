"""Small events, and bytes that no honest encoder would write."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro

from lineseal.schemas.codec import EVENT_SCHEMA, HEADER_SCHEMA, schema_bytes
from lineseal.schemas.model import (
    Actor,
    ActorKind,
    AnyBody,
    Artifact,
    ArtifactUse,
    BatchHeader,
    Event,
    Genesis,
    Kind,
    Metric,
    Origin,
    Pair,
    Registration,
    RunEvent,
    RunState,
    Subject,
    body_of,
)
from lineseal.schemas.record import Record, to_record


def event(body: AnyBody | None = None, **fields: Any) -> Event:
    """Make an event that keeps the contract; *fields* replace its own."""
    values: dict[str, Any] = {
        "event_id": "0190f0a0-0000-7000-8000-000000000001",
        "event_time": 1_790_000_000_000_000,
        "producer": "train-eu",
        "actor": Actor(kind=ActorKind.SERVICE, id="train-eu"),
        "origin": Origin.EMITTER,
        "run_id": "0190f0a0-0000-7000-8000-000000000002",
        "body": body_of(body or run()),
    }
    return Event(**{**values, **fields})


def run(**fields: Any) -> RunEvent:
    """Make a run that read one artifact."""
    transactions = Artifact(kind=Kind.DATASET, namespace="lake", name="transactions", version="3")
    values: dict[str, Any] = {
        "state": RunState.COMPLETE,
        "inputs": (ArtifactUse(artifact=transactions, rows=10),),
        "parameters": (Pair(key="lr", value="0.1"),),
        "metrics": (Metric(name="auc", value=0.93),),
    }
    return RunEvent(**{**values, **fields})


def registration(**fields: Any) -> Registration:
    """Make a registration of a source."""
    values: dict[str, Any] = {"subject": Subject(type="source", name="partner-feed")}
    return Registration(**{**values, **fields})


def header(**fields: Any) -> BatchHeader:
    """Make the header of a first batch."""
    values: dict[str, Any] = {
        "format": 1,
        "deployment": "bank",
        "producer": "train-eu",
        "epoch": "0190f0a0-0000-7000-8000-000000000003",
        "batch_seq": 0,
        "first_seq": 0,
        "count": 1,
        "prev_header_sha256": "0" * 64,
        "merkle_root": "1" * 64,
        "schema_sha256": "2" * 64,
        "created_at": 1_790_000_000_000_000,
        "flags": 1,
        "genesis": Genesis(),
    }
    return BatchHeader(**{**values, **fields})


def changed(record: Record, path: str, value: Any) -> Record:
    """Return a deep copy of *record* with the value at *path* (``a.b.0.c``) replaced."""
    copy: Any = json.loads(json.dumps(record))
    *parents, last = path.split(".")
    inner = copy
    for step in parents:
        inner = inner[int(step)] if isinstance(inner, list) else inner[step]
    if isinstance(inner, list):
        inner[int(last)] = value
    else:
        inner[last] = value
    return copy  # type: ignore[no-any-return]


def unchecked_event(record: Record) -> bytes:
    """Encode without any of our checks, as an attacker with a valid key would."""
    return _write(EVENT_SCHEMA, record)


def unchecked_header(record: Record) -> bytes:
    """Encode a header without any of our checks."""
    return _write(HEADER_SCHEMA, record)


def differing_byte(first: Event, second: Event) -> int:
    """Return where the encodings of two events of equal length differ first."""
    pair = zip(unchecked_event(to_record(first)), unchecked_event(to_record(second)), strict=True)
    return next(index for index, (left, right) in enumerate(pair) if left != right)


def _write(schema: str, record: Record) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, json.loads(schema_bytes(schema)), record)
    return buffer.getvalue()
