"""Writes checked Avro straight from a model, in one pass, for the thread of a job.

``codec`` is the reference: a plain record, a walk that checks it, fastavro. Most of an ``emit``
went there. Here a function is generated for each model class (as ``dataclasses`` does it): it
takes the fields one after the other, and texts it has met before are bytes already. It writes what
it is certain about and gives ``None`` for anything else, so that ``codec`` judges, and words the
error. Tests hold the two together: where both write, the bytes are equal; what ``codec`` refuses
is never written here. Source: ADR-0020.
"""

from __future__ import annotations

import math
import struct
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from lineseal.schemas.avsc import field_types, unwrap
from lineseal.schemas.guard import KEYS, check_text
from lineseal.schemas.limits import MAX_EVENT_NODES, MAX_TIME
from lineseal.schemas.model import DIGEST, IDENTIFIER, TIME, Pair
from lineseal.schemas.zigzag import SMALL_LONGS, encode_long

_NULL: Final = b"\0"
_SET: Final = b"\2"
"""The two branches of a union of null and something."""
_MAX_KEPT: Final = 2048
_MAX_KEPT_BYTES: Final = 256
_NODES_PER_PIECE: Final = 3
"""More values than the guard counts for one piece of output (a record and its first field)."""
_DOUBLE: Final = struct.Struct("<d").pack


@dataclass(frozen=True, slots=True)
class Cleaning:
    """Say how secrets are taken out of texts.

    Attributes:
        free: Cleans free text.
        identifier: Cleans an identifier or a version; digests are left alone.
        names_secret: Tells whether a parameter's key may name a secret.
        pair: Cleans the value of a parameter with such a key.

    """

    free: Callable[[str], str]
    identifier: Callable[[str], str]
    names_secret: Callable[[str], bool]
    pair: Callable[[str, str], str]


def _as_it_is(text: str) -> str:
    return text


NO_CLEANING: Final = Cleaning(_as_it_is, _as_it_is, lambda _key: False, lambda _key, value: value)


class _Doubt(Exception):
    """Says that the reference has to judge."""


class _Made(dict[Any, Any]):
    """Remembers what was made of a text; made when first asked for."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, text: Any) -> Any:
        made = self._make(text)
        if len(text) <= _MAX_KEPT_BYTES:
            if len(self) >= _MAX_KEPT:
                self.clear()
            self[text] = made
        return made


class _MadeAnew(_Made):
    """Makes it each time: for texts that seldom come again."""

    def __missing__(self, text: Any) -> Any:
        return self._make(text)


class StraightWriter:
    """Writes values of one model class. Safe to share between threads."""

    def __init__(self, cls: type, cleaning: Cleaning) -> None:
        """Prepare to write *cls*, each text cleaned."""
        self._cleaning = cleaning
        self._tables: dict[tuple[str | None, bytes], _Made] = {}
        self._values = _Made(self._values_of)
        self._writers: dict[type, Callable[[Any, Callable[[bytes], None]], None]] = {}
        self._write = self._writer(cls)

    def pieces(self, value: Any) -> list[bytes] | None:
        """Return the encoding of *value* in pieces, or None when the reference has to judge."""
        out: list[bytes] = []
        try:
            self._write(value, out.append)
        except Exception:  # noqa: BLE001 - whatever it is, the reference words it
            return None
        return out if len(out) * _NODES_PER_PIECE < MAX_EVENT_NODES else None

    def text(self, mark: str | None, prefix: bytes = b"") -> Mapping[str, bytes]:
        """Return what gives the bytes of any text with *mark*, each behind *prefix*."""
        return self._table(mark, prefix)

    def _table(self, mark: str | None, prefix: bytes) -> _Made:
        table = self._tables.get((mark, prefix))
        if table is None:
            clean = self._cleaning.free if mark is None else self._cleaning.identifier
            if mark == DIGEST:
                table = _MadeAnew(_maker(mark, prefix, _as_it_is))
            else:
                table = _Made(_maker(mark, prefix, clean))
            self._tables[mark, prefix] = table
        return table

    def _values_of(self, key: str) -> _Made:
        """Return the table for values of the parameter *key*."""
        if not self._cleaning.names_secret(key):
            return self._table(None, b"")
        return _MadeAnew(_maker(None, b"", lambda value: self._cleaning.pair(key, value)))

    def _writer(self, cls: type) -> Callable[[Any, Callable[[bytes], None]], None]:
        """Return the function that writes a *cls*; it is generated the first time."""
        if cls in self._writers:
            return self._writers[cls]
        names: dict[str, Any] = {"Doubt": _Doubt, "cls": cls, "small": SMALL_LONGS, "long": _long}
        lines = ["def write(value, put):", " if type(value) is not cls: raise Doubt"]
        if cls is Pair:
            names |= {"keys": self._table_of_keys(), "values": self._values}
            lines += [" put(keys[value.key])", " put(values[value.key][value.value])"]
        else:
            for number, (name, annotation) in enumerate(field_types(cls).items()):
                lines += self._lines(number, name, annotation, names)
        exec("\n".join(lines), names)  # noqa: S102 - only names of our own model classes
        self._writers[cls] = names["write"]
        return self._writers[cls]

    def _table_of_keys(self) -> _Made:
        return _Made(_maker(IDENTIFIER, b"", _as_it_is))

    def _lines(self, number: int, name: str, annotation: Any, names: dict[str, Any]) -> list[str]:
        kind, nullable, mark = unwrap(annotation)
        prefix = _SET if nullable else b""
        if typing.get_origin(kind) is tuple:
            item = unwrap(typing.get_args(kind)[0])
            body = self._array(number, *item, names)
        else:
            body = self._value(number, kind, mark, prefix, names)
            prefix = b"" if kind is str or issubclass(kind, StrEnum) else prefix
        set_branch = [f"put({prefix!r})"] if prefix else []
        lines = [f" v = value.{name}"]
        if nullable:
            lines.append(f" if v is None: put({_NULL!r})")
            return [*lines, " else:", *(f"  {line}" for line in [*set_branch, *body])]
        return [*lines, *(f" {line}" for line in body)]

    def _value(
        self, number: int, kind: Any, mark: str | None, prefix: bytes, names: dict[str, Any]
    ) -> list[str]:
        """Return the lines that write ``v``; texts and symbols write *prefix* themselves."""
        own = f"f{number}"
        if kind is str:
            names[own] = self._table(mark, prefix)
            return [f"put({own}[v])"]
        if mark == TIME:
            names[own] = _time
            return [f"put({own}(v))"]
        if kind is int:
            most = len(SMALL_LONGS)
            return [f"put(small[v] if type(v) is int and 0 <= v < {most} else long(v))"]
        if kind in (float, bool):
            names[own] = _double if kind is float else _boolean
            return [f"put({own}(v))"]
        if issubclass(kind, StrEnum):
            names[own] = {m: prefix + SMALL_LONGS[index] for index, m in enumerate(kind)}
            return [f"put({own}[v])"]
        names[own] = self._writer(kind)
        return [f"{own}(v, put)"]

    def _array(
        self, number: int, kind: Any, nullable: bool, mark: str | None, names: dict[str, Any]
    ) -> list[str]:
        if nullable:
            raise TypeError("an array of values that may be null is not in the contract")
        lines = ["if type(v) is not tuple and type(v) is not list: raise Doubt"]
        item = self._value(number, kind, mark, b"", names)
        if kind in KEYS:
            keys = self._table_of_keys() if kind is Pair else self._table(IDENTIFIER, b"")
            names[f"k{number}"] = keys
            made = f"{{k{number}[i.{KEYS[kind]}] for i in v}}"
            lines.append(f"if len(v) > 1 and len({made}) != len(v): raise Doubt")
        lines += ["if v:", " put(long(len(v)))", " for v in v:", *(f"  {line}" for line in item)]
        return [*lines, f"put({_NULL!r})"]


def _maker(mark: str | None, prefix: bytes, clean: Callable[[str], str]) -> Callable[[Any], bytes]:
    """Return the function that cleans, checks and encodes texts with *mark*."""

    def make(text: Any) -> bytes:
        if type(text) is not str:
            raise _Doubt
        shown = clean(text)
        check_text(mark, shown, "text")
        data = shown.encode()
        return prefix + SMALL_LONGS[len(data)] + data

    return make


def _long(value: Any) -> bytes:
    if type(value) is not int:
        raise _Doubt
    return encode_long(value)


def _time(value: Any) -> bytes:
    if type(value) is not int or not 0 <= value <= MAX_TIME:
        raise _Doubt
    return encode_long(value)


def _double(value: Any) -> bytes:
    if type(value) not in (float, int) or not math.isfinite(value):
        raise _Doubt
    return _DOUBLE(value)


def _boolean(value: Any) -> bytes:
    if type(value) is not bool:
        raise _Doubt
    return b"\1" if value else b"\0"
