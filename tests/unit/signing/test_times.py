"""Times and durations on the command line mean one moment, to the microsecond.

What is promised: what is printed can be typed in again; a time without a zone is UTC.

Evidence: a round trip over all times, and examples of both kinds.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.signing.times import DAY, format_time, parse_duration, parse_time


@given(st.integers(0, 200 * 365 * DAY))
def test_a_printed_time_can_be_read_again(value: int) -> None:
    """Exact to the microsecond."""
    assert parse_time(format_time(value)) == value


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-11-03", "2026-11-03T00:00:00Z"),
        ("2026-11-03T12:00", "2026-11-03T12:00:00+00:00"),
        ("2026-11-03T12:00:00+02:00", "2026-11-03T10:00:00Z"),
    ],
)
def test_a_time_without_a_zone_is_utc(text: str, same: str) -> None:
    """A date is its first moment."""
    assert parse_time(text) == parse_time(same)


def test_times_are_microseconds_since_1970() -> None:
    """And printed to the second where that is exact."""
    assert parse_time("1970-01-01T00:00:01Z") == 1_000_000
    assert format_time(1_000_000) == "1970-01-01T00:00:01Z"
    assert format_time(1) == "1970-01-01T00:00:00.000001Z"


@pytest.mark.parametrize("text", ["", "yesterday", "1969-12-31", "2026-13-01", "12:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """Only ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011 - the message may be the library's own
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("90s", 90), ("30m", 1800), ("24h", 86_400), ("7d", 604_800), (" 2w ", 1_209_600)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    """From seconds to weeks."""
    assert parse_duration(text) == seconds * 1_000_000


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "1.5h", "1y", "99999999w", "1 d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Only ValueError, also for more than a century."""
    with pytest.raises(ValueError):  # noqa: PT011 - two messages
        parse_duration(text)
