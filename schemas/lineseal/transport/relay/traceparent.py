"""Says in which trace a sealed batch was begun, as the W3C header ``traceparent``.

It is for tools that follow messages by their headers. Nothing of ours reads it: headers are not
signed, and the events carry their trace under signature. Only a batch in which two ids seem to
stand is taken apart.

Source: W3C Trace Context, section 3.2; OpenTelemetry's conventions for messaging.
"""

from __future__ import annotations

import re

from lineseal.schemas.codec import decode_event, decode_header
from lineseal.schemas.errors import ContractError
from lineseal.signing.frame import decode_frame

_MAYBE = re.compile(rb"\x02@[0-9a-f]{32}\x02 [0-9a-f]{16}")
"""Trace and span id as they stand in an event: two texts of 32 and 16 characters, both given."""
_TRACE = re.compile(r"(?!0{32})[0-9a-f]{32}")
_SPAN = re.compile(r"(?!0{16})[0-9a-f]{16}")


def traceparent_of(value: bytes) -> str | None:
    """Return the trace context in which the first event of a batch was emitted.

    The flag says that the span may have been recorded: an event does not tell. None when there is
    no trace, or when the bytes are no batch of ours: they are shipped all the same.
    """
    if _MAYBE.search(value) is None:
        return None
    try:
        batch = decode_frame(value)
        header = decode_header(batch.header)
        _, event = decode_event(batch.events[0], header.schema_sha256)
    except (ContractError, IndexError):
        return None
    trace, span = str(event["trace_id"]), str(event["span_id"])
    if _TRACE.fullmatch(trace) and _SPAN.fullmatch(span):
        return f"00-{trace}-{span}-01"
    return None
