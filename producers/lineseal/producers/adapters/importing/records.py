"""Opens audit logs: NDJSON, arrays, the wrappers of CloudTrail and Kubernetes; CSV with a header.

An array is cut into its items as it is read, so that a file of any size takes little memory. An
item that is balanced and yet no JSON is refused alone; the others are read on.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from lineseal.producers.adapters.importing.sources import Piece, open_source, pieces_of
from lineseal.schemas.errors import InvalidDocument, Unreadable

CHUNK_BYTES = 64 * 1024
_WRAPPER = re.compile(
    rb'(?:\xef\xbb\xbf)?\s*(?:\{\s*(?:"[^"\\]*+"\s*:\s*(?:"[^"\\]*+"|\{\s*\})\s*,\s*)*+'
    rb'"(?:Records|items)"\s*:\s*)?\['
)
"""What stands before the items; a wrapper's other members are texts, or empty (``metadata``)."""
_END = re.compile(rb"\s*\}?\s*")
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\],]', re.DOTALL)


def read_records(
    path: Path, *, max_bytes: int, on_read: Callable[[int], None] | None = None
) -> Iterator[Piece]:
    """Yield the records of one file of JSON, or of standard input for ``-``.

    Raises:
        Unreadable: It cannot be read.
        InvalidDocument: A record is longer than *max_bytes*, or the text ends within one.

    """
    name = "-" if str(path) == "-" else str(path)
    try:
        with open_source(path, on_read) as raw:
            head, line = raw.read(CHUNK_BYTES), 1
            found = _WRAPPER.match(head)
            if found is None:
                joined = io.BufferedReader(_Joined(head, raw))
                yield from pieces_of(name, joined, max_bytes)
                return
            # Files that were joined into one hold one wrapper after the other.
            while found is not None:
                line += head.count(b"\n", 0, found.end())
                items = _Items(name, raw, head[found.end() :], line, max_bytes)
                yield from items
                line = items.line
                head = _END.sub(b"", items.rest + raw.read(CHUNK_BYTES), count=1)
                found = _WRAPPER.match(head)
            if head.strip():
                raise InvalidDocument(f"{name}:{line}: text follows the last record")
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(name, error) from error


def read_rows(
    path: Path, *, max_bytes: int, on_read: Callable[[int], None] | None = None
) -> Iterator[Piece | tuple[int, str]]:
    """Yield each row of a CSV file as a JSON object of texts; (line, reason) of what is none.

    Raises:
        Unreadable: It cannot be read.
        InvalidDocument: It has no header, or a row is longer than *max_bytes*.

    """
    name = "-" if str(path) == "-" else str(path)
    try:
        with open_source(path, on_read) as raw:
            yield from _rows(name, raw, max_bytes)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(name, error) from error


def _rows(name: str, raw: IO[bytes], max_bytes: int) -> Iterator[Piece | tuple[int, str]]:
    lines = _Lines(name, raw, max_bytes)
    reader = csv.reader(lines, strict=True)
    header = next(reader, [])
    if not any(header) or len(set(header)) < len(header):
        raise InvalidDocument(f"{name}: its first line must name the columns, each once")
    while True:
        start = reader.line_num + 1
        lines.begin()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield start, str(error)
            continue
        if not row:
            continue
        if len(row) != len(header):
            yield start, f"it has {len(row)} cells, the header {len(header)}"
            continue
        try:
            text = json.dumps(dict(zip(header, row, strict=True)), ensure_ascii=False).encode()
        except UnicodeEncodeError:
            yield start, "not UTF-8"
            continue
        yield Piece(name, start, text, lines=False)


class _Lines:
    """Hands a CSV reader its lines, and stops it when one row takes too many."""

    def __init__(self, name: str, raw: IO[bytes], max_bytes: int) -> None:
        self._name, self._raw, self._max_bytes = name, raw, max_bytes
        self._used = 0
        self._first = True

    def begin(self) -> None:
        """Count from here."""
        self._used = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._raw.readline(self._max_bytes + 2)
        if not line:
            raise StopIteration
        self._used += len(line)
        if self._used > self._max_bytes:
            raise InvalidDocument(f"{self._name}: a row is longer than {self._max_bytes} bytes")
        if self._first:
            line, self._first = line.removeprefix(b"\xef\xbb\xbf"), False
        # What is no UTF-8 makes a lone surrogate, which its row is refused for.
        return line.decode("utf-8", "surrogateescape")


class _Items:
    """Cuts an array into its items; afterwards ``rest`` is what was read too much."""

    def __init__(self, name: str, raw: IO[bytes], buffer: bytes, line: int, max_bytes: int) -> None:
        self._name, self._raw, self._max_bytes = name, raw, max_bytes
        self.line, self.rest = line, buffer

    def __iter__(self) -> Iterator[Piece]:
        at = depth = 0
        while True:
            found = _TOKEN.search(self.rest, at)
            if found is None or found.group() == b'"':
                # A text that is not closed yet is looked at again when more of it is there.
                at = len(self.rest) if found is None else found.start()
                self._read_more()
                continue
            token, at = found.group(), found.end()
            if token in b"{[":
                depth += 1
            elif depth and token in b"}]":
                depth -= 1
            elif not depth and token in b",]}":
                yield from self._cut(found.start())
                at = 0
                if token != b",":
                    return

    def _cut(self, end: int) -> Iterator[Piece]:
        item, self.rest = self.rest[:end], self.rest[end + 1 :]
        body = item.lstrip()
        first = self.line + item.count(b"\n", 0, len(item) - len(body))
        self.line += item.count(b"\n")
        if body:
            yield Piece(self._name, first, body.rstrip(), lines=False)

    def _read_more(self) -> None:
        begun = len(self.rest) - len(self.rest.lstrip())
        line = self.line + self.rest.count(b"\n", 0, begun)
        where = f"{self._name}:{line}"
        if len(self.rest) > self._max_bytes:
            raise InvalidDocument(f"{where}: a record is longer than {self._max_bytes} bytes")
        more = self._raw.read(CHUNK_BYTES)
        if not more:
            raise InvalidDocument(f"{where}: the text ends within an array")
        self.rest += more


class _Joined(io.RawIOBase):
    """A stream with what was read from it put back in front."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read some bytes."""
        data = self._head[: len(buffer)] or self._rest.read(len(buffer))
        self._head = self._head[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)


def _unreadable(name: str, error: Exception) -> Unreadable:
    reason = getattr(error, "strerror", None) or "its compression is damaged"
    return Unreadable(f"cannot read {name}: {reason}")
