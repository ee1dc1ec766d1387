"""At which moment is a question asked? Parses, prints and carries the two times of a query.

``as_of`` looks at event time (what had happened), ``known_at`` at ingest time (what we knew).
Both are inclusive. None means no bound: everything recorded, as it is known today. So an event
whose producer's clock runs ahead is never hidden by our own clock.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from lineseal.schemas.errors import QueryError

TimeInput = dt.datetime | str | None
"""RFC 3339 text, a date (its first moment in UTC), or a datetime with a timezone."""

_SHAPE = re.compile(
    r"\d{4}-\d{2}-\d{2}"
    r"([Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,6}\d*)?([Zz]|[+-]\d{2}:\d{2}))?"
)
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - the store keeps naive UTC


@dataclass(frozen=True, slots=True)
class Moment:
    """Hold both bounds of a query as naive UTC, the way the store keeps times."""

    as_of: dt.datetime | None = None
    known_at: dt.datetime | None = None

    @classmethod
    def of(cls, as_of: TimeInput, known_at: TimeInput) -> Moment:
        """Parse both times.

        Raises:
            QueryError: One of them is no time; the message says which forms are.

        """
        return cls(parse_time(as_of), parse_time(known_at))

    @property
    def parameters(self) -> dict[str, dt.datetime | None]:
        """Return both as SQL parameters ``as_of`` and ``known_at``."""
        return {"as_of": self.as_of, "known_at": self.known_at}


def parse_time(value: TimeInput) -> dt.datetime | None:
    """Parse a time to naive UTC; digits past the microsecond are cut off.

    Raises:
        QueryError: It is neither RFC 3339 with an offset nor a date, or lies outside the
            calendar.

    """
    if value is None:
        return None
    if isinstance(value, str):
        value = _parse_text(value.strip())
    if value.tzinfo is None:
        raise QueryError("a time needs an offset: 2026-11-03T14:00:00Z")
    try:
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    except OverflowError as error:
        raise QueryError("the time lies outside the calendar") from error


def format_time(value: dt.datetime | None) -> str | None:
    """Print naive UTC as RFC 3339 with microseconds and ``Z``."""
    return None if value is None else value.isoformat(timespec="microseconds") + "Z"


def from_microseconds(value: int) -> dt.datetime:
    """Turn microseconds since 1970 UTC into naive UTC."""
    return _EPOCH + dt.timedelta(microseconds=value)


def _parse_text(text: str) -> dt.datetime:
    if not _SHAPE.fullmatch(text):
        raise QueryError(
            f"{text!r} is no time; write 2026-11-03T14:00:00Z, or 2026-11-03 for the first "
            "moment of that day in UTC"
        )
    try:
        # fromisoformat takes at most six digits of a second.
        moment = dt.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.upper()))
    except ValueError as error:
        raise QueryError(f"{text!r} is no time: {error}") from error
    return moment.replace(tzinfo=dt.UTC) if len(text) == len("2026-11-03") else moment
