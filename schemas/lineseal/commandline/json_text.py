"""Renders JSON with an indent as fast as without: an answer may have a million rows.

The standard library indents in Python, a character of structure at a time, but renders compactly in
C. So lists of flat objects, which is what large answers are, are rendered compactly with separators
that already hold the indent. Byte for byte what ``json.dumps(value, indent=2)`` gives.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final, Protocol, runtime_checkable

INDENT: Final = 2
COMPACT = json.JSONEncoder(ensure_ascii=True, allow_nan=False, default=str)
"""ASCII only, no NaN, keys in order."""

_INDENTED = json.JSONEncoder(ensure_ascii=True, allow_nan=False, default=str, indent=INDENT)
_ROW = "\n    "
_CELL = "\n      "
_FLAT = json.JSONEncoder(
    ensure_ascii=True, allow_nan=False, default=str, separators=(f",{_CELL}", ": ")
)
_SCALARS = frozenset({str, int, float, bool, type(None)})
"""A loop over them is several times faster than asking each what it is."""
_AT_ONCE = 10_000
"""Rows rendered in one piece: it is copied once more."""


@runtime_checkable
class JsonRows(Protocol):
    """Rows that render themselves, faster than row by row."""

    def json_parts(self, *, indent: bool) -> Iterator[str]:
        """Return the JSON list in pieces; indented as the member of an object that stands alone."""
        ...


def compact(value: Any) -> str:
    """Render *value* without an indent; rows that render themselves may stand in objects.

    Raises:
        ValueError: A number is not finite.

    """
    return "".join(_compact(value)) if _holds_rows(value) else COMPACT.encode(value)


def _compact(value: Any) -> Iterator[str]:
    if isinstance(value, JsonRows):
        yield from value.json_parts(indent=False)
    elif isinstance(value, dict):
        members: dict[Any, Any] = value
        between = "{"
        for key, member in members.items():
            yield f"{between}{COMPACT.encode(key)}: "
            yield from _compact(member)
            between = ", "
        yield "}" if members else "{}"
    else:
        yield COMPACT.encode(value)


def _holds_rows(value: Any) -> bool:
    if isinstance(value, dict):
        members: dict[Any, Any] = value
        return any(_holds_rows(member) for member in members.values())
    return isinstance(value, JsonRows)


def indented(value: Any) -> str:
    """Render *value*; only what stands in a list of an object at the top is rendered fast.

    Raises:
        ValueError: A number is not finite.

    """
    if not isinstance(value, dict) or not value:
        return _INDENTED.encode(value)
    members: dict[Any, Any] = value
    if not any(
        isinstance(member, JsonRows) or (isinstance(member, list) and member)
        for member in members.values()
    ):
        return _INDENTED.encode(members)
    parts: list[str] = []
    between = "{"
    for key, member in members.items():
        parts.append(between)
        between = ","
        # Rendered with its key, since keys need not be text.
        if isinstance(member, JsonRows):
            parts += (_inside({key: []}).removesuffix("[]"), *member.json_parts(indent=True))
        else:
            parts.append(_rows(key, member) if _is_table(member) else _inside({key: member}))
    return "".join([*parts, "\n}"])


def _is_table(member: Any) -> bool:
    return isinstance(member, list) and bool(member) and isinstance(member[0], dict)


def _inside(single: dict[Any, Any]) -> str:
    """Render an object of one member without its braces."""
    return _INDENTED.encode(single)[1:-2]


def _rows(key: Any, rows: list[Any]) -> str:
    head = _inside({key: []}).removesuffix("[]")
    return f"{head}[{','.join(_pieces(rows))}\n  ]"


def _pieces(rows: list[Any]) -> Iterator[str]:
    for is_flat, alike in groupby(rows, _is_flat):
        if not is_flat:
            for row in alike:
                # A text never holds a line break: it is written as an escape.
                yield _ROW + _INDENTED.encode(row).replace("\n", _ROW)
            continue
        found = list(alike)
        for start in range(0, len(found), _AT_ONCE):
            text = _FLAT.encode(found[start : start + _AT_ONCE])
            between = text[2:-2].replace(f"}},{_CELL}{{", f"{_ROW}}},{_ROW}{{{_CELL}")
            yield f"{_ROW}{{{_CELL}{between}{_ROW}}}"


def _is_flat(row: Any) -> bool:
    """Tell whether *row* is an object of one member at least, with nothing inside its members."""
    if type(row) is not dict or not row:
        return False
    members: dict[Any, Any] = row
    for cell in members.values():
        if cell.__class__ not in _SCALARS and cell and isinstance(cell, dict | list | tuple):
            return False
    return True
