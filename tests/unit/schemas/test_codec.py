"""Bytes are either the one canonical encoding of an event that keeps the contract, or refused.

What is promised: whatever a producer may say survives encoding and decoding unchanged; whatever
fastavro alone would let pass (enumeration -1, union -2, trailing bytes, padded numbers) is
refused with its own code; and no bytes at all make ``decode_event`` raise anything but a
``ContractError``. Source: DESIGN 4.2 and 10; attack table A5, A6, A23, A38.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.schemas import samples
from tests.unit.schemas.strategies import events, headers

from lineseal.schemas import codec
from lineseal.schemas.errors import (
    BadIdentifier,
    ContractError,
    InvalidEvent,
    Malformed,
    NonCanonical,
    OutOfRange,
    TooLarge,
    TooManyItems,
    TrailingBytes,
    UnknownSchema,
)
from lineseal.schemas.limits import (
    MAX_EVENT_BYTES,
    MAX_EVENT_NODES,
    MAX_HEADER_BYTES,
    MAX_STRING_BYTES,
    MAX_TIME,
)
from lineseal.schemas.model import (
    BODY_FIELDS,
    Actor,
    ActorKind,
    BatchHeader,
    Body,
    Event,
    Origin,
    Pair,
    body_name,
)
from lineseal.schemas.record import to_record

SCHEMA = codec.EVENT_SCHEMA_SHA256
SAMPLE = codec.encode_event(samples.event())
SAMPLE_HEADER = codec.encode_header(samples.header())


def decode(data: bytes) -> tuple[str, dict[str, Any]]:
    """Decode under the shipped schema."""
    return codec.decode_event(data, SCHEMA)


@pytest.mark.parametrize("body", BODY_FIELDS)
@settings(max_examples=25)
@given(data=st.data())
def test_every_event_comes_back_as_it_was_said(body: str, data: st.DataObject) -> None:
    """Encode, decode, build: the same event; encode again: the same bytes."""
    event = data.draw(events(body))

    encoded = codec.encode_event(event)
    name, record = decode(encoded)

    assert name == body == body_name(event.body)
    assert codec.to_event(record) == event
    assert codec.encode_event_record(record) == encoded


@given(header=headers())
def test_every_header_comes_back_as_it_was_written(header: BatchHeader) -> None:
    """A header survives encoding and decoding unchanged."""
    assert codec.decode_header(codec.encode_header(header)) == header


@given(data=st.binary(max_size=400))
def test_random_bytes_are_refused_with_a_code(data: bytes) -> None:
    """Noise never raises anything but a ContractError, as an event or as a header."""
    with pytest.raises(ContractError):
        decode(data)
    with pytest.raises(ContractError):
        codec.decode_header(data)


@settings(max_examples=400)
@given(
    event=events(),
    edits=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=3),
)
def test_damaged_bytes_are_refused_or_are_another_canonical_event(
    event: Event, edits: list[tuple[int, int]]
) -> None:
    """A changed byte gives a ContractError, or an event whose encoding is those very bytes."""
    data = bytearray(codec.encode_event(event))
    for position, byte in edits:
        data[position % len(data)] = byte

    try:
        _, record = decode(bytes(data))
    except ContractError:
        return

    assert codec.encode_event_record(record) == bytes(data)


@given(edits=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_damaged_header_is_refused_or_is_another_canonical_header(
    edits: list[tuple[int, int]],
) -> None:
    """The same holds for headers."""
    data = bytearray(SAMPLE_HEADER)
    for position, byte in edits:
        data[position % len(data)] = byte

    try:
        header = codec.decode_header(bytes(data))
    except ContractError:
        return

    assert codec.encode_header(header) == bytes(data)


def test_an_event_cut_short_anywhere_is_malformed() -> None:
    """Every proper prefix of an event is refused."""
    for end in range(len(SAMPLE)):
        with pytest.raises(Malformed):
            decode(SAMPLE[:end])


@pytest.mark.parametrize("tail", [b"\x00", SAMPLE])
def test_bytes_after_the_event_are_refused(tail: bytes) -> None:
    """One more byte, or a second event, is TRAILING_BYTES."""
    with pytest.raises(TrailingBytes):
        decode(SAMPLE + tail)


def test_enumeration_minus_one_is_refused() -> None:
    """Index -1, the last symbol to fastavro, is not canonical."""
    human = samples.event(actor=Actor(kind=ActorKind.HUMAN, id="train-eu"))
    at = samples.differing_byte(samples.event(), human)
    data = SAMPLE[:at] + b"\x01" + SAMPLE[at + 1 :]

    with pytest.raises(NonCanonical):
        decode(data)


@pytest.mark.parametrize("index", [b"\x03", b"\x80\x00"], ids=["minus two", "padded zero"])
def test_odd_union_indexes_are_refused(index: bytes) -> None:
    """The null branch written as -2 or with a padded number is not canonical."""
    at = len(SAMPLE) - 1
    assert SAMPLE[at] == 0, "the last field of an event is a null workload"

    with pytest.raises(NonCanonical):
        decode(SAMPLE[:at] + index)


def test_a_boolean_other_than_zero_or_one_is_refused() -> None:
    """Byte 2 is true to fastavro and refused here."""
    plain, opaque = (samples.event(samples.registration(opaque=value)) for value in (False, True))
    at = samples.differing_byte(plain, opaque)
    data = bytearray(codec.encode_event(plain))
    data[at] = 2

    with pytest.raises(NonCanonical):
        decode(bytes(data))


def test_a_list_with_a_negative_count_is_refused() -> None:
    """The block form that carries a byte size, which readers may disagree about."""
    item = b"\x04lr\x060.1"
    assert SAMPLE.count(b"\x02" + item + b"\x00") == 1
    sized = b"\x01" + bytes([len(item) * 2]) + item + b"\x00"

    with pytest.raises(NonCanonical):
        decode(SAMPLE.replace(b"\x02" + item + b"\x00", sized))


def test_a_list_in_two_blocks_is_refused() -> None:
    """One list has one encoding."""
    item = b"\x04lr\x060.1"
    split = b"\x02" + item + b"\x02" + item + b"\x00"

    with pytest.raises(NonCanonical):
        decode(SAMPLE.replace(b"\x02" + item + b"\x00", split))


def test_text_that_is_not_utf8_is_malformed() -> None:
    """Invalid UTF-8 never becomes text."""
    with pytest.raises(Malformed):
        decode(SAMPLE.replace(b"train-eu", b"train-\xff\xff"))


def test_an_unlisted_schema_is_refused_whatever_the_bytes() -> None:
    """Only shipped schemas decode; the digest comes from the signed header."""
    with pytest.raises(UnknownSchema):
        codec.decode_event(SAMPLE, "0" * 64)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("body.run", None, OutOfRange),
        ("body.registration", to_record(samples.registration()), OutOfRange),
        ("body.run.metrics.0.value", math.nan, OutOfRange),
        ("body.run.metrics.0.value", -math.inf, OutOfRange),
        ("event_time", -1, OutOfRange),
        ("event_time", MAX_TIME + 1, OutOfRange),
        ("run_id", None, OutOfRange),
        ("producer", "", BadIdentifier),
        ("producer", " train-eu", BadIdentifier),
        ("producer", "train\u200beu", BadIdentifier),
        ("producer", "train\u202eeu", BadIdentifier),
        ("producer", "train\u3164eu", BadIdentifier),
        ("producer", "train\u00a0eu", BadIdentifier),
        ("producer", "caf\u0065\u0301", BadIdentifier),
        ("producer", "x\x1b[31m", BadIdentifier),
        ("producer", "x" * 1025, BadIdentifier),
        ("body.run.inputs.0.artifact.digest", "sha256:" + "A" * 64, BadIdentifier),
        ("body.run.inputs.0.artifact.digest", "md5:" + "a" * 32, BadIdentifier),
        ("body.run.message", "x" * (MAX_STRING_BYTES + 1), TooLarge),
        ("body.run.message", "é" * (MAX_STRING_BYTES // 2 + 1), TooLarge),
        ("body.run.parameters", [{"key": "k", "value": ""}] * MAX_EVENT_NODES, TooManyItems),
        ("body.run.parameters", [{"key": "k", "value": v} for v in "ab"], OutOfRange),
        ("body.run.metrics", [{"name": "auc", "value": v} for v in (0.1, 0.9)], OutOfRange),
    ],
)
def test_canonical_bytes_that_break_the_contract_are_refused(
    path: str, value: object, code: type[ContractError]
) -> None:
    """A valid key does not help: the values are checked, and each refusal has its code."""
    data = samples.unchecked_event(samples.changed(to_record(samples.event()), path, value))

    with pytest.raises(code):
        decode(data)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("body", None),
        ("body", {}),
        ("body.run.state", "DONE"),
        ("body.run.state", ["START"]),
        ("body.run.metrics.0.value", 10**400),
        ("body.run.metrics.0.value", True),
        ("body.run.metrics.0.value", "0.9"),
        ("body.run.inputs.0.rows", 1 << 63),
        ("body.run.inputs.0.rows", 1.5),
        ("body.run.inputs.0.rows", True),
        ("body.run.inputs", "lake"),
        ("body.run.inputs.0", "lake"),
        ("body.run.message", 7),
        ("body.run.message", "\ud800"),
        ("body.run.colour", "red"),
        ("producer", "\ud800"),
        ("event_time", None),
        ("event_time", "now"),
    ],
)
def test_a_producer_hears_which_field_is_wrong(path: str, value: object) -> None:
    """Building a bad event raises InvalidEvent, never a TypeError, and names the field."""
    record = samples.changed(to_record(samples.event()), path, value)

    with pytest.raises(InvalidEvent, match=path.split(".")[-2 if path[-1] == "0" else -1]):
        codec.encode_event_record(record)


def test_an_event_at_the_size_limit_passes_and_one_byte_more_does_not() -> None:
    """60 KiB are included."""
    room = MAX_EVENT_BYTES - len(codec.encode_event(sized_event(0)))
    largest = codec.encode_event(sized_event(room))
    too_large = samples.unchecked_event(to_record(sized_event(room + 1)))

    assert len(largest) == MAX_EVENT_BYTES
    assert decode(largest)[0] == "run"
    with pytest.raises(InvalidEvent):
        codec.encode_event(sized_event(room + 1))
    with pytest.raises(TooLarge):
        decode(too_large)


def sized_event(more: int) -> Event:
    """Make an event near the limit whose last parameter is *more* bytes longer."""
    sizes = [MAX_STRING_BYTES - 1] * 7 + [1000 + more]
    pairs = [Pair(key=f"k{n}", value="x" * size) for n, size in enumerate(sizes)]
    return samples.event(samples.run(parameters=tuple(pairs)))


def test_a_header_over_its_limit_is_too_large() -> None:
    """8 KiB is all that is decoded of a header."""
    with pytest.raises(TooLarge):
        codec.decode_header(SAMPLE_HEADER + bytes(MAX_HEADER_BYTES))


def test_a_header_followed_by_bytes_is_refused() -> None:
    """Every byte of a header counts."""
    with pytest.raises(TrailingBytes):
        codec.decode_header(SAMPLE_HEADER + b"\x00")


def test_an_empty_body_is_refused() -> None:
    """An event says exactly one thing."""
    with pytest.raises(InvalidEvent, match="exactly one body"):
        codec.encode_event(dataclasses.replace(samples.event(), body=Body()))


def test_a_schema_is_named_by_the_digest_of_its_file() -> None:
    """What the header signs is the SHA-256 of the shipped file's exact bytes."""
    shipped = codec.schema_bytes("event-v1.avsc")

    assert hashlib.sha256(shipped).hexdigest() == SCHEMA
    assert {SCHEMA: "event-v1.avsc"} == codec.ALLOWED_EVENT_SCHEMAS


def test_an_import_keeps_its_origin() -> None:
    """How directly something was witnessed is part of what is signed."""
    _, record = decode(codec.encode_event(samples.event(origin=Origin.IMPORT)))

    assert record["origin"] == "import"
