"""The bytes of a log record mean one batch or nothing.

What is promised: what the frame encoder writes is the canonical Avro of ``SignedBatch``; the
parser gives it back unchanged, and refuses every other spelling, size and count with its code,
before it allocates anything for it. Source: DESIGN 4.2; attacks A6, A23, A25.

Evidence: round trips and a comparison with fastavro over drawn batches, one example per way to
be wrong, and random bytes.
"""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.schemas.codec import schema_bytes
from lineseal.schemas.errors import (
    ContractError,
    Malformed,
    NonCanonical,
    TooLarge,
    TooManyItems,
    TrailingBytes,
)
from lineseal.schemas.limits import MAX_EVENT_BYTES, MAX_RECORD_BYTES
from lineseal.schemas.model import BatchSignature, SignedBatch
from lineseal.schemas.record import to_record
from lineseal.signing.frame import FRAME_MAGIC, decode_frame, encode_frame

KEYID = "0123456789abcdef" * 4
SCHEMA = fastavro.parse_schema(json.loads(schema_bytes("signed_batch-v1.avsc")))

signatures = st.builds(
    BatchSignature,
    keyid=st.text("0123456789abcdef", min_size=64, max_size=64),
    sig=st.binary(max_size=200),
)
batches = st.builds(
    SignedBatch,
    payload_type=st.text(max_size=30),
    header=st.binary(max_size=300),
    signatures=st.lists(signatures, max_size=8).map(tuple),
    events=st.lists(st.binary(max_size=300), max_size=70).map(tuple),
)


def batch_with(**changes: Any) -> SignedBatch:
    """Return a small batch with some fields replaced."""
    values: dict[str, Any] = {
        "payload_type": "t",
        "header": b"h",
        "signatures": (BatchSignature(keyid=KEYID, sig=b"s"),),
        "events": (b"e",),
    }
    return SignedBatch(**(values | changes))


# "t" and "h" as the small batch has them, for frames written byte by byte.
START = FRAME_MAGIC + b"\x02t\x02h"
SIGNATURES = b"\x02\x80\x01" + KEYID.encode() + b"\x02s\x00"


@given(batches)
def test_a_batch_comes_back_as_it_was(batch: SignedBatch) -> None:
    """Decoding what was encoded gives the very same batch."""
    assert decode_frame(encode_frame(batch)) == batch


@given(batches)
def test_the_frame_is_what_any_avro_library_writes(batch: SignedBatch) -> None:
    """After the two first bytes it equals fastavro's encoding with the shipped schema."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, SCHEMA, to_record(batch))

    assert encode_frame(batch) == FRAME_MAGIC + buffer.getvalue()


def test_the_example_is_written_as_expected() -> None:
    """The bytes, spelled out once."""
    assert encode_frame(batch_with()) == START + SIGNATURES + b"\x02\x02e\x00"


@pytest.mark.parametrize(
    ("value", "error"),
    [
        pytest.param(b"", Malformed, id="empty"),
        pytest.param(b"\x4c\x32" + START[2:] + SIGNATURES + b"\x00", Malformed, id="magic"),
        pytest.param(FRAME_MAGIC + b"\x01", Malformed, id="negative length"),
        pytest.param(FRAME_MAGIC + b"\x80", Malformed, id="ends in a length"),
        pytest.param(FRAME_MAGIC + b"\xff" * 11, Malformed, id="length over 64 bits"),
        pytest.param(FRAME_MAGIC + b"\x06t", Malformed, id="ends in the payload type"),
        pytest.param(FRAME_MAGIC + b"\x02\xff\x02h\x00\x00", Malformed, id="type not UTF-8"),
        pytest.param(START + b"\x02\x02a\x02s\x00\x00", Malformed, id="short key id"),
        pytest.param(
            START + b"\x02\x80\x01" + KEYID.upper().encode() + b"\x02s\x00\x00",
            Malformed,
            id="key id in capitals",
        ),
        pytest.param(START + SIGNATURES + b"\x02\x06e\x00", Malformed, id="event cut short"),
        pytest.param(START + SIGNATURES + b"\x02\x02e", Malformed, id="array not ended"),
        pytest.param(FRAME_MAGIC + b"\x82\x00t\x02h\x00\x00", NonCanonical, id="padded length"),
        pytest.param(
            START + SIGNATURES + b"\x01\x04\x02e\x00", NonCanonical, id="array as a sized block"
        ),
        pytest.param(
            START + SIGNATURES + b"\x02\x02e\x02\x02e\x00", NonCanonical, id="array in two blocks"
        ),
        pytest.param(START + SIGNATURES + b"\x02\x02e\x00\x00", TrailingBytes, id="byte behind"),
    ],
)
def test_every_other_spelling_is_refused(value: bytes, error: type[ContractError]) -> None:
    """Each way to be wrong has its code."""
    with pytest.raises(error) as caught:
        decode_frame(value)

    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"payload_type": "t" * 129}, TooLarge, id="payload type"),
        pytest.param({"header": bytes(8 * 1024 + 1)}, TooLarge, id="header"),
        pytest.param({"events": (bytes(MAX_EVENT_BYTES + 1),)}, TooLarge, id="event"),
        pytest.param(
            {"signatures": (BatchSignature(keyid=KEYID, sig=bytes(8 * 1024 + 1)),)},
            TooLarge,
            id="signature",
        ),
        pytest.param({"events": (bytes(60_000),) * 18}, TooLarge, id="record"),
        pytest.param({"events": (b"",) * 1025}, TooManyItems, id="events"),
        pytest.param(
            {"signatures": (BatchSignature(keyid=KEYID, sig=b""),) * 9},
            TooManyItems,
            id="signatures",
        ),
    ],
)
def test_limits_hold(changes: dict[str, Any], error: type[ContractError]) -> None:
    """One more than allowed is refused by its code."""
    with pytest.raises(error):
        decode_frame(encode_frame(batch_with(**changes)))


def test_limits_are_inclusive() -> None:
    """Exactly as much as allowed is accepted."""
    largest = batch_with(header=bytes(8 * 1024), events=(bytes(MAX_EVENT_BYTES),) + (b"",) * 1023)

    assert decode_frame(encode_frame(largest)) == largest


def test_a_huge_length_costs_nothing() -> None:
    """A claimed length or count is judged before anything is read for it."""
    huge = b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"

    with pytest.raises(TooLarge):
        decode_frame(FRAME_MAGIC + huge)
    with pytest.raises(TooManyItems):
        decode_frame(START + huge)
    with pytest.raises(TooLarge):
        decode_frame(FRAME_MAGIC + bytes(MAX_RECORD_BYTES))


@given(st.binary(max_size=400))
def test_random_bytes_are_refused_or_canonical(tail: bytes) -> None:
    """Whatever the parser accepts is exactly what the encoder writes."""
    try:
        batch = decode_frame(FRAME_MAGIC + tail)
    except ContractError:
        return

    assert encode_frame(batch) == FRAME_MAGIC + tail
