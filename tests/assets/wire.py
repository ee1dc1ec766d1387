"""Writes a record as Avro in named pieces, so that an attack can replace exactly one of them.

>>> pieces = to_pieces(Event, record)
>>> edited(pieces, "body.run.state", ENUM, long(-1))
"""

from __future__ import annotations

import struct
import typing
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lineseal.schemas.avsc import field_types, unwrap

UNION, ENUM, LONG, DOUBLE, BOOLEAN = "union", "enum", "long", "double", "boolean"
LENGTH, TEXT, COUNT, END = "length", "text", "count", "end"


@dataclass(frozen=True)
class Piece:
    """Hold some bytes of an encoding: which field they belong to, and what they say of it."""

    path: str
    kind: str
    data: bytes


def to_pieces(cls: type, record: dict[str, Any]) -> list[Piece]:
    """Encode *record*, of model class *cls*, without checking anything."""
    return list(_record(cls, record, ""))


def joined(pieces: list[Piece]) -> bytes:
    """Return the whole encoding."""
    return b"".join(piece.data for piece in pieces)


def edited(pieces: list[Piece], path: str, kind: str, data: bytes) -> bytes:
    """Return the encoding with the one piece of *kind* at *path* replaced."""
    places = [n for n, piece in enumerate(pieces) if (piece.path, piece.kind) == (path, kind)]
    (place,) = places
    return b"".join(data if n == place else piece.data for n, piece in enumerate(pieces))


def until(pieces: list[Piece], path: str, kind: str) -> bytes:
    """Return the encoding up to the piece of *kind* at *path*, that one excluded."""
    place = [(piece.path, piece.kind) for piece in pieces].index((path, kind))
    return joined(pieces[:place])


def varint(number: int, size: int = 0) -> bytes:
    """Write a number, not negative, seven bits a byte, padded to *size* bytes; of any length."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    while len(encoded) < size:
        encoded[-1] |= 0x80
        encoded.append(0)
    return bytes(encoded)


def long(number: int, size: int = 0) -> bytes:
    """Write a 64-bit integer in zig-zag, padded to *size* bytes."""
    return varint(((number << 1) ^ (number >> 63)) & (1 << 64) - 1, size)


def _record(cls: type, record: dict[str, Any], path: str) -> typing.Iterator[Piece]:
    for name, annotation in field_types(cls).items():
        yield from _value(annotation, record[name], f"{path}.{name}".lstrip("."))


def _value(annotation: Any, value: Any, path: str) -> typing.Iterator[Piece]:
    kind, nullable, _ = unwrap(annotation)
    if nullable:
        yield Piece(path, UNION, long(value is not None))
        if value is None:
            return
    if typing.get_origin(kind) is tuple:
        if value:
            yield Piece(path, COUNT, long(len(value)))
        for number, item in enumerate(value):
            yield from _value(typing.get_args(kind)[0], item, f"{path}.{number}")
        yield Piece(path, END, long(0))
    elif kind in (str, bytes):
        data = value.encode("utf-8", "surrogatepass") if kind is str else value
        yield Piece(path, LENGTH, long(len(data)))
        yield Piece(path, TEXT, data)
    elif kind is float:
        yield Piece(path, DOUBLE, struct.pack("<d", value))
    elif kind is bool:
        yield Piece(path, BOOLEAN, bytes([value]))
    elif kind is int:
        yield Piece(path, LONG, long(value))
    elif issubclass(kind, StrEnum):
        yield Piece(path, ENUM, long([str(symbol) for symbol in kind].index(value)))
    else:
        yield from _record(kind, value, path)
