"""A model and its plain record say the same thing.

What is promised: turning a model into a record and back loses nothing, and a record holds only
what Avro can encode: dicts, lists, text, numbers, booleans, bytes and null.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from tests.unit.schemas import samples
from tests.unit.schemas.strategies import events

from lineseal.schemas.model import Body, Event, body_name, body_of
from lineseal.schemas.record import from_record, to_record

PLAIN = (dict, list, str, int, float, bool, bytes, type(None))


@given(event=events())
def test_a_record_turns_back_into_its_model(event: Event) -> None:
    """Nothing is lost or changed on the way."""
    assert from_record(Event, to_record(event)) == event


@given(event=events())
def test_a_record_is_plain(event: Event) -> None:
    """No dataclass and no enumeration is left inside."""
    assert all(type(value) in PLAIN for value in walk(to_record(event)))


def walk(value: Any) -> list[Any]:
    """Return *value* and everything inside it."""
    inner: list[Any] = []
    if isinstance(value, dict):
        inner = list(value.values())
    elif isinstance(value, list):
        inner = list(value)
    return [value, *(deeper for item in inner for deeper in walk(item))]


def test_an_unknown_symbol_is_an_error() -> None:
    """Building from a record does not invent enumeration members."""
    record = samples.changed(to_record(samples.event()), "origin", "hearsay")

    with pytest.raises(ValueError, match="hearsay"):
        from_record(Event, record)


def test_only_a_body_becomes_a_body() -> None:
    """Wrapping anything else is the caller's bug."""
    event: Any = samples.event()

    with pytest.raises(TypeError, match="Event is not an event body"):
        body_of(event)


def test_the_name_of_a_body_is_its_field() -> None:
    """The one field that is set gives the body its name."""
    assert body_name(body_of(samples.registration())) == "registration"


def test_no_body_has_no_name() -> None:
    """Asking an empty body for its name is an error."""
    with pytest.raises(ValueError, match="exactly one"):
        body_name(Body())
