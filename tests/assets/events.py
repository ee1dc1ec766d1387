"""Events that are no events, or not the one encoding of one, in batches whose signature holds.

The classes are those that were tried against Avro libraries: what decodes to something, or hangs,
or kills, in one of them. What does not occur in our schemas (maps, fixed, decimals, bytes, items
without bytes, recursion) is refused with the schema (``tests/unit/schemas/test_lint.py``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from lineseal.schemas.codec import encode_event
from tests.assets.kit import Asset, event, pieces_of, registration, sealed
from tests.assets.wire import (
    BOOLEAN,
    COUNT,
    DOUBLE,
    END,
    ENUM,
    LENGTH,
    LONG,
    TEXT,
    UNION,
    edited,
    joined,
    long,
    until,
    varint,
)

GOOD = encode_event(event(event_id="01900000-0000-7000-8000-000000000002"))
"""The neighbour of every hostile event."""
RUN = pieces_of()
REGISTRATION = pieces_of(registration())
SKETCH = "body.registration.profile.row_sketch"
_2_31, _2_33, _2_40, _2_62, _2_63 = (1 << n for n in (31, 33, 40, 62, 63))


def in_batch(defect: str, name: str, code: str, data: bytes) -> Asset:
    """Seal *data* as an event, beside a good one."""
    return Asset(defect, name, code, sealed((data, GOOD), f"{defect}/{name}"), in_event=True)


def wire_assets() -> Iterator[Asset]:
    """Yield everything that is wrong with the bytes of an event, whatever its values."""
    for defect, code, cases in (
        ("truncation", "MALFORMED", _truncations()),
        ("trailing-bytes", "TRAILING_BYTES", _trailing()),
        ("varint", "NON_CANONICAL", _varints()),
        ("enum", "MALFORMED", _enums()),
        ("enum-negative", "NON_CANONICAL", _negative_enums()),
        ("union", "MALFORMED", _unions()),
        ("union-negative", "NON_CANONICAL", _negative_unions()),
        ("boolean", "NON_CANONICAL", _booleans()),
        ("length", "MALFORMED", _lengths()),
        ("array", "MALFORMED", _arrays()),
        ("array-blocks", "NON_CANONICAL", _blocks()),
        ("utf-8", "MALFORMED", _not_utf8()),
        ("float", "RANGE", _floats()),
    ):
        for name, data in cases:
            yield in_batch(defect, name, code, data)


Cases = Iterator[tuple[str, bytes]]


def _truncations() -> Cases:
    data = joined(RUN)
    for end in (0, 1, 5, 36, 37, len(data) // 2, len(data) - 1):
        yield f"at-{end}", data[:end]
    yield "inside-a-number", until(RUN, "event_time", LONG) + long(1 << 50)[:2]
    yield "inside-a-double", until(RUN, "body.run.metrics.0.value", DOUBLE) + b"\0" * 7
    yield "after-a-union", until(RUN, "workload", UNION) + long(1)


def _trailing() -> Cases:
    data = joined(RUN)
    yield "one-byte", data + b"\0"
    yield "a-second-event", data + GOOD
    yield "a-kilobyte", data + bytes(1024)


def _varints() -> Cases:
    for size in (2, 5, 10):
        yield f"length-in-{size}-bytes", edited(RUN, "producer", LENGTH, long(7, size))
    yield "time-in-ten-bytes", edited(RUN, "event_time", LONG, long(5, 10))
    yield "union-in-two-bytes", edited(RUN, "stage", UNION, long(0, 2))
    yield "enum-in-two-bytes", edited(RUN, "origin", ENUM, long(0, 2))
    yield "end-of-list-in-two-bytes", edited(RUN, "body.run.outputs", END, long(0, 2))
    yield "65-bits", edited(RUN, "event_time", LONG, varint(1 << 64))
    yield "70-bits", edited(RUN, "event_time", LONG, varint((1 << 70) - 1))
    yield "eleven-bytes", edited(RUN, "event_time", LONG, long(5, 11))
    yield "50000-bytes", edited(RUN, "event_time", LONG, long(5, 50_000))


def _enums() -> Cases:
    for index in (3, 99, _2_31, _2_62, -99, -_2_63):
        yield f"index-{index}", edited(RUN, "origin", ENUM, long(index))
        yield f"state-{index + 7}", edited(RUN, "body.run.state", ENUM, long(index + 7))


def _negative_enums() -> Cases:
    for index in (-1, -2, -3):
        yield f"index{index}", edited(RUN, "origin", ENUM, long(index))


def _unions() -> Cases:
    for index in (2, 7, _2_31, _2_40, _2_62, -3, -_2_63):
        yield f"index-{index}", edited(RUN, "stage", UNION, long(index))
        yield f"body-{index}", edited(RUN, "body.run", UNION, long(index))


def _negative_unions() -> Cases:
    yield "null-as-minus-two", edited(RUN, "stage", UNION, long(-2))
    yield "body-as-minus-one", edited(RUN, "body.run", UNION, long(-1))
    yield "workload-as-minus-one", edited(RUN, "workload", UNION, long(-1))


def _booleans() -> Cases:
    for value in (2, 0x7F, 0x80, 0xFF):
        yield (
            f"byte-{value}",
            edited(REGISTRATION, "body.registration.opaque", BOOLEAN, bytes([value])),
        )


def _lengths() -> Cases:
    sizes = (1 << 16, _2_31 - 1, _2_31, _2_33, _2_40, _2_62, _2_63 - 1, -1, -2, -_2_31, -_2_63)
    for size in sizes:
        yield f"first-{size}", edited(RUN, "event_id", LENGTH, long(size))
        yield f"middle-{size}", edited(RUN, "body.run.message", LENGTH, long(size))


def _arrays() -> Cases:
    for count in (_2_31 - 1, _2_31, _2_33, _2_40, _2_62, _2_63 - 1):
        yield f"{count}-items-in-few-bytes", edited(RUN, "body.run.inputs", COUNT, long(count))
        head = until(RUN, "body.run.parameters", COUNT)
        yield f"{count}-items-at-the-end", head + long(count)
        sketch = until(REGISTRATION, SKETCH, COUNT) + long(count)
        yield f"{count}-texts-without-bytes", sketch + bytes(40)
    yield "never-ended", until(RUN, "body.run.parameters", END)


def _blocks() -> Cases:
    item = b"".join(p.data for p in RUN if p.path.startswith("body.run.parameters.0"))
    after = joined(RUN).partition(until(RUN, "body.run.parameters", END))[2]
    head = until(RUN, "body.run.parameters", COUNT)
    yield "sized", head + long(-1) + long(len(item)) + item + after
    yield "sized-with-a-lie", head + long(-1) + long(_2_40) + item + after
    yield "sized-below-zero", head + long(-1) + long(-5) + item + after
    other = item.replace(b"lr", b"l2")
    yield "two-blocks", head + long(1) + item + long(1) + other + after
    yield "second-block-sized", head + long(1) + item + long(-1) + long(9) + other + after
    yield "empty-block-of-minus-zero", head + long(0, 2) + after[1:]
    yield "smallest-count", head + long(-_2_63) + long(0) + after


_INVALID = {
    "continuation": b"\x80",
    "cut": b"\xc3",
    "overlong": b"\xc0\xaf",
    "overlong-nul": b"\xc0\x80",
    "surrogate": b"\xed\xa0\x80",
    "pair-of-surrogates": b"\xed\xa0\xbd\xed\xb8\x80",
    "beyond-unicode": b"\xf4\x90\x80\x80",
    "five-bytes": b"\xf8\x88\x80\x80\x80",
    "fe": b"\xfe",
}


def _not_utf8() -> Cases:
    for name, data in _INVALID.items():
        for where, path in (("name", "producer"), ("text", "body.run.message")):
            size = long(len(data) + 2)
            text = b"a" + data + b"b"
            pieces = [
                (LENGTH, size) if (p.path, p.kind) == (path, LENGTH)
                else (TEXT, text) if (p.path, p.kind) == (path, TEXT)
                else (p.kind, p.data)
                for p in RUN
            ]  # fmt: skip
            yield f"{name}-in-a-{where}", b"".join(data for _, data in pieces)
    halves = until(REGISTRATION, SKETCH, COUNT) + long(2) + b"\x02\xc3\x02\xa9"
    rest = joined(REGISTRATION).partition(until(REGISTRATION, SKETCH, END))[2]
    yield "a-letter-in-two-halves", halves + rest


def _floats() -> Cases:
    patterns = {
        "nan": 0x7FF8 << 48,
        "signalling-nan": 0x7FF0 << 48 | 1,
        "negative-nan": 0xFFF8 << 48,
        "nan-with-a-message": 0x7FF8 << 48 | 0xBADC0DE,
        "infinity": 0x7FF0 << 48,
        "minus-infinity": 0xFFF0 << 48,
    }
    for name, bits in patterns.items():
        yield name, edited(RUN, "body.run.metrics.0.value", DOUBLE, struct.pack("<Q", bits))
