"""Writes checked Avro straight from a model, in one pass, for the thread of a job.

``codec`` is the reference: a plain record, a walk that checks it, fastavro. Most of an ``emit``
went there. Here a function is generated for each model class (as ``dataclasses`` does it): it
takes the fields one after the other, and texts it has met before are bytes already. It writes what
it is certain about and gives ``None`` for anything else, so that ``codec`` judges, and words the
error. Tests hold the two together: where both write, the bytes are equal; what ``codec`` refuses
is never written here. Source: ADR-0020.
"""

from __future__ import annotations

import dataclasses
import math
import re
import struct
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from lineseal.schemas.avsc import field_types, unwrap
from lineseal.schemas.guard import DIGEST_FORM, KEYS, check_text
from lineseal.schemas.limits import MAX_EVENT_NODES, MAX_TIME
from lineseal.schemas.model import DIGEST, IDENTIFIER, TIME, VERSION, Pair
from lineseal.schemas.zigzag import SMALL_LONGS, encode_long

_NULL: Final = b"\0"
_SET: Final = b"\2"
"""The two branches of a union of null and something."""
_MAX_KEPT: Final = 2048
_MAX_KEPT_BYTES: Final = 256
_NODES_PER_PIECE: Final = 3
"""More values than the guard counts for one piece of output (a record and its first field)."""
_DOUBLE: Final[Callable[[float], bytes]] = struct.Struct("<d").pack
PLAIN: Final[dict[str | None, re.Pattern[str]]] = {
    None: re.compile(r"[0-9.]{1,64}"),
    IDENTIFIER: re.compile(r"[A-Za-z0-9._-]{1,64}"),
    VERSION: re.compile(r"(?!unknown\Z)[A-Za-z0-9._-]{1,64}"),
    DIGEST: DIGEST_FORM,
}
"""Texts, by their mark, that every check lets pass and that no cleaning changes."""
_MAX_PLAIN: Final = len("sha256:") + 64


@dataclass(frozen=True, slots=True)
class Cleaning:
    """Say how secrets are taken out of texts.

    Attributes:
        free: Cleans free text; leaves alone what is ``PLAIN``.
        identifier: Cleans an identifier or a version, likewise; digests are left alone.
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


def _refuse() -> bytes:
    raise _Doubt


class _Made(dict[Any, Any]):
    """Remembers what was made of a text; made when first asked for."""

    __slots__ = ("_make",)

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


class _Texts(_Made):
    """The same for texts, most of which are plain: those are encoded without another call."""

    __slots__ = ("_heads", "_is_plain")

    def __init__(self, mark: str | None, prefix: bytes, make: Callable[[Any], bytes]) -> None:
        super().__init__(make)
        self._is_plain = PLAIN[mark].fullmatch
        self._heads = [prefix + length for length in SMALL_LONGS[: _MAX_PLAIN + 1]]

    def __missing__(self, text: Any) -> Any:
        if type(text) is not str or self._is_plain(text) is None:
            return super().__missing__(text)
        data = text.encode()
        made = self[text] = self._heads[len(data)] + data
        if len(self) > _MAX_KEPT:
            self.clear()
        return made


class _MadeAnew(_Made):
    """Makes it each time: for texts that seldom come again."""

    __slots__ = ()

    def __missing__(self, text: Any) -> Any:
        return self._make(text)


class StraightWriter:
    """Writes values of one model class. Safe to share between threads."""

    def __init__(self, cls: type, cleaning: Cleaning) -> None:
        """Prepare to write *cls*, each text cleaned."""
        self._cleaning = cleaning
        self._tables: dict[tuple[str | None, bytes], _Made] = {}
        self._values = _Made(self._values_of)
        self._keys = _Made(_maker(IDENTIFIER, b"", _as_it_is))
        self._write = self._writer(cls)

    def pieces(self, value: Any) -> list[bytes] | None:
        """Return the encoding of *value* in pieces, or None when the reference has to judge."""
        out: list[bytes] = []
        return out if self.append(value, out) else None

    def append(self, value: Any, out: list[bytes]) -> bool:
        """Append the encoding of *value* in pieces; False when the reference has to judge.

        What was appended by then counts for nothing.
        """
        before = len(out)
        try:
            self._write(value, out)
        except Exception:  # noqa: BLE001 - whatever it is, the reference words it
            return False
        return (len(out) - before) * _NODES_PER_PIECE < MAX_EVENT_NODES

    def text(self, mark: str | None, prefix: bytes = b"") -> Mapping[str, bytes]:
        """Return what gives the bytes of any text with *mark*, each behind *prefix*."""
        return self._table(mark, prefix)

    def _table(self, mark: str | None, prefix: bytes) -> _Made:
        table = self._tables.get((mark, prefix))
        if table is None:
            clean = self._cleaning.free if mark is None else self._cleaning.identifier
            table = _Texts(mark, prefix, _maker(mark, prefix, clean))
            self._tables[mark, prefix] = table
        return table

    def _values_of(self, key: str) -> _Made:
        """Return the table for values of the parameter *key*."""
        if not self._cleaning.names_secret(key):
            return self._table(None, b"")
        return _MadeAnew(
            _maker(None, b"", lambda value: self._cleaning.pair(key, value), _is_never_plain)
        )

    def _writer(self, cls: type) -> Callable[[Any, list[bytes]], None]:
        """Generate the function that appends the pieces of a *cls* to a list."""
        names: dict[str, Any] = {
            "Doubt": _Doubt,
            "small": SMALL_LONGS,
            "long": _long,
            "double": _double,
            "boolean": _boolean,
            "time": _time,
            "is_digest": DIGEST_FORM.fullmatch,
            "text": str.encode,
            "pack": _DOUBLE,
            "is_finite": math.isfinite,
            "refuse": _refuse,
        }
        lines = ["def write(v, out):", *_indented(self._record(cls, "v", names))]
        exec("\n".join(lines), names)  # noqa: S102 - only names of our own model classes
        write: Callable[[Any, list[bytes]], None] = names["write"]
        return write

    def _record(self, cls: type, owner: str, names: dict[str, Any]) -> list[str]:
        """Return the lines that write what the variable *owner* holds, a *cls*."""
        lines = [f"if type({owner}) is not {_name(names, cls)}: raise Doubt"]
        if cls is Pair:
            keys, values = _name(names, self._keys), _name(names, self._values)
            made = f"{keys}[{owner}.key], {values}[{owner}.key][{owner}.value]"
            return [*lines, f"out += ({made})"]
        leaves: list[str] = []
        for name, annotation in field_types(cls).items():
            kind, nullable, mark = unwrap(annotation)
            is_array = typing.get_origin(kind) is tuple
            if not is_array and not _is_record(kind):
                leaves.append(self._leaf(f"{owner}.{name}", kind, nullable, mark, names))
                continue
            lines += [*_appended(leaves), f"{owner}_ = {owner}.{name}"]
            leaves = []
            write = self._array if is_array else self._record
            inner = write(kind, f"{owner}_", names)
            if nullable:
                inner = [f"out.append({_SET!r})", *inner]
                lines += [f"if {owner}_ is None: out.append({_NULL!r})", "else:"]
            lines += _indented(inner) if nullable else inner
        return [*lines, *_appended(leaves)]

    def _array(self, kind: Any, owner: str, names: dict[str, Any]) -> list[str]:
        """Return the lines that write what the variable *owner* holds, a tuple or a list."""
        item, nullable, mark = unwrap(typing.get_args(kind)[0])
        if nullable:
            raise TypeError("an array of values that may be null is not in the contract")
        lines = [f"if type({owner}) is not tuple and type({owner}) is not list: raise Doubt"]
        if item in KEYS:
            keys = _name(names, self._keys if item is Pair else self._table(IDENTIFIER, b""))
            made = f"{{{keys}[i.{KEYS[item]}] for i in {owner}}}"
            lines.append(f"if len({owner}) > 1 and len({made}) != len({owner}): raise Doubt")
        one = f"{owner}i"
        if _is_record(item):
            body = self._record(item, one, names)
        else:
            body = [f"out.append({self._leaf(one, item, False, mark, names)})"]
        inner = [f"out.append(small[len({owner})])", f"for {one} in {owner}:", *_indented(body)]
        return [*lines, f"if {owner}:", *_indented(inner), f"out.append({_NULL!r})"]

    def _leaf(
        self, value: str, kind: Any, nullable: bool, mark: str | None, names: dict[str, Any]
    ) -> str:
        """Return the expression that makes the bytes of *value*, which is no record or array."""
        prefix = _SET if nullable else b""
        if nullable:
            value, condition = "x", f"{_NULL!r} if (x := {value}) is None else "
        else:
            condition = ""
        if kind is str and mark == DIGEST:
            # Each is another one, so none is kept.
            head = prefix + SMALL_LONGS[len("sha256:") + 64]
            return f"{condition}{head!r} + text(d) if is_digest(d := {value}) else refuse()"
        if kind is str:
            return f"{condition}{_name(names, self._table(mark, prefix))}[{value}]"
        set_branch = f"{prefix!r} + " if prefix else ""
        if issubclass(kind, StrEnum):
            symbols = {m: prefix + SMALL_LONGS[index] for index, m in enumerate(kind)}
            return f"{condition}{_name(names, symbols)}[{value}]"
        if kind is int and mark != TIME:
            is_small = f"type(n := {value}) is int and 0 <= n < {len(SMALL_LONGS)}"
            return f"{condition}{set_branch}(small[n] if {is_small} else long(n))"
        if kind is float:
            is_usual = f"type(d := {value}) is float and is_finite(d)"
            return f"{condition}{set_branch}(pack(d) if {is_usual} else double(d))"
        made = "time" if mark == TIME else "boolean"
        return f"{condition}{set_branch}{made}({value})"


def _is_record(kind: type) -> bool:
    return dataclasses.is_dataclass(kind)


def _name(names: dict[str, Any], thing: object) -> str:
    """Return the name under which generated code finds *thing*."""
    name = f"f{id(thing)}"
    names[name] = thing
    return name


def _indented(lines: Iterable[str]) -> list[str]:
    return [f" {line}" for line in lines]


def _appended(leaves: Sequence[str]) -> list[str]:
    """Return the line that appends what the expressions *leaves* make, if there are any."""
    return [f"out += ({', '.join(leaves)},)"] if leaves else []


def _maker(
    mark: str | None,
    prefix: bytes,
    clean: Callable[[str], str],
    is_plain: Callable[[str], object] | None = None,
) -> Callable[[Any], bytes]:
    """Return the function that cleans, checks and encodes texts with *mark*."""
    is_plain = is_plain or PLAIN[mark].fullmatch

    def make(text: Any) -> bytes:
        if type(text) is not str:
            raise _Doubt
        shown: str = text
        if is_plain(shown) is None:
            shown = clean(shown)
            check_text(mark, shown, "text")
        data = shown.encode()
        return prefix + SMALL_LONGS[len(data)] + data

    return make


def _is_never_plain(_text: str) -> None:
    """Say that a text has to be cleaned, whatever it looks like: it is a secret's value."""


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
