"""Turns models into the plain records Avro encodes, and back.

A record is what ``fastavro`` takes and gives: dicts, lists and scalars. Enumerations travel as
their symbol. Nothing is checked here; see ``guard``.
"""

from __future__ import annotations

import typing
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, cast

from lineseal.schemas.avsc import field_types, unwrap

Record = dict[str, Any]
Model = TypeVar("Model")


def to_record(model: Any) -> Record:
    """Turn a model into a plain record, recursively."""
    cls: type = type(model)
    return {name: _value_out(getattr(model, name)) for name in _names(cls)}


def from_record(cls: type[Model], record: Record) -> Model:
    """Build a model from a plain record that has exactly its fields.

    Raises:
        KeyError: A field is absent.
        ValueError: An enumeration does not know the symbol.

    """
    plain: type = cls
    values = {name: _value_in(kind, record[name]) for name, kind in _types(plain).items()}
    return cls(**values)


@cache
def _names(cls: type) -> tuple[str, ...]:
    return tuple(field_types(cls))


@cache
def _types(cls: type) -> dict[str, Any]:
    return {name: unwrap(annotation)[0] for name, annotation in field_types(cls).items()}


def _value_out(value: Any) -> Any:
    if value is None or type(value) in (str, int, float, bool, bytes):
        return value
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple | list):
        return [_value_out(item) for item in cast("tuple[Any, ...]", value)]
    if hasattr(type(value), "__dataclass_fields__"):
        return to_record(value)
    return value


def _value_in(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if typing.get_origin(kind) is tuple:
        item = unwrap(typing.get_args(kind)[0])[0]
        return tuple(_value_in(item, element) for element in value)
    if kind in (str, int, float, bool, bytes):
        return value
    if issubclass(kind, StrEnum):
        return kind(value)
    return from_record(cast("type[Any]", kind), value)
