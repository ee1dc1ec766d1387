"""The fuzzers' targets hold for what they start with, and notice what must not be.

What is promised: what ``make fuzz`` calls works, also where its library cannot be installed; a
reader that accepts what it must not is found. Source: SECURITY.md, "Hostile input".
"""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro
import numpy as np
import pytest
from tests.fuzz.targets import TARGETS, packed, unpacked

from lineseal.consumers.columnar import guard, judge
from lineseal.schemas import codec
from lineseal.schemas.errors import InvalidEvent, Malformed
from lineseal.signing import frame


@pytest.fixture(autouse=True)
def _always_in_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also few events go the fast way here."""
    monkeypatch.setattr(judge, "WORTHWHILE", 1)


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_holds_for_its_seeds(name: str) -> None:
    """And has some."""
    seeds = TARGETS[name].seeds()

    assert len(seeds) > 10
    for seed in seeds:
        TARGETS[name].call(seed)


def test_events_are_found_again_in_what_a_fuzzer_changes() -> None:
    """Two bytes say how long each is."""
    events = [b"", b"x", b"yz" * 300]

    assert list(unpacked(packed(events))) == events


def lenient_number(value: bytes, position: int) -> tuple[int, int]:
    """Read a length as Avro libraries do: padding is fine."""
    number, shift = 0, 0
    for place in range(position, len(value)):
        number |= (value[place] & 0x7F) << shift
        shift += 7
        if value[place] < 0x80:
            return (number >> 1) ^ -(number & 1), place + 1
    raise Malformed("the record ends inside a length")


def lenient_event(name: str, data: bytes) -> Any:
    """Decode as fastavro does: whatever follows, and however it was written."""
    try:
        schema = json.loads(codec.schema_bytes(name))
        return fastavro.schemaless_reader(io.BytesIO(data), schema, None)
    except Exception as error:
        raise Malformed("no event") from error


def good_numbers(column: Any) -> Any:
    """Find every number good, also those that are none."""
    return np.ones(len(column), np.bool_)


@pytest.mark.parametrize("name", ["frame", "event", "columns"])
def test_a_reader_that_accepts_too_much_is_found(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one check less each target fails for one of its seeds."""
    target = TARGETS[name]
    seeds = target.seeds()
    monkeypatch.setattr(frame, "_read_long", lenient_number)
    monkeypatch.setattr(codec, "_decode", lenient_event)
    monkeypatch.setitem(vars(guard)["_RULES"], "number", good_numbers)

    def call_all() -> None:
        for seed in seeds:
            target.call(seed)

    with pytest.raises((AssertionError, InvalidEvent)) as found:
        call_all()

    assert name != "columns" or "only the columns" in str(found.value)
