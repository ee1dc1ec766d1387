"""Writes whole events straight from a body and its context: the fast way of ``envelope``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lineseal.producers.capture.redact import redact_pair
from lineseal.producers.capture.secret_keys import is_secret_key
from lineseal.producers.capture.secret_text import redact_identifier, redact_text
from lineseal.schemas.limits import MAX_EVENT_BYTES
from lineseal.schemas.model import (
    BODY_FIELDS,
    IDENTIFIER,
    Actor,
    AnyBody,
    Job,
    Origin,
    RunEvent,
    Workload,
)
from lineseal.schemas.straight import NO_CLEANING, Cleaning, StraightWriter
from lineseal.schemas.zigzag import encode_long

_NULL: Final = b"\0"
_SET: Final = b"\2"
_NUMBER_OF: Final = {cls: number for number, cls in enumerate(BODY_FIELDS.values())}
_BEFORE: Final = [_NULL * number + _SET for number in range(len(_NUMBER_OF))]
_BEHIND: Final = [_NULL * (len(_NUMBER_OF) - 1 - number) for number in range(len(_NUMBER_OF))]
"""What stands before and behind the body that is set."""
REDACTION: Final = Cleaning(redact_text, redact_identifier, is_secret_key, redact_pair)
_ID_LENGTH: Final = encode_long(36)
Trace = tuple[str | None, str | None]
_ORIGIN: Final = encode_long(list(Origin).index(Origin.EMITTER))


@dataclass(frozen=True, slots=True)
class Context:
    """Say which job, stage and run an event belongs to; all None outside a run."""

    job: Job | None = None
    stage: str | None = None
    run_id: str | None = None


class StraightEnvelope:
    """Writes events of one producer and actor. Safe to share between threads."""

    def __init__(self, producer: str, actor: Actor, workload: Workload | None) -> None:
        # Only bodies are redacted.
        self._job = StraightWriter(Job, NO_CLEANING)
        self._name_or_null: Mapping[str, bytes] = self._job.text(IDENTIFIER, _SET)
        self._bodies = {cls: StraightWriter(cls, REDACTION) for cls in _NUMBER_OF}
        self._speaker = self._about(producer, actor)
        self._last: tuple[Context, Trace, bytes] | None = None
        self._workload = _NULL
        if workload is not None:
            pieces = StraightWriter(Workload, NO_CLEANING).pieces(workload)
            self._workload = b"".join([_SET, *(pieces or [])])
            self._speaker = self._speaker if pieces else None

    def write(
        self,
        event_id: str,
        moment: int,
        body: AnyBody,
        context: Context,
        trace: Trace,
    ) -> bytes | None:
        """Return the event's canonical bytes, at most 60 KiB; None when the reference must judge.

        Args:
            event_id: UUIDv7 of the event, 36 characters.
            moment: When it happened, microseconds UTC, not before 1970.
            body: Its body.
            context: Its job, stage and run.
            trace: Ids of trace and span.

        """
        if self._speaker is None or (type(body) is RunEvent and context.run_id is None):
            return None
        after = self._known_after(context, trace)
        if after is None:
            return None
        number = _NUMBER_OF[type(body)]
        out = [
            _ID_LENGTH,
            event_id.encode(),
            encode_long(moment),
            self._speaker,
            _BEFORE[number],
        ]
        if not self._bodies[type(body)].append(body, out):
            return None
        out += (_BEHIND[number], after)
        data = b"".join(out)
        return data if len(data) <= MAX_EVENT_BYTES else None

    def _known_after(self, context: Context, trace: Trace) -> bytes | None:
        """Return what stands behind the body; the last one is kept, since runs say many things."""
        known = self._last
        if known is not None and known[1] == trace and (known[0] is context or known[0] == context):
            return known[2]
        after = self._after(context, trace)
        if after is not None:
            self._last = (context, trace, after)
        return after

    def _after(self, context: Context, trace: Trace) -> bytes | None:
        job: list[bytes] | None = [_NULL]
        if context.job is not None:
            job = self._job.pieces(context.job)
            if job is not None:
                job.insert(0, _SET)
        if job is None:
            return None
        names = self._name_or_null
        try:
            texts = [
                _NULL if text is None else names[text]
                for text in (context.stage, context.run_id, *trace)
            ]
        except Exception:  # noqa: BLE001 - whatever it is, the reference words it
            return None
        return b"".join([*job, *texts, self._workload])

    def _about(self, producer: str, actor: Actor) -> bytes | None:
        pieces = StraightWriter(Actor, NO_CLEANING).pieces(actor)
        try:
            return (
                None
                if pieces is None
                else b"".join([self._job.text(IDENTIFIER)[producer], *pieces, _ORIGIN])
            )
        except Exception:  # noqa: BLE001 - as above
            return None
