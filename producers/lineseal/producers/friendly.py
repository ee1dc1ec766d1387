"""Builds event bodies from what people write: strings, mappings, times, REFs.

The model says what each field is; this module turns a friendly value into it:

* an enumeration from its text, a number from text or from NumPy's and other libraries' numbers;
* an artifact from a REF, a subject from a REF or ``type:name`` (``source:partner-feed``);
* a time in microseconds from a ``datetime`` with a zone or ISO 8601 text with one;
* lists from one item or many, and lists of pairs from a mapping or from ``NAME=VALUE`` texts;
* nested records from a mapping, and those with one main field from that field's text.

Whatever cannot be turned is an ``InvalidEvent`` that names the field. Limits, identifiers and
ranges are not looked at here: the codec checks them when the event is encoded.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import operator
import os
import typing
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, cast

from lineseal.producers.artifacts import ArtifactSpec, use_without_hashing
from lineseal.producers.text import fit, to_text
from lineseal.schemas import model
from lineseal.schemas.avsc import field_types, unwrap
from lineseal.schemas.errors import InvalidEvent
from lineseal.schemas.model import Artifact, ArtifactUse, Subject

Built = TypeVar("Built")

# fmt: off
SUBJECT_TYPES = frozenset({
    "alert", "artifact", "feedback_channel", "job", "key", "policy", "producer", "source", "stage",
    "supplier",
})
# fmt: on
"""What a subject can be besides a REF; ``artifact`` itself is written as a REF."""

MAIN_FIELD: dict[type, str] = {
    model.Evidence: "name",
    model.Source: "uri",
    model.Supplier: "name",
    model.Acquisition: "method",
    model.ParentRun: "run_id",
    model.Code: "commit",
    model.Suite: "name",
}
"""Records that a plain text stands for, and the field the text fills."""

NAMED_VALUES: dict[type, tuple[str, str]] = {
    model.Pair: ("key", "value"),
    model.Metric: ("name", "value"),
    model.Count: ("name", "count"),
    model.Submitter: ("pseudonym", "share"),
}
"""Records that are one entry of a mapping, or the text ``NAME=VALUE``."""


def build(cls: type[Built], values: Mapping[str, Any], where: str = "") -> Built:
    """Build a model from friendly values; None stands for "not given".

    Raises:
        InvalidEvent: A field is unknown, missing or cannot be turned into its type.
        InvalidReference: A REF cannot be parsed.

    """
    where = where or cls.__name__
    plain: type = cls
    plan = _plan(plain)
    for name in values:
        if name not in plan:
            raise InvalidEvent(f"{where} has no field {name!r}{_near(name, plan)}")
    fields: dict[str, Any] = {}
    for name, (kind, required) in plan.items():
        value = values.get(name)
        if value is not None:
            fields[name] = convert(kind, value, f"{where}.{name}")
        elif required:
            raise InvalidEvent(f"{where}.{name} is missing")
    return cls(**fields)


def convert(kind: Any, value: Any, where: str) -> Any:
    """Turn one friendly value into *kind*; *where* names the field in messages."""
    if typing.get_origin(kind) is tuple:
        return _to_tuple(unwrap(typing.get_args(kind)[0])[0], value, where)
    if kind in _SCALARS:
        return _SCALARS[kind](value, where)
    if issubclass(kind, StrEnum):
        return _to_enum(kind, value, where)
    if isinstance(value, kind):
        return value
    if isinstance(value, str) and value.startswith("{"):
        value = _from_json(value, where)
    if kind in (Artifact, ArtifactUse, Subject) and not isinstance(value, Mapping):
        return _to_thing(kind, value, where)
    return _to_record(kind, value, where)


def is_moment(name: str) -> bool:
    """Say whether the field *name* holds a time in microseconds."""
    return name.endswith("_at") or name == "last_activity"


@cache
def _plan(cls: type) -> dict[str, tuple[Any, bool]]:
    types = field_types(cls)
    return {
        field.name: (unwrap(types[field.name])[0], field.default is dataclasses.MISSING)
        for field in dataclasses.fields(cls)
    }


def _to_text(value: Any, where: str) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, os.PathLike):
        return fit(os.fspath(cast("os.PathLike[str]", value)))
    if isinstance(value, bool | int | float):
        return to_text(value)
    raise InvalidEvent(f"{where} is not text but {_name(value)}")


def _to_int(value: Any, where: str) -> int:
    if is_moment(where.rpartition(".")[2]):
        return _to_moment(value, where)
    try:
        return int(value) if isinstance(value, str) else operator.index(value)
    except (TypeError, ValueError):
        raise InvalidEvent(f"{where} is not a whole number but {_name(value)}") from None


def _to_moment(value: Any, where: str) -> int:
    try:
        if isinstance(value, str) and not value.lstrip("-").isdigit():
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return _to_microseconds(value, where)
        return int(value) if isinstance(value, str) else operator.index(value)
    except (TypeError, ValueError):
        raise InvalidEvent(f"{where} is neither microseconds nor an ISO 8601 time") from None


def _to_microseconds(moment: datetime, where: str) -> int:
    if moment.tzinfo is None:
        raise InvalidEvent(f"{where} has no time zone; add one, such as +00:00")
    return round(moment.timestamp() * 1_000_000)


def _to_float(value: Any, where: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidEvent(f"{where} is not a number but {_name(value)}") from None


def _to_bool(value: Any, where: str) -> bool:
    words = {"true": True, "yes": True, "false": False, "no": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise InvalidEvent(f"{where} is not true or false")


_SCALARS: dict[Any, Callable[[Any, str], Any]] = {
    str: _to_text,
    int: _to_int,
    float: _to_float,
    bool: _to_bool,
}


def _to_enum(kind: type[StrEnum], value: Any, where: str) -> StrEnum:
    if isinstance(value, str) and value in kind._value2member_map_:
        return kind(value)
    shown = repr(value) if isinstance(value, str) and len(value) <= 40 else _name(value)
    raise InvalidEvent(f"{where} must be one of {', '.join(kind)}, not {shown}")


def _to_thing(kind: type, value: Any, where: str) -> Any:
    if kind is Subject and isinstance(value, str):
        subject_type, colon, name = value.partition(":")
        if colon and subject_type in SUBJECT_TYPES and subject_type != "artifact":
            return Subject(type=subject_type, name=name or None)
    if not isinstance(value, str | Artifact | ArtifactUse | ArtifactSpec):
        raise InvalidEvent(f"{where} is not an artifact but {_name(value)}")
    use = use_without_hashing(value)
    if kind is ArtifactUse:
        return use
    return use.artifact if kind is Artifact else Subject(type="artifact", artifact=use.artifact)


def _to_record(kind: type, value: Any, where: str) -> Any:
    if isinstance(value, str):
        return build(kind, _text_fields(kind, value, where), where)
    if isinstance(value, Mapping):
        return build(kind, cast("Mapping[str, Any]", value), where)
    if kind is model.Pair and isinstance(value, tuple | list):
        return build(kind, dict(zip(("key", "value"), cast("list[Any]", value), strict=False)))
    raise InvalidEvent(f"{where} is not a {kind.__name__} but {_name(value)}")


def _text_fields(kind: type, text: str, where: str) -> dict[str, Any]:
    """Split the text that stands for a small record into its fields."""
    if kind in NAMED_VALUES:
        # A parameter's value may hold "=", the name of a metric or a label rather than its number.
        split = text.partition if kind is model.Pair else text.rpartition
        name, separator, value = split("=")
        if not separator:
            raise InvalidEvent(f"{where} is written NAME=VALUE")
        return dict(zip(NAMED_VALUES[kind], (name, value), strict=True))
    if kind is model.Flip:
        parts = text.split("=")
        if len(parts) != 3:
            raise InvalidEvent(f"{where} is written FROM=TO=COUNT")
        return dict(zip(("from_label", "to_label", "count"), parts, strict=True))
    if kind is model.Evidence and "@sha256:" in text:
        name, _, digest = text.rpartition("@")
        return {"name": name, "digest": digest}
    if kind in MAIN_FIELD:
        return {MAIN_FIELD[kind]: text}
    raise InvalidEvent(f"{where} is not a {kind.__name__}; give its fields")


def _to_tuple(item: Any, value: Any, where: str) -> tuple[Any, ...]:
    if isinstance(value, str) and value.startswith("["):
        value = _from_json(value, where)
    if isinstance(value, Mapping):
        items = _items_of(item, value)
    elif isinstance(value, str) or not isinstance(value, Iterable):
        items = [value]
    else:
        items = list(value)
    return tuple(convert(item, element, f"{where}[{n}]") for n, element in enumerate(items))


def _items_of(item: Any, mapping: Mapping[Any, Any]) -> list[Any]:
    if item in NAMED_VALUES:
        name, value = NAMED_VALUES[item]
        shown = to_text if item is model.Pair else _same
        return [{name: key, value: shown(element)} for key, element in mapping.items()]
    if item is model.Slice:
        return [_slice(name, values) for name, values in mapping.items()]
    return [mapping]


def _slice(name: Any, values: Any) -> dict[str, Any]:
    """Turn ``"class 3": {"n": 40, "recall": 0.9}`` into the fields of a slice."""
    if not isinstance(values, Mapping):
        raise InvalidEvent("a slice is a mapping with n and its metrics")
    rest = dict(cast("Mapping[str, Any]", values))
    n = rest.pop("n", None)
    metrics = rest.pop("metrics", None)
    return {"name": str(name), "n": n, "metrics": metrics if metrics is not None else rest}


def _same(value: Any) -> Any:
    return value


def _from_json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise InvalidEvent(f"{where} starts like JSON but is none") from None


def _near(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(name), list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _name(value: Any) -> str:
    return f"{type(value).__name__}"
