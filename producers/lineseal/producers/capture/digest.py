r"""Answers what exactly the bytes of a file or folder are.

A file's digest is the SHA-256 of its bytes. A folder's digest is the SHA-256 of the lines that
GNU ``sha256sum`` prints for its files, sorted by the bytes of their relative names, so that
anybody can check it without us::

    cd FOLDER && find -L . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum

Links are followed, since model hubs keep snapshots as folders of links. Sockets, pipes and
devices are left out; empty folders do not count.
"""  # noqa: E501 - a command to paste stays on one line

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from lineseal.schemas.errors import Unreadable

if TYPE_CHECKING:
    from lineseal.commandline.progress import Progress

_CHUNK_BYTES = 1024 * 1024
_SHOW_FROM_BYTES = 64 * 1024 * 1024
"""Smaller work is done before a progress bar would appear, so its library is not loaded."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Hold what was measured: ``sha256:HEX``, the bytes read and how many files they were in."""

    digest: str
    size_bytes: int
    files: int


def digest_path(path: Path) -> Measured:
    """Hash a file or folder in chunks of 1 MiB, with a progress bar after two seconds.

    Raises:
        Unreadable: There is nothing at *path*, it cannot be read, it is neither file nor
            folder, or a file changed while it was being read.

    """
    try:
        found = path.stat()
        if stat.S_ISREG(found.st_mode):
            with _progress(path, found.st_size) as progress:
                return Measured(f"sha256:{_hash_file(path, progress)}", found.st_size, 1)
        if stat.S_ISDIR(found.st_mode):
            return _digest_folder(path)
    except OSError as error:
        raise Unreadable(f"cannot hash {path}: {error.strerror or error}") from error
    raise Unreadable(f"cannot hash {path}: it is neither a file nor a folder")


def _digest_folder(folder: Path) -> Measured:
    files = sorted(_files(folder, b"", frozenset()))
    total = sum(size for _, _, size in files)
    whole = hashlib.sha256()
    with _progress(folder, total) as progress:
        for name, path, _ in files:
            whole.update(_sum_line(_hash_file(path, progress), name))
    return Measured(f"sha256:{whole.hexdigest()}", total, len(files))


def _files(
    folder: Path, prefix: bytes, above: frozenset[tuple[int, int]]
) -> Iterator[tuple[bytes, Path, int]]:
    """Yield (relative name, path, size) of every file; a link back to a folder above ends."""
    own = folder.stat()
    if (own.st_dev, own.st_ino) in above:
        return
    above |= {(own.st_dev, own.st_ino)}
    for entry in folder.iterdir():
        name = prefix + os.fsencode(entry.name)
        found = entry.stat()
        if stat.S_ISDIR(found.st_mode):
            yield from _files(entry, name + b"/", above)
        elif stat.S_ISREG(found.st_mode):
            yield name, entry, found.st_size


def _sum_line(digest: str, name: bytes) -> bytes:
    r"""Return the line of ``sha256sum``: a name with \, LF or CR is escaped and marked."""
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    mark = b"" if escaped == name else b"\\"
    return mark + digest.encode() + b"  " + escaped + b"\n"


def _hash_file(path: Path, progress: Progress | _Silent) -> str:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK_BYTES))
    with path.open("rb", buffering=0) as file:
        before = os.fstat(file.fileno())
        left = before.st_size
        # A file that somebody keeps writing to would otherwise be read for ever.
        while left >= 0 and (count := file.readinto(buffer)):
            digest.update(buffer[:count])
            progress.advance(count)
            left -= count
        after = os.fstat(file.fileno())
    if left or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Unreadable(f"cannot hash {path}: it changed while it was being read")
    return digest.hexdigest()


class _Silent:
    """Stands in for a progress bar where none could ever show."""

    def advance(self, units: int) -> None:
        """Count nothing."""

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_: object) -> None:
        """Finish."""


def _progress(path: Path, total: int) -> Progress | _Silent:
    if total < _SHOW_FROM_BYTES:
        return _Silent()
    from lineseal.commandline.progress import Progress  # noqa: PLC0415 - it loads click

    return Progress(f"hashing {path.name}", total)
