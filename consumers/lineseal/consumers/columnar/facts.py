"""What accepted events mean as rows of the store: ``apply`` over whole columns.

Each function gives one table in Arrow with the columns that ``apply`` gives as dicts; which
columns a table has is settled by the table itself when it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lineseal.consumers.apply import Arrival
from lineseal.consumers.columnar.codec import Decoded, Mask
from lineseal.consumers.columnar.guard import fields
from lineseal.consumers.columnar.one_body import Index
from lineseal.signing.verify import VerifiedBatch

Columns = dict[str, Any]
_TIME = pa.timestamp("us")


@dataclass(frozen=True, slots=True)
class Accepted:
    """Hold accepted events in columns.

    Attributes:
        decoded: The events, all of one body.
        proven: Whether each proves who acted.
        batch_of: Place in *batches* of each event's batch.
        index: Its place in that batch, from 0.
        batches: The batches.
        arrivals: When and where each of them arrived.

    """

    decoded: Decoded
    proven: Mask
    batch_of: Index
    index: Index
    batches: Sequence[VerifiedBatch]
    arrivals: Sequence[Arrival]


def to_tables(accepted: Accepted) -> list[tuple[str, Any]]:
    """Turn accepted events into name and rows of each table they fill."""
    event = _event(accepted)
    name, body = accepted.decoded.name, fields(accepted.decoded.body)
    if name == "run":
        return [("event", pa.table(event)), *_run(event, body)]
    return [("event", pa.table(event)), (name, pa.table({**_pick(event, _COMMON), **body}))]


_COMMON = (
    "event_id",
    "producer",
    "event_time",
    "ingest_time",
    "actor_kind",
    "actor_id",
    "actor_verified",
    "origin",
)
_OF_RUN = ("event_id", "producer", "run_id", "event_time", "ingest_time", "origin")
_OF_RUN_EVENT = (*_OF_RUN, "job_namespace", "job_name", "stage", "epoch")


def _event(accepted: Accepted) -> Columns:
    columns, batches, arrivals = accepted.decoded.columns, accepted.batches, accepted.arrivals
    at = pa.array(accepted.batch_of)
    job, workload, actor = (columns.column(name).flatten() for name in ("job", "workload", "actor"))
    return {
        "event_id": columns.column("event_id"),
        "producer": columns.column("producer"),
        "epoch": pa.array([batch.header.epoch for batch in batches]).take(at),
        "batch_seq": pa.array([batch.header.batch_seq for batch in batches]).take(at),
        "event_index": pa.array(accepted.index),
        "body": pa.repeat(pa.scalar(accepted.decoded.name), len(at)),
        "event_time": columns.column("event_time").cast(_TIME),
        "logged_at": pa.array([a.logged_at for a in arrivals], pa.int64()).take(at).cast(_TIME),
        "ingest_time": pa.array([a.ingest_time for a in arrivals], pa.int64()).take(at).cast(_TIME),
        "job_namespace": job[0],
        "job_name": job[1],
        "stage": columns.column("stage"),
        "run_id": columns.column("run_id"),
        "actor_kind": actor[0],
        "actor_id": actor[1],
        "actor_verified": pa.array(accepted.proven),
        "origin": columns.column("origin"),
        "keyid": pa.array([batch.keyid for batch in batches]).take(at),
        "trace_id": columns.column("trace_id"),
        "span_id": columns.column("span_id"),
        "host": workload[0],
        "identity": workload[1],
        "leaf_sha256": _leaves(accepted),
        "raw": accepted.decoded.raw,
    }


def _leaves(accepted: Accepted) -> Any:
    leaves = [
        accepted.batches[batch].leaves[index]
        for batch, index in zip(accepted.batch_of.tolist(), accepted.index.tolist(), strict=True)
    ]
    digits = pa.py_buffer(b"".join(leaves).hex().encode())
    bounds = np.arange(len(leaves) + 1, dtype=np.int32) * 64
    return pa.StringArray.from_buffers(len(leaves), pa.py_buffer(bounds), digits)


def _run(event: Columns, body: Columns) -> list[tuple[str, Any]]:
    uses = {"input": body.pop("inputs"), "output": body.pop("outputs")}
    tables = [("run_event", pa.table({**_pick(event, _OF_RUN_EVENT), **body}))]
    said = _pick(event, _OF_RUN)
    for direction, column in uses.items():
        use = column.flatten()
        if not len(use):
            continue
        owner = pa.array(np.repeat(np.arange(len(column)), column.value_lengths().to_numpy()))
        fact = {name: values.take(owner) for name, values in said.items()}
        fact["direction"] = pa.repeat(pa.scalar(direction), len(use))
        fact.update(fields(use))
        fact.update(fields(fact.pop("artifact")))
        tables.append(("run_io", pa.table(fact)))
    return tables


def _pick(event: Columns, names: Sequence[str]) -> Columns:
    return {name: event[name] for name in names}
