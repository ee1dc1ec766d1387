"""Event ids are UUIDv7: unique, sortable by time, and valid to every other library.

Source: RFC 9562, 5.7.
"""

from __future__ import annotations

import time
import uuid

from hypothesis import given
from hypothesis import strategies as st

from lineseal.schemas.ids import draw_chances, new_uuid7, now_us


@given(milliseconds=st.integers(0, (1 << 48) - 1))
def test_an_id_holds_its_time_version_and_variant(milliseconds: int) -> None:
    """48 bits of milliseconds, version 7, the RFC's variant, lower case."""
    text = new_uuid7(milliseconds * 1000 + 999)
    parsed = uuid.UUID(text)

    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert parsed.int >> 80 == milliseconds
    assert str(parsed) == text


def test_later_ids_sort_later() -> None:
    """Ids of different milliseconds sort by time as text."""
    ids = [new_uuid7(at * 1000) for at in range(1000)]

    assert sorted(ids) == ids


def test_ids_of_one_instant_differ() -> None:
    """74 random bits keep events of one millisecond apart, also drawn for many at once."""
    assert len({new_uuid7(0) for _ in range(10_000)}) == 10_000
    assert len({new_uuid7(0, chance) for chance in draw_chances(10_000)}) == 10_000


@given(chance=st.binary(min_size=10, max_size=10))
def test_what_is_drawn_for_an_id_stands_in_it(chance: bytes) -> None:
    """All 74 bits of it that there is room for: two draws that differ there make two ids."""
    parsed = uuid.UUID(new_uuid7(0, chance)).int
    drawn = int.from_bytes(chance, "big") >> 4

    assert parsed >> 64 & 0xFFF == drawn >> 64
    assert parsed >> 60 & 0x3 == drawn >> 60 & 0x3
    assert parsed & (1 << 60) - 1 == drawn & (1 << 60) - 1


def test_now_is_in_microseconds() -> None:
    """The clock counts microseconds since 1970."""
    before = time.time_ns()
    now = now_us()

    assert before // 1000 <= now <= time.time_ns() // 1000
