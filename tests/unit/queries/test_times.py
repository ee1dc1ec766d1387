"""A time that a person types means one moment, and is printed back as that moment.

What is promised: RFC 3339 with an offset, or a date (its first moment in UTC); nothing else is
guessed at; printing gives UTC with microseconds. Source: DESIGN 8.
"""

from __future__ import annotations

import datetime as dt

import pytest

from lineseal.queries.times import Moment, format_time, from_microseconds, parse_time
from lineseal.schemas.errors import QueryError


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("2026-11-03", "2026-11-03T00:00:00.000000Z"),
        ("2026-11-03T14:00:00Z", "2026-11-03T14:00:00.000000Z"),
        ("2026-11-03t14:00:00z", "2026-11-03T14:00:00.000000Z"),
        ("2026-11-03 14:00:00.5+02:00", "2026-11-03T12:00:00.500000Z"),
        ("2026-11-03T14:00:00.1234567-05:30", "2026-11-03T19:30:00.123456Z"),
        (" 2026-11-03 ", "2026-11-03T00:00:00.000000Z"),
    ],
)
def test_a_time_is_printed_back_in_utc(text: str, printed: str) -> None:
    """Whatever the offset, the answer shows microseconds and Z."""
    assert format_time(parse_time(text)) == printed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-11-3",
        "2026-11-31",
        "2026-11-03T14:00",
        "2026-11-03T14:00:00",
        "2026-11-03T25:00:00Z",
        "20261103",
        "1793664000",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """Above all a time without an offset: it would mean another moment on another machine."""
    with pytest.raises(QueryError):
        parse_time(text)


def test_a_datetime_needs_its_offset_too() -> None:
    """Callers in Python are held to the same."""
    aware = dt.datetime(2026, 11, 3, 14, tzinfo=dt.timezone(dt.timedelta(hours=2)))

    assert format_time(parse_time(aware)) == "2026-11-03T12:00:00.000000Z"
    with pytest.raises(QueryError, match="offset"):
        parse_time(aware.replace(tzinfo=None))


def test_no_bound_stays_no_bound() -> None:
    """An event from a clock that runs ahead is not hidden by our clock."""
    assert Moment.of(None, None).parameters == {"as_of": None, "known_at": None}
    assert format_time(None) is None


def test_microseconds_are_counted_from_1970() -> None:
    """The unit of every time in the contract."""
    assert format_time(from_microseconds(1_767_225_600_000_001)) == "2026-01-01T00:00:00.000001Z"
