"""Answers what exactly the values of a table or an array in memory are: the SHA-256 of all of them.

Every row and every cell counts, in order, with the names and types of columns. The index of a
data frame counts when it has a name or is no integer: a split or a shuffle leaves integers behind
that no file would keep. What cannot be told exactly (an object of an unknown class) has no digest
rather than a weak one. The same values of the same types give the same digest on any machine.
NumPy, pandas and Polars are not imported here: whoever has their values has them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

_FORMAT = b"lineseal content 1"
_CHUNK = 4096
"""Values that are hashed together; a part of the format."""
_RAW_KINDS = frozenset("biufcmMSU")
_TOLD_BY_TEXT = frozenset(
    {
        "date", "datetime", "time", "timedelta", "Decimal", "UUID", "Fraction",
        "Timestamp", "Timedelta", "NaTType", "NAType", "Period", "Interval",
    }
)  # fmt: skip
"""Classes whose ``str`` is the whole value."""


class Untold(Exception):
    """Some value has no exact text, so that there is no digest."""


@dataclass(frozen=True, slots=True)
class Content:
    """Hold ``sha256:HEX`` of all values, and how many rows they are in."""

    digest: str
    rows: int | None


def digest_content(*values: Any) -> Content | None:
    """Hash tables, arrays and mappings of arrays; None when one of them cannot be told exactly.

    Args:
        values: Data frames or series of pandas or Polars, NumPy arrays, sparse matrices of SciPy,
            lists, or mappings from names to these; None stands for "there is none".

    """
    hasher = _Hasher()
    try:
        for value in values:
            hasher.value(value)
    except Untold:
        return None
    return Content(hasher.digest(), _rows(values[0]) if values else None)


class _Hasher:
    """Feeds values to SHA-256, each with its tag and length, so that no two texts coincide."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()
        self._frame(b"#", _FORMAT)

    def digest(self) -> str:
        return f"sha256:{self._sha.hexdigest()}"

    def value(self, value: Any) -> None:
        if value is None:
            self._frame(b"0", b"")
        elif isinstance(value, Mapping):
            parts: Mapping[Any, Any] = value
            self._frame(b"M", str(len(parts)).encode())
            for name in sorted(parts, key=str):
                self._items([name])
                self.value(parts[name])
        elif hasattr(value, "columns") and hasattr(value, "shape"):
            self._table(value)
        elif hasattr(value, "tocsr"):
            self._sparse(value)
        elif isinstance(value, list | tuple):
            self._items(cast("list[Any]", value))
        else:
            self._column(value)

    def _table(self, table: Any) -> None:
        names = list(table.columns)
        self._frame(b"T", f"{len(names)},{len(table)}".encode())
        index = getattr(table, "index", None)
        if index is not None and not _is_counter(index):
            self._items([str(index.names)])
            self._column(index)
        for position, name in enumerate(names):
            self._items([name])
            # By position: two columns may have one name.
            at = table.iloc if hasattr(table, "iloc") else table
            self._column(at[:, position])

    def _column(self, column: Any) -> None:
        kind = getattr(getattr(column, "dtype", None), "kind", None)
        if kind is None:  # Polars, and whatever else has values to list
            if not hasattr(column, "to_list"):
                raise Untold
            self._items(column.to_list())
            return
        array: Any = column.to_numpy() if hasattr(column, "to_numpy") else column
        if kind in _RAW_KINDS and hasattr(column.dtype, "newbyteorder"):
            self._raw(array)
        else:
            self._frame(b"S", str(array.shape).encode())
            self._items(array.reshape(-1).tolist())

    def _raw(self, array: Any) -> None:
        little = array.dtype.newbyteorder("<")
        self._frame(b"A", f"{little.str},{array.shape}".encode())
        if array.ndim == 0:
            self._sha.update(array.astype(little).tobytes())
            return
        width = max(1, array.size // max(1, len(array)))
        step = max(1, (1 << 20) // width)
        for start in range(0, len(array), step):
            # By parts, since ``tobytes`` copies; together they are the bytes in C order.
            self._sha.update(array[start : start + step].astype(little, copy=False).tobytes())

    def _sparse(self, matrix: Any) -> None:
        rows = matrix.tocsr(copy=True)
        rows.sum_duplicates()
        self._frame(b"P", str(rows.shape).encode())
        for part in (rows.indptr, rows.indices):
            self._raw(part.astype("<i8"))
        self._raw(rows.data)

    def _items(self, items: Iterable[Any]) -> None:
        """Hash plain values; a chunk of nothing but texts goes in one piece, to be quick."""
        for chunk in _chunks(items):
            if all(isinstance(item, str) for item in chunk):
                self._frame(b"L", ",".join(map(str, map(len, chunk))).encode())
                self._frame(b"U", "".join(chunk).encode("utf-8", "surrogatepass"))
            else:
                for item in chunk:
                    self._item(item)

    def _item(self, item: Any) -> None:
        if isinstance(item, str):
            self._frame(b"u", item.encode("utf-8", "surrogatepass"))
        elif isinstance(item, bytes | bytearray):
            self._frame(b"b", bytes(item))
        elif item is None or isinstance(item, bool | int):
            self._frame(b"i", repr(item).encode())
        elif isinstance(item, float):
            self._frame(b"f", float(item).hex().encode())
        elif isinstance(item, list | tuple):
            nested = cast("list[Any]", item)
            self._frame(b"(", str(len(nested)).encode())
            self._items(nested)
        elif type(item).__name__ in _TOLD_BY_TEXT:
            self._frame(b"o", f"{type(item).__name__} {item}".encode())
        elif isinstance(item, Mapping) or hasattr(item, "dtype"):
            self._nested(item)
        else:
            raise Untold

    def _nested(self, item: Any) -> None:
        if getattr(item, "shape", None) == () and hasattr(item, "item"):
            self._item(item.item())
        else:
            self.value(item)

    def _frame(self, tag: bytes, data: bytes) -> None:
        self._sha.update(tag + len(data).to_bytes(8, "little"))
        self._sha.update(data)


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _is_counter(index: Any) -> bool:
    names: list[Any] = list(getattr(index, "names", [None]))
    return names == [None] and getattr(index.dtype, "kind", "") in "iu"


def _rows(value: Any) -> int | None:
    if isinstance(value, Mapping):
        mapping: Mapping[Any, Any] = value
        parts = list(mapping.values())
        return _rows(parts[0]) if parts else None
    shape: Any = getattr(value, "shape", None)
    if shape:
        return int(shape[0])
    return len(cast("list[Any]", value)) if isinstance(value, list | tuple) else None
