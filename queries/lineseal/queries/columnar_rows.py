"""What are the rows of a large answer? A table in columns that looks like a list of mappings.

A row is made when somebody looks at it. Rendered as JSON a column at a time: byte for byte what the
rows would give.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, overload

import numpy as np
import pyarrow as pa

from lineseal.commandline.json_text import COMPACT, INDENT

compute: Any = importlib.import_module("pyarrow.compute")
"""Its functions are made when it is imported, where type checkers cannot see them."""

Row = dict[str, Any]
AS_JSON: Final = {b"holds": b"json"}
"""Metadata of a field whose texts are JSON."""
_NEEDS_ESCAPE: Final = r"[^ !#-\[\]-~]"
_AT_ONCE: Final = 20_000
_CELL: Final = "\n      "
_ROW: Final = "\n    "


class ColumnarRows(Sequence[Mapping[str, Any]]):
    """Holds rows in columns: texts (also as codes of a dictionary), whole numbers and booleans."""

    def __init__(self, table: Any) -> None:
        """Hold an Arrow *table*; a field with the metadata ``AS_JSON`` holds JSON texts."""
        self.table = table

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.table.num_rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        """Make one row, or several."""
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(index)
        return _rows(self.table.slice(place, 1))[0]

    def __iter__(self) -> Iterator[Row]:
        """Make row after row."""
        for start in range(0, len(self), _AT_ONCE):
            yield from _rows(self.table.slice(start, _AT_ONCE))

    def __eq__(self, other: object) -> bool:
        """Tell whether another list has the same rows."""
        return isinstance(other, Sequence) and list(self) == list(other)  # pyright: ignore[reportUnknownArgumentType]

    __hash__ = None  # type: ignore[assignment]

    def json_parts(self, *, indent: bool) -> Iterator[str]:
        """Return the JSON list; indented as the member of an object that stands alone."""
        if not len(self):
            yield "[]"
            return
        first, between, last = (
            (f"{_ROW}{{{_CELL}", f",{_CELL}", f"{_ROW}}}") if indent else ("{", ", ", "}")
        )
        after, end = (",", "\n  ]") if indent else (", ", "]")
        tokens = [_tokens(self.table.column(field.name), field, indent) for field in self._fields]
        yield "["
        for start in range(0, len(self), _AT_ONCE):
            pieces: list[Any] = []
            opening = after + first
            for field, column in zip(self._fields, tokens, strict=True):
                pieces += [
                    f"{opening}{COMPACT.encode(field.name)}: ",
                    column.slice(start, _AT_ONCE),
                ]
                opening = between
            text = _text(compute.binary_join_element_wise(*pieces, last, ""))
            # The first row has none before it.
            yield text if start else text[len(after) :]
        yield end

    @property
    def _fields(self) -> list[Any]:
        return list(self.table.schema)


def _rows(table: Any) -> list[Row]:
    names: list[str] = table.column_names
    columns: list[list[Any]] = []
    for field in table.schema:
        values: list[Any] = table.column(field.name).to_pylist()
        if field.metadata == AS_JSON:
            values = [json.loads(value) for value in values]
        columns.append(values)
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _text(strings: Any) -> str:
    """Put all texts of an array together; they lie one behind the other already."""
    chunks = strings.chunks if isinstance(strings, pa.ChunkedArray) else [strings]
    found: list[str] = []
    for chunk in chunks:
        _, offsets, content = chunk.buffers()
        ends = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        found.append(str(memoryview(content)[ends[0] : ends[-1]], "ascii"))
    return "".join(found)


def _tokens(column: Any, field: Any, indent: bool) -> Any:
    """Return what JSON writes for each value."""
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks)
    if pa.types.is_dictionary(values.type):
        words = _tokens(values.dictionary, field, indent)
        found = words.take(values.indices)
    elif field.metadata == AS_JSON:
        found = pa.array(
            [_json(json.loads(text), indent) for text in values.to_pylist()], pa.string()
        )
    elif pa.types.is_boolean(values.type):
        found = compute.if_else(values, "true", "false")
    elif pa.types.is_string(values.type):
        found = _quoted(values)
    else:
        found = values.cast(pa.string())
    return compute.fill_null(found, "null")


def _json(value: Any, indent: bool) -> str:
    if not indent:
        return COMPACT.encode(value)
    return json.dumps(value, indent=INDENT, ensure_ascii=True).replace("\n", _CELL)


def _quoted(texts: Any) -> Any:
    quoted = compute.binary_join_element_wise('"', texts, '"', "")
    odd = compute.fill_null(compute.match_substring_regex(texts, _NEEDS_ESCAPE), False)
    if not compute.any(odd).as_py():
        return quoted
    escaped = [COMPACT.encode(text) for text in texts.filter(odd).to_pylist()]
    return compute.replace_with_mask(quoted, odd, pa.array(escaped, pa.string()))
