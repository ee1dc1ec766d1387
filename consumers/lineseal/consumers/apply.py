"""What an accepted batch means as rows of the store. Pure: no IO, no clock.

Every event becomes one row of ``event`` and one of its body's table; a run event becomes one
row of ``run_event`` and one of ``run_io`` for each input and output, as it named them: what they
mean is resolved later (``resolve``), because it depends on facts that may not have arrived yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lineseal.consumers.rows import Row, Rows
from lineseal.schemas.record import Record, to_record
from lineseal.signing.verify import VerifiedBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Say where and when a record reached this store. Times are microseconds UTC.

    Attributes:
        stream: Stream of the log it was read from.
        position: Its position there.
        log_key: The record's key: the producer as the log names it.
        logged_at: When the log stored it, or None when the log does not say.
        ingest_time: When this store took it; the same for all records of one commit.

    """

    stream: str
    position: int
    log_key: str
    logged_at: int | None
    ingest_time: int


@dataclass(frozen=True, slots=True)
class DecodedEvent:
    """Hold one accepted event of a batch.

    Attributes:
        index: Its place in the batch, from 0.
        body: Name of its body: run, registration, ...
        record: The whole event as a plain record.
        actor_verified: Whether the key that signed is bound to the actor it names.

    """

    index: int
    body: str
    record: Record
    actor_verified: bool


def apply(batch: VerifiedBatch, events: Sequence[DecodedEvent], arrival: Arrival) -> Rows:
    """Turn a verified batch and those of its events that were accepted into rows."""
    rows = Rows()
    rows.add("batch", _batch_row(batch, arrival))
    for event in events:
        rows.add("event", _event_row(batch, event, arrival))
        if event.body == "run":
            _add_run(rows, batch, event, arrival)
        else:
            body: Record = event.record["body"][event.body]
            rows.add(event.body, {**_common(event, arrival), **body})
    return rows


def _batch_row(batch: VerifiedBatch, arrival: Arrival) -> Row:
    header = to_record(batch.header)
    del header["format"], header["deployment"]
    header["event_count"] = header.pop("count")
    return {
        **header,
        "header_sha256": batch.header_sha256,
        "payload_type": batch.payload_type,
        "header": batch.header_bytes,
        "keyid": batch.keyid,
        "signature": batch.signature,
        "signatures": _several(batch),
        "stream": arrival.stream,
        "position": arrival.position,
        "logged_at": arrival.logged_at,
        "first_seen": batch.judged_at,
        "ingest_time": arrival.ingest_time,
    }


def _several(batch: VerifiedBatch) -> list[Record] | None:
    """Return all signatures where there are more than the one that counted."""
    if len(batch.signatures) == 1:
        return None
    return [to_record(signature) for signature in batch.signatures]


def _event_row(batch: VerifiedBatch, event: DecodedEvent, arrival: Arrival) -> Row:
    record = event.record
    job = record["job"] or {}
    workload = record["workload"] or {}
    return {
        "event_id": record["event_id"],
        "producer": record["producer"],
        "epoch": batch.header.epoch,
        "batch_seq": batch.header.batch_seq,
        "event_index": event.index,
        "body": event.body,
        "event_time": record["event_time"],
        "logged_at": arrival.logged_at,
        "ingest_time": arrival.ingest_time,
        "job_namespace": job.get("namespace"),
        "job_name": job.get("name"),
        "stage": record["stage"],
        "run_id": record["run_id"],
        "actor_kind": record["actor"]["kind"],
        "actor_id": record["actor"]["id"],
        "actor_verified": event.actor_verified,
        "origin": record["origin"],
        "keyid": batch.keyid,
        "trace_id": record["trace_id"],
        "span_id": record["span_id"],
        "host": workload.get("host"),
        "identity": workload.get("identity"),
        "leaf_sha256": batch.leaves[event.index].hex(),
        "raw": batch.events[event.index],
    }


def _common(event: DecodedEvent, arrival: Arrival) -> Row:
    record = event.record
    return {
        "event_id": record["event_id"],
        "producer": record["producer"],
        "event_time": record["event_time"],
        "ingest_time": arrival.ingest_time,
        "actor_kind": record["actor"]["kind"],
        "actor_id": record["actor"]["id"],
        "actor_verified": event.actor_verified,
        "origin": record["origin"],
    }


def _add_run(rows: Rows, batch: VerifiedBatch, event: DecodedEvent, arrival: Arrival) -> None:
    record = event.record
    job = record["job"] or {}
    body: Record = dict(record["body"]["run"])
    uses = {"input": body.pop("inputs"), "output": body.pop("outputs")}
    said: Row = {
        "event_id": record["event_id"],
        "producer": record["producer"],
        "run_id": record["run_id"],
        "event_time": record["event_time"],
        "ingest_time": arrival.ingest_time,
        "origin": record["origin"],
    }
    rows.add(
        "run_event",
        {
            **said,
            "job_namespace": job.get("namespace"),
            "job_name": job.get("name"),
            "stage": record["stage"],
            "epoch": batch.header.epoch,
            **body,
        },
    )
    for direction, artifacts in uses.items():
        for use in artifacts:
            fact: Row = {**said, "direction": direction, **use, **use["artifact"]}
            del fact["artifact"]
            rows.add("run_io", fact)
