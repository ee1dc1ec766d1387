"""Waits for those who only read the store: each has it for a moment, and then it can be written.

Another writer is not waited for: it has the store for as long as it runs. DuckDB's own error does
not tell the two apart, the kernel does: readers hold a shared POSIX lock, a writer an exclusive
one.
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from lineseal.schemas.errors import StoreBusy

READER_PATIENCE_SECONDS = 8.0
"""Under the ten seconds in which a service that is told to stop has ended."""
_RETRY_SECONDS = 0.02
_FLOCK = struct.Struct("hhqqi")
_HOLDER = re.compile(r"\(PID (\d+)\)")

T = TypeVar("T")


def after_readers(path: Path, open_store: Callable[[], T]) -> T:
    """Return what *open_store* does, trying again while only readers are in its way.

    Raises:
        StoreBusy: A writer has the store, or readers had it all the time.

    """
    deadline = time.monotonic() + READER_PATIENCE_SECONDS
    while True:
        try:
            return open_store()
        except StoreBusy as error:
            # DuckDB names the holder when that is another process.
            holder = _HOLDER.search(str(error.__cause__))
            if holder is None or _is_written(path) or time.monotonic() > deadline:
                raise
        time.sleep(_RETRY_SECONDS)


def _is_written(path: Path) -> bool:
    """Tell whether a process holds the exclusive lock; when that cannot be told, assume it.

    Ask only when another process is in the way: closing the file drops all locks of this one.
    """
    question = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    try:
        with path.open("rb+") as file:
            answer = fcntl.fcntl(file, fcntl.F_GETLK, question)
    except OSError:
        return True
    return bool(_FLOCK.unpack(answer[: _FLOCK.size])[0] == fcntl.F_WRLCK)
