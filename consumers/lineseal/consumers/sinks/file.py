"""Appends records to a file, one line each: the default, for a SIEM's own agent to pick up.

A line counts once it is synced to the disk. A line that a crash or a full disk left half written
is cut off before anything is appended. A full file is renamed (``NAME.1``, ``NAME.2``, ... in
the order they were filled) and a new one begun, so that an agent that follows inode and offset
misses nothing. Files are 0600.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lineseal.consumers.sinks.base import (
    OK,
    Receipt,
    Shipment,
    all_alike,
    retry,
)

_CHUNK = 64 * 1024


class FileSink:
    """Writes one file. Not safe to share between threads or processes."""

    def __init__(
        self,
        path: Path,
        *,
        rendering: str = "ocsf",
        rotate_bytes: int = 100 * 1024 * 1024,
        max_records: int = 500,
        max_bytes: int = 1_000_000,
        max_text: int = 1024 * 1024,
    ) -> None:
        """Write to *path*; the first batch opens it."""
        self.rendering = rendering
        self.max_records = max_records
        self.max_bytes = max_bytes
        self.max_text = max_text
        self._path = path
        self._rotate_bytes = rotate_bytes
        self._descriptor = -1

    def send(self, batch: Sequence[Shipment]) -> Sequence[Receipt]:
        """Append the batch and sync it; after a failure nothing of it is in the file."""
        data = "".join(f"{shipment.text}\n" for shipment in batch).encode()
        try:
            self._open()
            start = os.lseek(self._descriptor, 0, os.SEEK_END)
            if start and start + len(data) > self._rotate_bytes:
                self._rotate()
                start = 0
            self._append(data, start)
        except OSError as error:
            self.close()
            return all_alike(batch, retry(f"cannot write {self._path}: {error.strerror}"))
        return all_alike(batch, OK)

    def check(self) -> Receipt:
        """Say whether the file can be opened for writing."""
        try:
            self._open()
        except OSError as error:
            return retry(f"cannot write {self._path}: {error.strerror}")
        return OK

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        if self._descriptor >= 0 and self._is_still_there():
            return
        self.close()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(self._path, flags, 0o600)
        _cut_torn_tail(self._descriptor)
        _sync_folder(self._path.parent)

    def _is_still_there(self) -> bool:
        """Tell whether the name still means the open file: somebody may rotate it himself."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.lstat())
        except FileNotFoundError:
            return False

    def _append(self, data: bytes, start: int) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
            os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, start)
            raise

    def _rotate(self) -> None:
        taken = [
            int(each.name.rpartition(".")[2])
            for each in self._path.parent.glob(f"{self._path.name}.*")
            if each.name.rpartition(".")[2].isdigit()
        ]
        self._path.rename(self._path.with_name(f"{self._path.name}.{max(taken, default=0) + 1}"))
        self.close()
        self._open()


def _cut_torn_tail(descriptor: int) -> None:
    end = size = os.lseek(descriptor, 0, os.SEEK_END)
    while end > 0:
        start = max(0, end - _CHUNK)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(descriptor, end)
        os.fsync(descriptor)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
