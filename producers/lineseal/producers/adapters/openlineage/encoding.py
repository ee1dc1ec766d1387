"""Makes sealed events of what a document means, with ids that follow from the document.

The id is a UUIDv7 of the event's time whose random part is a hash, so that the same document from
the same sender always gives the same events.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lineseal.producers.adapters.openlineage.datasets import Kinds
from lineseal.producers.capture.redact import redact_record
from lineseal.producers.parts import split_run
from lineseal.schemas.codec import encode_event_record
from lineseal.schemas.errors import InvalidDocument, InvalidEvent
from lineseal.schemas.model import BODY_FIELDS, Actor, AnyBody, Job, Origin, RunEvent
from lineseal.schemas.record import Record, to_record

_FIELD_OF: dict[type, str] = {cls: name for name, cls in BODY_FIELDS.items()}
_MILLIS = (1 << 48) - 1


@dataclass(frozen=True, slots=True)
class Sender:
    """Say who received documents, and from whom.

    Attributes:
        producer: Whom the events are sealed under.
        actor: Who said it: the client, as far as the receiver knows.
        origin: How it came here.
        kinds: Which names are no data sets, as (kind, pattern of ``namespace/name``).
        writes: Patterns of ``namespace/name`` that its word about owners counts for.

    """

    producer: str
    actor: Actor
    origin: Origin
    kinds: Kinds = ()
    writes: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """Say when, and in which run, something happened.

    Attributes:
        event_time: Microseconds UTC.
        identity: What the document is, whatever its spelling.
        job: The job, if any.
        run_id: The run, if any.
        stage: The stage of the pipeline, if known.

    """

    event_time: int
    identity: bytes
    job: Job | None = None
    run_id: str | None = None
    stage: str | None = None


def encode_bodies(
    bodies: Sequence[AnyBody], sender: Sender, occasion: Occasion
) -> tuple[bytes, ...]:
    """Encode bodies in order; a run event that is too large becomes several.

    Raises:
        InvalidDocument: One breaks the contract in a way that cannot be mended.

    """
    try:
        return tuple(
            encode_event_record(_record(body, index, sender, occasion))
            for index, body in enumerate(_parts(bodies))
        )
    except InvalidEvent as error:
        raise InvalidDocument(f"the event cannot be recorded: {error}") from error


def _parts(bodies: Sequence[AnyBody]) -> Iterator[AnyBody]:
    for body in bodies:
        yield from split_run(body) if isinstance(body, RunEvent) else [body]


def _record(body: AnyBody, index: int, sender: Sender, occasion: Occasion) -> Record:
    name = _FIELD_OF[type(body)]
    bodies: Record = dict.fromkeys(BODY_FIELDS)
    bodies[name] = redact_record(type(body), to_record(body))
    return {
        "event_id": _event_id(index, sender, occasion),
        "event_time": occasion.event_time,
        "producer": sender.producer,
        "actor": to_record(sender.actor),
        "origin": sender.origin.value,
        "body": bodies,
        "job": None if occasion.job is None else to_record(occasion.job),
        "stage": occasion.stage,
        "run_id": occasion.run_id,
        "trace_id": None,
        "span_id": None,
        "workload": None,
    }


def _event_id(index: int, sender: Sender, occasion: Occasion) -> str:
    seed = f"{sender.producer}\n{sender.origin.value}\n{index}\n".encode()
    rest = hashlib.sha256(seed + occasion.identity).digest()[:10]
    value = (occasion.event_time // 1000 & _MILLIS) << 80 | int.from_bytes(rest, "big")
    # Version 7, variant 2 (RFC 9562).
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return str(uuid.UUID(int=value))
