"""Opens what an import was pointed at: files, folders, standard input; compressed or not.

Yields pieces of text that each hold whole events. A file of lines is read line by line, however
long it is; a JSON array or an indented event is read whole, up to a limit. Nothing is unpacked
beyond that limit: a small file may hold gigabytes of zeros.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import sys
import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from lineseal.schemas.errors import InvalidDocument, Unreadable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_WHOLE_BYTES = 256 * 1024 * 1024
"""Most bytes of a text that is not read line by line."""
ENDINGS = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Piece:
    """Hold text with whole events.

    Attributes:
        name: The file, as it was named.
        line: Its first line in the file, from 1.
        text: The text.
        lines: Whether events may follow each other in it without being an array.

    """

    name: str
    line: int
    text: bytes
    lines: bool


def find_files(paths: tuple[Path, ...], endings: tuple[str, ...] = ENDINGS) -> list[Path]:
    """Return files as they are named, and of folders every file with such an ending, sorted.

    Raises:
        Unreadable: A path is not there.

    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (each for each in path.rglob("*") if each.name.lower().endswith(endings))
            found += sorted(each for each in inside if each.is_file())
        elif path.exists() or str(path) == "-":
            found.append(path)
        else:
            raise Unreadable(f"{path} does not exist")
    return found


def read_pieces(path: Path, *, max_line_bytes: int) -> Iterator[Piece]:
    """Yield the text of one file, or of standard input for ``-``.

    Raises:
        Unreadable: It cannot be read.
        InvalidDocument: A line is longer than *max_line_bytes*, or the whole than its limit.

    """
    name = "-" if str(path) == "-" else str(path)
    try:
        with open_source(path) as raw:
            yield from pieces_of(name, raw, max_line_bytes)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "its compression is damaged"
        raise Unreadable(f"cannot read {name}: {reason}") from error


class _CountedFile(io.FileIO):
    """A file that tells how much of it was read."""

    def __init__(self, path: Path, on_read: Callable[[int], None] | None) -> None:
        super().__init__(path, "rb")
        self._on_read = on_read

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        """Read some bytes."""
        done = super().readinto(buffer)
        if self._on_read is not None and done:
            self._on_read(done)
        return done


@contextlib.contextmanager
def open_source(path: Path, on_read: Callable[[int], None] | None = None) -> Generator[IO[bytes]]:
    """Open a file, or standard input for ``-``, unpacked if it is gzipped.

    *on_read* is told each number of bytes read from the disk.
    """
    with contextlib.ExitStack() as stack:
        if str(path) == "-":
            buffered = cast("io.BufferedReader", sys.stdin.buffer)
        else:
            counted = _CountedFile(path, on_read)
            buffered = stack.enter_context(io.BufferedReader(counted))
        if buffered.peek(2)[:2] != _GZIP:
            yield buffered
            return
        unpacked = gzip.GzipFile(fileobj=buffered)
        stack.callback(unpacked.close)
        yield cast("IO[bytes]", unpacked)


def pieces_of(name: str, raw: IO[bytes], max_line_bytes: int) -> Iterator[Piece]:
    """Yield the text of an open file; see ``read_pieces``."""
    for number, line in _lines(name, raw, max_line_bytes):
        if not line.strip():
            continue
        if _is_one_line(line):
            yield Piece(name, number, line, lines=True)
            yield from (
                Piece(name, later, text, lines=True)
                for later, text in _lines(name, raw, max_line_bytes, number)
                if text.strip()
            )
        else:
            rest = raw.read(MAX_WHOLE_BYTES + 1 - len(line))
            if len(line) + len(rest) > MAX_WHOLE_BYTES:
                raise InvalidDocument(
                    f"{name} is larger than {MAX_WHOLE_BYTES} bytes; write one event per line"
                )
            yield Piece(name, number, line + rest, lines=True)
        return


def _lines(
    name: str, raw: IO[bytes], max_line_bytes: int, after: int = 0
) -> Iterator[tuple[int, bytes]]:
    number = after
    while line := raw.readline(max_line_bytes + 2):
        number += 1
        if len(line) > max_line_bytes + 1:
            raise InvalidDocument(
                f"{name}:{number} is longer than {max_line_bytes} bytes, the most of one record"
            )
        yield number, line


def _is_one_line(line: bytes) -> bool:
    """Tell whether the first line looks like a whole event, so that the others are too."""
    text = line.strip()
    return text.startswith(b"{") and text.endswith(b"}")
