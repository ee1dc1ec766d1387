"""Reads the times that OpenLineage clients write, as microseconds since 1970-01-01 UTC.

The specification wants RFC 3339. Real clients leave the zone out, write nanoseconds, leave out
seconds that are zero (Java), append a zone's name, or write a number since 1970. A time without a
zone is taken as UTC.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from lineseal.producers.adapters.openlineage.reading import Notes
from lineseal.schemas.limits import MAX_TIME

_TIME = re.compile(
    r"\s*(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?"
    r"\s*([Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?)?(?:\[[\w/+-]+\])?\s*",
    re.ASCII,
)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_NUMBER = re.compile(r"\s*\d{9,19}(?:\.\d+)?\s*", re.ASCII)
_UNITS = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))
"""Numbers below are seconds, milliseconds, microseconds, others nanoseconds; with how many
microseconds that is. Where one unit ends and the next begins it is the year 5138, or 1973."""


def read_moment(value: Any, notes: Notes) -> int | None:
    """Return microseconds since 1970 UTC; None when *value* is no time from 1970 to 9999."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, notes)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return _number(float(value) if "." in value else int(value), notes)
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    if zone is None:
        notes.add("time_without_zone")
    digits = fraction or ""
    if len(digits) > 6 and digits[6:].strip("0"):
        notes.add("time_finer_than_microseconds")
    if second == "60":
        notes.add("leap_second")
    try:
        moment = dt.datetime(
            int(year),
            int(month),
            int(day),
            int(hour or 0),
            int(minute or 0),
            min(int(second or 0), 59),
            int(digits[:6].ljust(6, "0")),
            tzinfo=_zone(zone),
        )
        return _within((moment - _EPOCH) // _MICROSECOND)
    except (ValueError, OverflowError):
        return None


def _number(value: float, notes: Notes) -> int | None:
    notes.add("time_as_number")
    try:
        for end, microseconds in _UNITS:
            if value < end:
                return _within(int(value * microseconds))
        return _within(int(value) // 1000)
    except (OverflowError, ValueError):
        return None


def _within(moment: int) -> int | None:
    return moment if 0 <= moment <= MAX_TIME else None


def _zone(text: str | None) -> dt.timezone:
    if text is None or text in ("Z", "z", "UTC", "GMT"):
        return dt.UTC
    digits = text[1:].replace(":", "")
    offset = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return dt.timezone(-offset if text[0] == "-" else offset)
