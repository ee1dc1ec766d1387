"""Turns a body into the exact bytes that are sealed: envelope, redaction, check, encoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lineseal.producers.capture.redact import redact_record
from lineseal.producers.tracing import active_trace
from lineseal.schemas.codec import encode_event_record
from lineseal.schemas.errors import InvalidEvent
from lineseal.schemas.ids import new_uuid7, now_us
from lineseal.schemas.model import BODY_FIELDS, Actor, AnyBody, Job, Origin, Workload
from lineseal.schemas.record import Record, to_record

_FIELD_OF: dict[type, str] = {cls: name for name, cls in BODY_FIELDS.items()}
_NO_BODY: dict[str, None] = dict.fromkeys(BODY_FIELDS)


@dataclass(frozen=True, slots=True)
class Context:
    """Say which job, stage and run an event belongs to; all None outside a run."""

    job: Job | None = None
    stage: str | None = None
    run_id: str | None = None


class Envelope:
    """Wraps bodies for one producer and actor."""

    def __init__(self, producer: str, actor: Actor, workload: Workload | None) -> None:
        self._fixed: Record = {
            "producer": producer,
            "actor": to_record(actor),
            "origin": Origin.EMITTER.value,
            "workload": None if workload is None else to_record(workload),
        }

    def seal_up(self, body: AnyBody, context: Context) -> tuple[str, bytes]:
        """Return the new event's id and its canonical bytes, at most 60 KiB.

        Raises:
            InvalidEvent: The body breaks the contract, or is none.

        """
        name = _FIELD_OF.get(type(body))
        if name is None:
            raise InvalidEvent(f"{type(body).__name__} is not an event body")
        moment = now_us()
        event_id = new_uuid7(moment)
        trace_id, span_id = active_trace()
        bodies: dict[str, Any] = {
            **_NO_BODY,
            name: redact_record(type(body), to_record(body)),
        }
        record: Record = {
            **self._fixed,
            "event_id": event_id,
            "event_time": moment,
            "body": bodies,
            "job": None if context.job is None else to_record(context.job),
            "stage": context.stage,
            "run_id": context.run_id,
            "trace_id": trace_id,
            "span_id": span_id,
        }
        return event_id, encode_event_record(record)
