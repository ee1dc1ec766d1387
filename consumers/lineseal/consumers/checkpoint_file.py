"""Keeps checkpoints outside the store: a file that only grows, one JSON line for each.

A line is ``{"note": ..., "signed_at": ...}``. It is on the disk before anybody is told of the
checkpoint. Copy the folder to where this machine cannot write: a copy shows what was changed here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from lineseal.schemas.errors import StoreError
from lineseal.signing.checkpoint import find_notes
from lineseal.signing.files import make_private_folder
from lineseal.signing.times import format_time

FILE_NAME = "checkpoints.jsonl"
_TAIL_BYTES = 256 * 1024


class CheckpointFile:
    """The file of one home."""

    def __init__(self, folder: Path) -> None:
        """Name the file in *folder*; both are made by the first ``append`` (0600, 0700)."""
        self.path = folder / FILE_NAME

    def append(self, note: str, signed_at: int) -> None:
        """Add one note, durably; *signed_at* is microseconds UTC.

        Raises:
            StoreError: The file cannot be written.

        """
        line = json.dumps({"signed_at": format_time(signed_at), "note": note}) + "\n"
        try:
            is_new = not self.path.exists()
            make_private_folder(self.path.parent)
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                _take_back_torn_line(descriptor)
                os.write(descriptor, line.encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if is_new:
                _sync(self.path.parent)
                _sync(self.path.parent.parent)
        except OSError as error:
            raise StoreError(f"cannot write {self.path}: {error.strerror}") from error

    def newest(self) -> Iterator[str]:
        """Yield the last notes of the file, the newest first; nothing when there is no file.

        Raises:
            StoreError: The file cannot be read.

        """
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL_BYTES))
                data = file.read()
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"cannot read {self.path}: {error.strerror}") from error
        yield from reversed(list(find_notes(data.decode("utf-8", "replace"))))


def _take_back_torn_line(descriptor: int) -> None:
    """Remove what a killed process left half written: nobody was told of it."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    torn = len(tail) - tail.rfind(b"\n") - 1
    if torn:
        os.ftruncate(descriptor, size - torn)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
