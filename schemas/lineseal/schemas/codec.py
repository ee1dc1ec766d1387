"""Encodes events for sealing and decodes sealed bytes, strictly.

Rules: only schemas shipped in ``avro/`` are known, by the SHA-256 of their exact bytes; no
reader schema is ever applied; every byte must be consumed; encoding the decoded value again must
give the same bytes; then the values are checked. Any failure is a ``ContractError``; no other
exception leaves ``decode``. Source: DESIGN 4.2; fastavro alone accepts enum -1, union -2 and
trailing bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
from functools import cache
from importlib.resources import files
from typing import cast

import fastavro
from fastavro.types import Schema

from lineseal.schemas.errors import (
    BadIdentifier,
    ContractError,
    InvalidEvent,
    Malformed,
    NonCanonical,
    TooLarge,
    TrailingBytes,
    UnknownSchema,
)
from lineseal.schemas.guard import check_event, check_record
from lineseal.schemas.limits import MAX_EVENT_BYTES, MAX_HEADER_BYTES
from lineseal.schemas.lint import check_schema
from lineseal.schemas.model import BatchHeader, Event
from lineseal.schemas.record import Record, from_record, to_record

_DECODE_FAILURES = (
    EOFError,
    IndexError,
    ValueError,
    OverflowError,
    TypeError,
    KeyError,
    AttributeError,
    RecursionError,
    MemoryError,
)


@cache
def schema_bytes(name: str) -> bytes:
    """Return the exact bytes of a shipped ``.avsc`` file."""
    return files("lineseal.schemas").joinpath("avro", name).read_bytes()


@cache
def schema_sha256(name: str) -> str:
    """Return the SHA-256 of a shipped ``.avsc`` file as 64 lower-case hex characters."""
    return hashlib.sha256(schema_bytes(name)).hexdigest()


@cache
def _parsed(name: str) -> Schema:
    schema = json.loads(schema_bytes(name))
    check_schema(schema)
    return fastavro.parse_schema(schema)


EVENT_SCHEMA = "event-v1.avsc"
HEADER_SCHEMA = "batch_header-v1.avsc"
EVENT_SCHEMA_SHA256 = schema_sha256(EVENT_SCHEMA)
ALLOWED_EVENT_SCHEMAS: dict[str, str] = {EVENT_SCHEMA_SHA256: EVENT_SCHEMA}
"""SHA-256 of every event schema a consumer accepts, to its file name."""


def encode_event(event: Event) -> bytes:
    """Check and encode an event as canonical Avro, at most 60 KiB.

    Raises:
        InvalidEvent: The event breaks the contract; the message names the field.

    """
    return encode_event_record(to_record(event))


def encode_event_record(record: Record) -> bytes:
    """Check and encode an event given as a plain record. See ``encode_event``."""
    try:
        check_event(record)
        data = _encode(EVENT_SCHEMA, record)
    except ContractError as error:
        raise InvalidEvent(str(error)) from error
    if len(data) > MAX_EVENT_BYTES:
        raise InvalidEvent(f"the event is {len(data)} bytes, more than {MAX_EVENT_BYTES}")
    return data


def decode_event(data: bytes, schema: str) -> tuple[str, Record]:
    """Decode and check the bytes of one event.

    Args:
        data: Exactly the bytes whose leaf is in the verified batch.
        schema: SHA-256 from the signed header, 64 lower-case hex characters.

    Returns:
        The body's name and the whole event as a plain record.

    Raises:
        UnknownSchema: *schema* is not on the allow-list.
        ContractError: Any other way the bytes break the contract, by its own code.

    """
    name = ALLOWED_EVENT_SCHEMAS.get(schema)
    if name is None:
        raise UnknownSchema(f"no event schema has the SHA-256 {schema[:64]}")
    if len(data) > MAX_EVENT_BYTES:
        raise TooLarge(f"an event is {len(data)} bytes, more than {MAX_EVENT_BYTES}")
    record = _decode(name, data)
    return check_event(record), record


def encode_header(header: BatchHeader) -> bytes:
    """Check and encode a batch header as canonical Avro."""
    record = to_record(header)
    check_record(BatchHeader, record)
    return _encode(HEADER_SCHEMA, record)


def decode_header(data: bytes) -> BatchHeader:
    """Decode and check a batch header. Verify its signature first.

    Raises:
        ContractError: The bytes break the contract, by code.

    """
    if len(data) > MAX_HEADER_BYTES:
        raise TooLarge(f"the header is {len(data)} bytes, more than {MAX_HEADER_BYTES}")
    record = _decode(HEADER_SCHEMA, data)
    check_record(BatchHeader, record)
    return from_record(BatchHeader, record)


def to_event(record: Record) -> Event:
    """Build the typed event from a record that ``decode_event`` gave."""
    return from_record(Event, record)


def _encode(name: str, record: Record) -> bytes:
    buffer = io.BytesIO()
    try:
        fastavro.schemaless_writer(buffer, _parsed(name), record)
    except UnicodeEncodeError as error:
        raise BadIdentifier("text holds a lone surrogate") from error
    except _DECODE_FAILURES as error:
        raise Malformed(f"not encodable as {name}: {type(error).__name__}") from error
    return buffer.getvalue()


def _decode(name: str, data: bytes) -> Record:
    buffer = io.BytesIO(data)
    try:
        record = cast("Record", fastavro.schemaless_reader(buffer, _parsed(name), None))
    except _DECODE_FAILURES as error:
        raise Malformed(f"not a value of {name}: {type(error).__name__}") from error
    if buffer.tell() != len(data):
        raise TrailingBytes(f"{len(data) - buffer.tell()} bytes follow the value")
    if _encode(name, record) != data:
        raise NonCanonical(f"the bytes are not the canonical encoding of their {name} value")
    return record
