"""Copies the store's files while nobody writes, for a process that runs somebody's SQL on them.

The copy is taken under the lock that every writer holds, so it is what was committed: file and
write-ahead log together. Where the file system shares blocks (btrfs, XFS) it costs nothing,
elsewhere the store is read and written once, and writers wait for so long. One copy serves until
something is committed. Source: ADR-0010.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path

from lineseal.consumers.store import Store
from lineseal.queries.remote import COPY_PREFIX
from lineseal.schemas.errors import QueryError, StoreError


class Snapshots:
    """Keeps at most one current copy of one store. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._current: _Copy | None = None

    @contextlib.contextmanager
    def of(self, store: Store) -> Generator[Path]:
        """Yield the path of a copy that is left alone while the block runs.

        Raises:
            StoreError: There is no room for it, or it cannot be written.

        """
        with self._lock:
            with store.writing:
                state = _state(store.path)
                if self._current is None or self._current.state != state:
                    self._replace(_Copy(store.path, state))
            copy = self._current
            if copy is None:
                raise StoreError("no copy of the store could be made")
            copy.users += 1
        try:
            yield copy.path
        finally:
            with self._lock:
                copy.users -= 1
                if copy is not self._current and not copy.users:
                    copy.remove()

    def close(self) -> None:
        """Remove the copy."""
        with self._lock:
            self._replace(None)

    def _replace(self, copy: _Copy | None) -> None:
        old, self._current = self._current, copy
        if old is not None and not old.users:
            old.remove()


class _Copy:
    """One copy in a folder of its own, under the store's own name."""

    def __init__(self, store: Path, state: tuple[int, ...]) -> None:
        self.state = state
        self.users = 0
        try:
            self._folder = Path(tempfile.mkdtemp(prefix=COPY_PREFIX, dir=store.parent))
        except OSError as error:
            raise StoreError(f"cannot copy the store: {error.strerror}") from error
        self.path = self._folder / store.name
        try:
            _copy(_files(store), self._folder)
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Remove the folder, as far as possible."""
        shutil.rmtree(self._folder, ignore_errors=True)


def copy_into(store: Store, folder: Path) -> None:
    """Copy the store into a folder that the asker has made beside it.

    Raises:
        QueryError: The folder is another.
        StoreError: There is no room.

    """
    there = folder.resolve()
    if there.parent != store.path.resolve().parent or not there.name.startswith(COPY_PREFIX):
        raise QueryError("the store is copied only into a folder made for it, beside it")
    with store.writing:
        _copy(_files(store.path), there)


def remove_leftovers(store: Path) -> None:
    """Remove copies that a killed process left; call it while holding the store."""
    for folder in store.parent.glob(f"{COPY_PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _state(path: Path) -> tuple[int, ...]:
    """Return what changes with every commit: size and time of file and write-ahead log."""
    state: list[int] = []
    for each in (path, _wal(path)):
        with contextlib.suppress(FileNotFoundError):
            found = each.stat()
            state += [found.st_ino, found.st_size, found.st_mtime_ns]
    return tuple(state)


def _files(path: Path) -> list[Path]:
    return [each for each in (path, _wal(path)) if each.exists()]


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _copy(sources: list[Path], folder: Path) -> None:
    """Copy in another process: closing the file here would give DuckDB's lock away (fcntl(2))."""
    command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("copy_child.py"))]
    done = subprocess.run(  # noqa: S603 - our own file; paths are arguments
        [*command, str(folder), *map(str, sources)], capture_output=True, check=False
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it was killed"]
        raise StoreError(f"cannot copy the store to run SQL beside its writer: {said[-1]}")
