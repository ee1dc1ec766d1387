"""Derives Avro schemas from the models, and keeps the shipped ones frozen.

The ``.avsc`` files under ``avro/`` are the contract: their exact bytes are hashed and the hash
is signed. This module writes them once per version from the dataclasses, so that model and
schema cannot drift; a test compares. Only strings, longs, doubles, booleans, enums, records,
arrays, unions with null and (outside events) bytes are used, so that events decode in columns.

Run ``python -m lineseal.schemas.avsc`` to print what the models give today.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import sys
import types
import typing
from enum import StrEnum
from typing import Any

from lineseal.schemas.model import BatchHeader, Event, SignedBatch

NAMESPACE = "lineseal"
_PRIMITIVES: dict[type, str] = {
    str: "string",
    int: "long",
    float: "double",
    bool: "boolean",
    bytes: "bytes",
}

FILES: dict[str, type] = {
    "event-v1.avsc": Event,
    "batch_header-v1.avsc": BatchHeader,
    "signed_batch-v1.avsc": SignedBatch,
}
"""Shipped file name to the model it is derived from."""


def field_types(cls: type) -> dict[str, Any]:
    """Return the annotated type of each field of a model class, in field order."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def unwrap(annotation: Any) -> tuple[Any, bool, str | None]:
    """Split an annotation into (type without null and mark, nullable, mark)."""
    nullable = False
    mark = None
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        arguments = [a for a in typing.get_args(annotation) if a is not type(None)]
        nullable = len(arguments) < len(typing.get_args(annotation))
        (annotation,) = arguments
    if typing.get_origin(annotation) is typing.Annotated:
        annotation, mark = typing.get_args(annotation)[:2]
    return annotation, nullable, mark


def derive(cls: type) -> dict[str, Any]:
    """Derive the Avro schema of a model class; named types are defined at first use."""
    return _record(cls, set())


def render(cls: type) -> str:
    """Render the schema of a model class as the text of an ``.avsc`` file."""
    return json.dumps(derive(cls), indent=1, ensure_ascii=True) + "\n"


def _record(cls: type, seen: set[str]) -> dict[str, Any]:
    seen.add(cls.__name__)
    fields = [
        {"name": name, "type": _type(annotation, seen)}
        for name, annotation in field_types(cls).items()
    ]
    doc = (inspect.getdoc(cls) or "").split("\n", 1)[0]
    return {
        "type": "record",
        "name": cls.__name__,
        "namespace": NAMESPACE,
        "doc": doc,
        "fields": fields,
    }


def _type(annotation: Any, seen: set[str]) -> Any:
    inner, nullable, _ = unwrap(annotation)
    schema = _plain(inner, seen)
    return ["null", schema] if nullable else schema


def _plain(inner: Any, seen: set[str]) -> Any:
    if typing.get_origin(inner) is tuple:
        return {"type": "array", "items": _type(typing.get_args(inner)[0], seen)}
    if inner in _PRIMITIVES:
        return _PRIMITIVES[inner]
    if inner.__name__ in seen:
        return f"{NAMESPACE}.{inner.__name__}"
    if issubclass(inner, StrEnum):
        seen.add(inner.__name__)
        symbols = [member.value for member in inner]
        return {
            "type": "enum",
            "name": inner.__name__,
            "namespace": NAMESPACE,
            "symbols": symbols,
        }
    return _record(inner, seen)


if __name__ == "__main__":
    for file_name, model in FILES.items():
        sys.stdout.write(f"// {file_name}\n{render(model)}")
