"""Sizes and counts that both sides of the contract enforce (DESIGN 4.2).

All byte limits are for encoded bytes; all are inclusive ("at most").
"""

from __future__ import annotations

MAX_EVENT_BYTES = 60 * 1024
MAX_BATCH_EVENTS = 1024
MAX_BATCH_BYTES = 900 * 1024
"""Sum of the event bytes at which a batch closes."""
MAX_RECORD_BYTES = 1024 * 1024
"""One log record: frame, header, signatures and events."""
MAX_HEADER_BYTES = 8 * 1024
MAX_SIGNATURES = 8
MAX_SIGNATURE_BYTES = 8 * 1024
MAX_PAYLOAD_TYPE_BYTES = 128
MAX_STRING_BYTES = 8 * 1024
MAX_IDENTIFIER_BYTES = 1024
MAX_EVENT_NODES = 4096
"""Values of any kind inside one event, counted by the guard."""
MAX_TIME = 253_402_300_799_999_999
"""Latest time an event may claim, in microseconds: the end of the year 9999. What lies beyond is
infinity to DuckDB and an error to Python's calendar."""
