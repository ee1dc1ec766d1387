"""Checks the values of a record against what the model says about each field.

The same walk runs before a producer seals an event and after a consumer decodes one, so that
neither side trusts the other. Avro only knows "string" and "double"; this is where identifiers,
digests, finite numbers, sizes and "exactly one body" are enforced (attack table A38, A39).
"""

from __future__ import annotations

import math
import re
import typing
import unicodedata
from enum import StrEnum
from functools import cache
from typing import Any

from lineseal.schemas.avsc import field_types, unwrap
from lineseal.schemas.characters import is_hidden, is_odd_space
from lineseal.schemas.errors import BadIdentifier, OutOfRange, TooLarge, TooManyItems
from lineseal.schemas.limits import (
    MAX_EVENT_NODES,
    MAX_IDENTIFIER_BYTES,
    MAX_STRING_BYTES,
    MAX_TIME,
)
from lineseal.schemas.model import (
    BODY_FIELDS,
    DIGEST,
    IDENTIFIER,
    TIME,
    VERSION,
    Event,
    Metric,
    Pair,
)

KEYS: typing.Final[dict[type, str]] = {Pair: "key", Metric: "name"}
"""What stands once in a list of these: such a list is a map (DESIGN 4.2)."""

DIGEST_FORM: typing.Final = re.compile(r"sha256:[0-9a-f]{64}")
_INT64 = 1 << 63


def check_identifier(value: str, where: str = "identifier") -> None:
    """Check that *value* is fit to name something.

    Raises:
        BadIdentifier: It is empty, over 1,024 bytes, not NFC, starts or ends with a space, or
            holds a control, format (bidi, zero-width), surrogate, unassigned or otherwise
            invisible character, or a space other than U+0020.

    """
    if not value or value != value.strip():
        raise BadIdentifier(f"{where} is empty or has spaces around it")
    if value.isascii():
        if not value.isprintable():
            raise BadIdentifier(f"{where} holds a control character")
    else:
        refused = [c for c in value if is_hidden(c) or is_odd_space(c)]
        if refused:
            raise BadIdentifier(f"{where} holds the character U+{ord(refused[0]):04X}")
        if not unicodedata.is_normalized("NFC", value):
            raise BadIdentifier(f"{where} is not in Unicode normal form C")
    if len(value) * 4 > MAX_IDENTIFIER_BYTES and len(value.encode()) > MAX_IDENTIFIER_BYTES:
        raise BadIdentifier(f"{where} is longer than {MAX_IDENTIFIER_BYTES} bytes")


def check_record(cls: type, record: Any) -> None:
    """Check a whole record of model class *cls*.

    Raises:
        BadIdentifier, OutOfRange, TooLarge, TooManyItems: As the names say; the message
            names the field's path.

    """
    budget = [MAX_EVENT_NODES]
    _check_fields(cls, record, cls.__name__, budget)


def check_event(record: dict[str, Any]) -> str:
    """Check an event record and return the name of its body.

    Raises:
        OutOfRange: None or several bodies are set, or a number is out of range.
        BadIdentifier, TooLarge, TooManyItems: See ``check_record``.

    """
    check_record(Event, record)
    bodies = [name for name in BODY_FIELDS if record["body"][name] is not None]
    if len(bodies) != 1:
        raise OutOfRange(f"an event has exactly one body, this one has {len(bodies)}")
    if not 0 <= record["event_time"] <= MAX_TIME:
        raise OutOfRange("event_time lies before 1970 or after the year 9999")
    if bodies[0] == "run" and record["run_id"] is None:
        raise OutOfRange("a run event names its run_id")
    return bodies[0]


@cache
def _plan(cls: type) -> tuple[tuple[str, Any, bool, str | None], ...]:
    return tuple((name, *unwrap(annotation)) for name, annotation in field_types(cls).items())


def _check_fields(cls: type, record: Any, path: str, budget: list[int]) -> None:
    if not isinstance(record, dict):
        raise OutOfRange(f"{path} is not a record")
    fields = typing.cast("dict[str, Any]", record)
    plan = _plan(cls)
    for name, kind, nullable, mark in plan:
        value = fields.get(name)
        if value is None:
            if not nullable or name not in fields:
                raise OutOfRange(f"{path}.{name} is missing")
            continue
        _check_value(kind, mark, value, f"{path}.{name}", budget)
    if len(fields) != len(plan):
        unknown = set(fields).difference(name for name, *_ in plan)
        raise OutOfRange(f"{path} has no field {min(map(str, unknown))}")


def _check_value(kind: Any, mark: str | None, value: Any, path: str, budget: list[int]) -> None:
    budget[0] -= 1
    if budget[0] < 0:
        raise TooManyItems(f"an event holds more than {MAX_EVENT_NODES} values")
    if kind is str:
        check_text(mark, value, path)
    elif kind is float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise OutOfRange(f"{path} is not a number")
        if not _is_finite(value):
            raise OutOfRange(f"{path} is not a finite number")
    elif kind is int:
        if type(value) is not int or not -_INT64 <= value < _INT64:
            raise OutOfRange(f"{path} is not a 64-bit integer")
        if mark == TIME and not 0 <= value <= MAX_TIME:
            raise OutOfRange(f"{path} lies before 1970 or after the year 9999")
    elif kind is bool:
        if type(value) is not bool:
            raise OutOfRange(f"{path} is not true or false")
    elif kind is bytes:
        if not isinstance(value, bytes):
            raise OutOfRange(f"{path} is not bytes")
    elif typing.get_origin(kind) is tuple:
        _check_items(kind, value, path, budget)
    elif issubclass(kind, StrEnum):
        if not isinstance(value, str) or value not in kind._value2member_map_:
            raise OutOfRange(f"{path} must be one of {', '.join(kind)}")
    else:
        _check_fields(kind, value, path, budget)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no double can hold
        return False


def _check_items(kind: Any, value: Any, path: str, budget: list[int]) -> None:
    if not isinstance(value, list | tuple):
        raise OutOfRange(f"{path} is not a list")
    item, _, mark = unwrap(typing.get_args(kind)[0])
    for index, element in enumerate(typing.cast("list[Any]", value)):
        _check_value(item, mark, element, f"{path}[{index}]", budget)
    if item in KEYS and len(value) > 1:
        key = KEYS[item]
        if len({element[key] for element in value}) != len(value):
            raise OutOfRange(f"{path} has the same {key} twice")


def check_text(mark: str | None, value: Any, path: str) -> None:
    """Check a text by its mark: an identifier, a version, a digest, or free text for None.

    Raises:
        OutOfRange: It is no text.
        BadIdentifier, TooLarge: As ``check_record`` says.

    """
    if not isinstance(value, str):
        raise OutOfRange(f"{path} is not text")
    if mark in (IDENTIFIER, VERSION):
        check_identifier(value, path)
        if mark == VERSION:
            _check_version(value, path)
    elif mark == DIGEST:
        if not DIGEST_FORM.fullmatch(value):
            raise BadIdentifier(f"{path} is not 'sha256:' and 64 lower-case hex characters")
    else:
        _check_free_text(value, path)


def _check_version(value: str, path: str) -> None:
    if "@" in value or value.startswith(("sha256:", "run:")) or value == "unknown":
        raise BadIdentifier(f"{path} reads like another part of a REF")


def _check_free_text(value: str, path: str) -> None:
    try:
        size = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError:
        raise BadIdentifier(f"{path} holds a lone surrogate") from None
    if size > MAX_STRING_BYTES:
        raise TooLarge(f"{path} is {size} bytes, more than {MAX_STRING_BYTES}")
