"""Splits events by the body they seem to have, and gives the Avro schema of each one's alone.

An event has one field for each body and all but one are null. Decoded with the whole schema every
event costs a null in each of some two hundred columns that it does not have: more time and memory
than all the rest of decoding. A null lies in the bytes as one zero byte, and so does a false: with
``boolean`` in place of the bodies that are not there the same bytes are read, and written, alike.

Nothing here is a verdict. A wrong guess only makes an event fail to decode, or hold a true where
only false is right (``codec`` looks); then it goes the reference way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lineseal.schemas.codec import schema_bytes

Index = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

BODY = "body"
_LONGEST_NUMBER = 10
"""Bytes of the longest Avro number."""
_LENGTH_BYTES = 3
"""Bytes of a length at most: 2 MiB are more than an event may have."""
_SCALARS = ("string", "long")


@dataclass(frozen=True, slots=True)
class Layout:
    """Say how events of one schema lie in bytes.

    Attributes:
        before: The scalars in front of the body: ``string``, or ``long`` for any number.
        bodies: The names of the bodies, in order.
        schemas: For each body the schema in which all others are ``boolean``.

    """

    before: tuple[str, ...]
    bodies: tuple[str, ...]
    schemas: tuple[str, ...]


@cache
def layout(name: str) -> Layout:
    """Read the shipped event schema *name*.

    Raises:
        TypeError: The shipped schema has something else than scalars and records before its body.

    """
    event = json.loads(schema_bytes(name))
    named: dict[str, Any] = {}
    _collect(event, named)
    body = next(field["type"] for field in event["fields"] if field["name"] == BODY)
    bodies = tuple(field["name"] for field in body["fields"])
    return Layout(tuple(_before(event)), bodies, tuple(_only(event, b, named) for b in bodies))


def by_body(events: Sequence[bytes], layout: Layout) -> tuple[list[Index], Index, Any]:
    """Find for each body the events that seem to have it.

    Returns:
        For each body their places; the size of every event; and all of them in Arrow.

    """
    bodies = len(layout.bodies)
    padding = bytes(_LONGEST_NUMBER + bodies)
    sizes = np.fromiter(map(len, events), np.int64, len(events))
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    buffer = pa.py_buffer(b"".join((*events, padding)))
    offsets = pa.py_buffer(bounds.astype(np.int32))
    joined = pa.BinaryArray.from_buffers(pa.binary(), len(events), [None, offsets, buffer])
    data = np.frombuffer(buffer, np.uint8)
    at: Index = bounds[:-1]
    last = int(bounds[-1])
    for kind in layout.before:
        length = _lengths(data, at) if kind == "string" else 0
        at = np.minimum(at + _digits(data, at) + length, last)
    present = data[at[:, None] + np.arange(bodies)] != 0
    body_of = np.where(present.any(axis=1), present.argmax(axis=1), bodies)
    return [np.flatnonzero(body_of == number) for number in range(bodies)], sizes, joined


def _digits(data: Bytes, at: Index) -> Index:
    """Return how many bytes the numbers at these places have."""
    digits = np.ones(len(at), np.int64)
    longer = np.flatnonzero(data[at] >= 0x80)
    ends = data[at[longer][:, None] + np.arange(_LONGEST_NUMBER)] < 0x80
    digits[longer] += ends.argmax(axis=1)
    return digits


def _lengths(data: Bytes, at: Index) -> Index:
    """Return the lengths that stand at these places; of what is none, anything from 0 on."""
    digits = data[at[:, None] + np.arange(_LENGTH_BYTES)].astype(np.int64)
    more = np.cumprod(digits >= 0x80, axis=1)
    digits[:, 1:] *= more[:, :-1]
    shifts = 7 * np.arange(_LENGTH_BYTES)
    raw: Index = ((digits & 0x7F) << shifts).sum(axis=1)
    return raw >> 1


def _before(event: dict[str, Any]) -> Iterator[str]:
    for field in event["fields"]:
        if field["name"] == BODY:
            return
        yield from _scalars(field["type"])


def _scalars(kind: Any) -> Iterator[str]:
    if kind in _SCALARS:
        yield kind
    elif isinstance(kind, dict) and kind["type"] == "enum":
        yield "long"
    elif isinstance(kind, dict) and kind["type"] == "record":
        for field in kind["fields"]:
            yield from _scalars(field["type"])
    else:
        raise TypeError(f"{kind} cannot stand in front of the body")


def _collect(kind: Any, named: dict[str, Any]) -> None:
    """Add every named type that *kind* defines."""
    if isinstance(kind, list):
        for branch in kind:
            _collect(branch, named)
    elif isinstance(kind, dict):
        if "name" in kind:
            named[f"{kind['namespace']}.{kind['name']}"] = kind
        for field in kind.get("fields", ()):
            _collect(field["type"], named)
        _collect(kind.get("items"), named)


def _only(event: dict[str, Any], body: str, named: dict[str, Any]) -> str:
    """Write the schema of events with that *body*, each type defined where it comes first."""
    fields = [dict(field) for field in event["fields"]]
    for field in fields:
        if field["name"] == BODY:
            bodies = [
                kept if kept["name"] == body else {**kept, "type": "boolean"}
                for kept in field["type"]["fields"]
            ]
            field["type"] = {**field["type"], "fields": bodies}
    return json.dumps(_defined({**event, "fields": fields}, named, set()))


def _defined(kind: Any, named: dict[str, Any], seen: set[str]) -> Any:
    if isinstance(kind, str):
        return _defined(named[kind], named, seen) if kind in named and kind not in seen else kind
    if isinstance(kind, list):
        return [_defined(branch, named, seen) for branch in kind]
    if "name" in kind:
        name = f"{kind['namespace']}.{kind['name']}"
        if name in seen:
            return name
        seen.add(name)
    changed = dict(kind)
    if "fields" in kind:
        changed["fields"] = [
            {**field, "type": _defined(field["type"], named, seen)} for field in kind["fields"]
        ]
    if "items" in kind:
        changed["items"] = _defined(kind["items"], named, seen)
    return changed
