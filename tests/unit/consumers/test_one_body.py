"""Events of one body are decoded together; a wrong guess about it costs time and nothing else.

What is promised: honest events are told apart by their bytes; whatever is no event of exactly one
body is left to the reference way. Source: DESIGN 4.2, 7.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.schemas.samples import event, registration

from lineseal.consumers.columnar.codec import decode, is_available
from lineseal.consumers.columnar.one_body import by_body, layout
from lineseal.schemas.codec import (
    ALLOWED_EVENT_SCHEMAS,
    EVENT_SCHEMA,
    EVENT_SCHEMA_SHA256,
    encode_event,
)
from lineseal.schemas.model import BODY_FIELDS

RUN = encode_event(event())
REGISTRATION = encode_event(event(registration()))
LAST_ZEROS = bytes(len(BODY_FIELDS) - 1)


@pytest.mark.parametrize("name", ALLOWED_EVENT_SCHEMAS.values())
def test_every_schema_that_is_accepted_has_a_layout(name: str) -> None:
    """One schema for each body, each with all bodies."""
    known = layout(name)

    assert len(set(known.schemas)) == len(known.bodies) == len(BODY_FIELDS)


def test_honest_events_are_told_apart_by_their_body() -> None:
    """Each is found once, where it is."""
    known = layout(EVENT_SCHEMA)

    found, _, _ = by_body([REGISTRATION, RUN, REGISTRATION], known)

    assert found[known.bodies.index("run")].tolist() == [1]
    assert found[known.bodies.index("registration")].tolist() == [0, 2]
    assert sum(map(len, found)) == 3


@given(st.lists(st.binary(max_size=200) | st.just(RUN), max_size=6))
def test_any_bytes_can_be_split_by_body(events: list[bytes]) -> None:
    """No event is found twice, and bytes that are none do not disturb those that are."""
    known = layout(EVENT_SCHEMA)

    found, _, _ = by_body(events, known)

    places = [place for rows in found for place in rows.tolist()]
    runs = set(found[known.bodies.index("run")].tolist())
    assert len(places) == len(set(places))
    assert {place for place, data in enumerate(events) if data == RUN} <= runs


@pytest.mark.skipif(not is_available(), reason="pyruhvro is not installed")
@pytest.mark.parametrize("flag", [1, 2, 3])
@pytest.mark.parametrize("which", [0, len(LAST_ZEROS) - 1])
def test_an_event_that_claims_another_body_too_is_not_decoded(flag: int, which: int) -> None:
    """Also where the byte is a boolean's true, which encodes to itself."""
    start = RUN.rindex(LAST_ZEROS)
    damaged = bytearray(RUN)
    damaged[start + which] = flag

    found = list(decode([bytes(damaged), RUN], EVENT_SCHEMA_SHA256))

    assert [rows for decoded in found for rows in decoded.rows.tolist()] in ([1], [])
    assert all(decoded.raw.to_pylist() == [RUN] for decoded in found)
