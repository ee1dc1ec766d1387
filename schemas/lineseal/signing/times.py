"""Reads and writes the times and durations of key commands: RFC 3339 in UTC, and ``24h``."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

MICROSECONDS: Final = 1_000_000
DAY: Final = 86_400 * MICROSECONDS

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DURATION = re.compile(r"([0-9]{1,9})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def parse_time(text: str) -> int:
    """Read an ISO 8601 date or time as microseconds UTC; without a zone it is UTC.

    Raises:
        ValueError: It is not one, or lies before 1970.

    """
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    value = (moment - _EPOCH) // dt.timedelta(microseconds=1)
    if value < 0:
        raise ValueError("a time before 1970")
    return value


def parse_duration(text: str) -> int:
    """Read a duration such as ``90s``, ``30m``, ``24h``, ``7d`` or ``2w`` as microseconds.

    Raises:
        ValueError: It is not one, or longer than a century.

    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a number with one of the units s, m, h, d, w")
    value = int(match[1]) * _UNITS[match[2]] * MICROSECONDS
    if value > 36_525 * DAY:
        raise ValueError("a duration of more than a century")
    return value


def format_duration(value: int) -> str:
    """Write microseconds as ``parse_duration`` reads them, in the largest unit that is exact."""
    seconds = value // MICROSECONDS
    for unit, size in sorted(_UNITS.items(), key=lambda item: -item[1]):
        if seconds % size == 0 and seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def format_time(value: int) -> str:
    """Write microseconds UTC as RFC 3339, to the second where that is exact."""
    moment = _EPOCH + dt.timedelta(microseconds=value)
    text = moment.isoformat(timespec="microseconds" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")
