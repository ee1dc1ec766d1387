"""Remembers which outbox files were made, so that one that is removed is missed.

A file that nobody has read yet and that is deleted, lock file included, leaves no trace: nothing
signed of it has left its folder. Hence an empty marker for each file lies in a folder beside the
log folder (``events.made``). A marker without its file is named by ``survey``, and the producer's
next epoch says ``lost`` under signature, which is a finding; then the marker goes too. It is a
second witness only: who removes the markers as well leaves no trace (ADR-0022).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from lineseal.schemas.errors import LogError
from lineseal.transport.embedded.names import is_file_of, make_private_folder, stream_names

_FOLDER_SUFFIX: Final = ".made"
_GONE: Final = ".gone"


class Ledger:
    """Keeps the markers of one log folder."""

    def __init__(self, folder: Path) -> None:
        """Keep those of the files in *folder*, in a folder beside it."""
        self._log = folder
        self._folder = folder.with_name(folder.name + _FOLDER_SUFFIX)

    def note(self, stream: str) -> None:
        """Remember that *stream* was made. Call it once it is there; failing is no failure."""
        marker = self._folder / stream
        with contextlib.suppress(OSError, LogError):
            if marker.exists():
                return
            make_private_folder(self._folder)
            os.close(os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._sync()

    def missing(self) -> list[str]:
        """Return the streams that were made and are gone, by name, until that was told."""
        try:
            here = set(stream_names(self._log))
            noted = stream_names(self._folder)
            gone = [p.name.removesuffix(_GONE) for p in self._folder.glob(f"*{_GONE}")]
        except (LogError, OSError):
            return []
        return sorted({*gone, *(name for name in noted if name not in here)})

    def missed_by(self, producer: str) -> list[str]:
        """Return the missing streams of *producer*, and keep it in mind until ``told``.

        Call it before a file is made: a new one may get the name of one that is gone.
        """
        missed = [name for name in self.missing() if is_file_of(name, producer)]
        with contextlib.suppress(OSError):
            for name in missed:
                with contextlib.suppress(FileNotFoundError):
                    (self._folder / name).replace(self._folder / f"{name}{_GONE}")
            if missed:
                self._sync()
        return missed

    def told(self, streams: Iterable[str]) -> None:
        """Forget *streams*: a signed batch says that they are gone."""
        with contextlib.suppress(OSError):
            for name in streams:
                (self._folder / f"{name}{_GONE}").unlink(missing_ok=True)

    def _sync(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
