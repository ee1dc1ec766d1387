"""How does an answer travel from a service to who asked? Large tables as Arrow, behind the JSON.

A line of JSON ``{"content": ..., "tables": [[KEY, ...], ...]}`` says where in the content the
tables belong; each follows as eight bytes of its length (big-endian) and an Arrow stream. So a
quarter of a million rows are neither written as text nor read as objects on the way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.ipc

from lineseal.commandline.output import to_json
from lineseal.queries.columnar_rows import ColumnarRows

ARROW: Final = "application/vnd.lineseal.answer+arrow"
"""Media type of what ``pack`` returns."""
_LENGTH: Final = 8

Path = tuple[str, ...]


def holds_tables(content: Any) -> bool:
    """Tell whether there is a table somewhere in *content*, an object of objects."""
    return any(True for _ in _tables(content, ()))


def pack(content: dict[str, Any]) -> bytes:
    """Return *content* as bytes; ``unpack`` makes it again."""
    found = list(_tables(content, ()))
    head = {"content": _without_tables(content), "tables": [list(path) for path, _ in found]}
    parts = [to_json(head, indent=None).encode("ascii"), b"\n"]
    for _, rows in found:
        sink = pa.BufferOutputStream()
        with pyarrow.ipc.new_stream(sink, rows.table.schema) as writer:
            writer.write_table(rows.table)
        stream = sink.getvalue()
        parts += [stream.size.to_bytes(_LENGTH, "big"), stream.to_pybytes()]
    return b"".join(parts)


def unpack(data: bytes) -> dict[str, Any]:
    """Make the content again.

    Raises:
        ValueError: These are no bytes of ``pack``.

    """
    line, _, rest = data.partition(b"\n")
    head = json.loads(line)
    content: dict[str, Any] = head["content"]
    start = 0
    for *path, last in head["tables"]:
        place: dict[str, Any] = content
        for key in path:
            place = place[key]
        end = start + _LENGTH + int.from_bytes(rest[start : start + _LENGTH], "big")
        stream = pa.py_buffer(memoryview(rest)[start + _LENGTH : end])
        with pyarrow.ipc.open_stream(stream) as reader:
            place[last] = ColumnarRows(reader.read_all())
        start = end
    return content


def _tables(content: Any, path: Path) -> Iterator[tuple[Path, ColumnarRows]]:
    if isinstance(content, ColumnarRows):
        yield path, content
    elif isinstance(content, dict):
        members: dict[str, Any] = content
        for key, member in members.items():
            yield from _tables(member, (*path, key))


def _without_tables(content: Any) -> Any:
    if isinstance(content, ColumnarRows):
        return None
    if not isinstance(content, dict):
        return content
    members: dict[str, Any] = content
    return {key: _without_tables(member) for key, member in members.items()}
