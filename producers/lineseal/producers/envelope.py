"""Turns a body into the exact bytes that are sealed: envelope, redaction, check, encoding.

Two ways, the same bytes: straight from the model, and, for whatever that is not certain about, by
the reference in ``codec``, which then also says what is wrong.
"""

from __future__ import annotations

from typing import Any

from lineseal.producers.capture.redact import redact_record
from lineseal.producers.straight import Context, StraightEnvelope
from lineseal.producers.tracing import active_trace
from lineseal.schemas.codec import encode_event_record
from lineseal.schemas.errors import InvalidEvent
from lineseal.schemas.ids import new_uuid7, now_us
from lineseal.schemas.model import BODY_FIELDS, Actor, AnyBody, Origin, Workload
from lineseal.schemas.record import Record, to_record

__all__ = ["Context", "Envelope"]

_FIELD_OF: dict[type, str] = {cls: name for name, cls in BODY_FIELDS.items()}
_NO_BODY: dict[str, None] = dict.fromkeys(BODY_FIELDS)


class Envelope:
    """Wraps bodies for one producer and actor. Safe to share between threads.

    Attributes:
        straight: The fast way.

    """

    def __init__(self, producer: str, actor: Actor, workload: Workload | None) -> None:
        self.straight = StraightEnvelope(producer, actor, workload)
        self._fixed: Record = {
            "producer": producer,
            "actor": to_record(actor),
            "origin": Origin.EMITTER.value,
            "workload": None if workload is None else to_record(workload),
        }

    def seal_up(
        self, body: AnyBody, context: Context, chance: bytes | None = None
    ) -> tuple[str, bytes]:
        """Return the new event's id and its canonical bytes, at most 60 KiB.

        *chance* is for the id, see ``new_uuid7``.

        Raises:
            InvalidEvent: The body breaks the contract, or is none.

        """
        if type(body) not in _FIELD_OF:
            raise InvalidEvent(f"{type(body).__name__} is not an event body")
        moment = now_us()
        event_id = new_uuid7(moment, chance)
        trace = active_trace()
        data = self.straight.write(event_id, moment, body, context, trace)
        if data is None:
            data = encode_event_record(self.to_record(event_id, moment, body, context, trace))
        return event_id, data

    def to_record(
        self,
        event_id: str,
        moment: int,
        body: AnyBody,
        context: Context,
        trace: tuple[str | None, str | None],
    ) -> Record:
        """Return the event as a plain record, redacted and not checked: the reference way."""
        name = _FIELD_OF[type(body)]
        bodies: dict[str, Any] = {
            **_NO_BODY,
            name: redact_record(type(body), to_record(body)),
        }
        return {
            **self._fixed,
            "event_id": event_id,
            "event_time": moment,
            "body": bodies,
            "job": None if context.job is None else to_record(context.job),
            "stage": context.stage,
            "run_id": context.run_id,
            "trace_id": trace[0],
            "span_id": trace[1],
        }
