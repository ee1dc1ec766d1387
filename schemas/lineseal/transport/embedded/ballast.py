"""Keeps some disk space back, so that a full disk can still be told of.

On a full disk SQLite takes no row at all, not even the one that says what was lost. A file of 4 MiB
lies beside an open outbox; it is removed when a loss meets a full disk, which makes room to seal
it, and to checkpoint the write-ahead log. It is made again once there is space.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Final

BALLAST_BYTES: Final = 4 * 1024 * 1024
"""Twice what a checkpoint of the write-ahead log may take at once."""
_RETRY_SECONDS = 0.5


class Ballast:
    """Owns the space beside one outbox file."""

    def __init__(self, path: Path) -> None:
        """Keep space in *path*; nothing is made yet."""
        self._path = path
        self._kept = False
        self._spent = False
        self._not_before = 0.0

    @property
    def is_spent(self) -> bool:
        """Tell whether the space was given back and there is none yet to take it again.

        Until then nothing new may use what is left: it is for the loss that is still to be told.
        """
        if self._spent and time.monotonic() >= self._not_before:
            self._not_before = time.monotonic() + _RETRY_SECONDS
            self.keep()
        return self._spent

    def keep(self) -> None:
        """Take the space, unless it is kept already; without space, do nothing."""
        if self._kept:
            return
        with contextlib.suppress(OSError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self._path, flags, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, BALLAST_BYTES)
                self._kept, self._spent = True, False
            except OSError:
                self._path.unlink(missing_ok=True)
            finally:
                os.close(descriptor)

    def release(self) -> None:
        """Give the space back."""
        kept, self._kept = self._kept, False
        self._spent = self._spent or kept
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
