"""Is what ``[policy]`` says of a form the rules can read? Checks it, and writes it out for them.

A text that cannot be read would allow nothing or everything without a word, so it is refused when
the policy is loaded, with the name of the setting.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping

from lineseal.schemas.errors import ConfigurationError

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_GATES = ("source", "dataset", "training", "promotion", "rollback", "*")
_HOURS = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? +"
    r"(?P<opens>(?:[01][0-9]|2[0-3]):[0-5][0-9])-(?P<closes>(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)"
)


def policy_values(name: str, texts: tuple[str, ...]) -> list[str]:
    """Return what the setting *name* of ``[policy]`` says, as the rules read it.

    Raises:
        ConfigurationError: An entry has another form than the setting has; the message names both.

    """
    read = _FORMS.get(name)
    if read is None:
        return list(texts)
    found: list[str] = []
    for text in texts:
        try:
            found += read(text)
        except ValueError as error:
            raise ConfigurationError(f"[policy] {name}: {text!r} {error}") from None
    return found


def _training_hours(text: str) -> list[str]:
    match = _HOURS.fullmatch(text.strip().lower())
    days = {match["first"], match["last"] or match["first"]} if match is not None else {""}
    if match is None or not days <= set(_DAYS):
        raise ValueError("is not DAY HH:MM-HH:MM, as 'mon 06:00-20:00' or 'mon-fri 06:00-20:00'")
    if match["opens"] >= match["closes"]:
        raise ValueError("ends before it begins: a night is two entries, one up to 24:00")
    first = _DAYS.index(match["first"])
    count = (_DAYS.index(match["last"] or match["first"]) - first) % len(_DAYS) + 1
    hours = f"{match['opens']}-{match['closes']}"
    return [f"{_DAYS[(first + number) % len(_DAYS)]} {hours}" for number in range(count)]


def _freeze_window(text: str) -> list[str]:
    opens, _, closes = text.strip().partition("/")
    try:
        start, end = _moment(opens), _moment(closes)
    except ValueError:
        raise ValueError("is not START/END in ISO 8601, UTC where no offset is given") from None
    if start >= end:
        raise ValueError("ends before it begins")
    return [f"{start.isoformat()}/{end.isoformat()}"]


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo is None else moment.astimezone(dt.UTC).replace(tzinfo=None)


def _approver(text: str) -> list[str]:
    gate, equals, person = text.partition("=")
    if not equals or not person.strip() or gate.strip().lower() not in _GATES:
        raise ValueError(f"is not GATE=PERSON; gates are {', '.join(_GATES)}")
    return [f"{gate.strip()}={person.strip()}"]


def _data_writer(text: str) -> list[str]:
    principal, equals, scope = text.rpartition("=")
    if not equals or not principal.strip() or not scope.strip():
        raise ValueError("is not PRINCIPAL=SCOPE, as 'svc-etl=dataset:lake/' or 'svc-etl=*'")
    return [text]


def _expected_producer(text: str) -> list[str]:
    producer, equals, seconds = text.partition("=")
    if not equals or not producer.strip() or not re.fullmatch(r"[1-9][0-9]{0,9}", seconds.strip()):
        raise ValueError("is not PRODUCER=SECONDS, as 'etl=3600'")
    return [f"{producer.strip()}={seconds.strip()}"]


_FORMS: Mapping[str, Callable[[str], list[str]]] = {
    "approvers": _approver,
    "data_writers": _data_writer,
    "expected_producers": _expected_producer,
    "freeze_windows": _freeze_window,
    "training_hours": _training_hours,
}
