"""Hands out read cursors of the open store, and gets them all back before it is closed.

DuckDB closes a file only when the last connection of the process is closed, so a forgotten cursor
would keep the lock. ``dismiss`` interrupts who still reads and waits.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator

import duckdb

from lineseal.schemas.errors import StoreBusy

PATIENCE_SECONDS = 5.0
_AGAIN_SECONDS = 0.1


class Readers:
    """Counts the cursors of one store. Safe to use from any thread."""

    def __init__(self) -> None:
        self._parent: duckdb.DuckDBPyConnection | None = None
        self._cursors: set[duckdb.DuckDBPyConnection] = set()
        self._changed = threading.Condition()

    def admit(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let threads read beside *connection* from now on."""
        with self._changed:
            # Of its own: a connection must not be used by two threads at a time.
            self._parent = connection.cursor()

    @contextlib.contextmanager
    def cursor(self) -> Generator[duckdb.DuckDBPyConnection]:
        """Yield a cursor of its own for one reader.

        Raises:
            StoreBusy: Nobody is admitted now.

        """
        with self._changed:
            if self._parent is None:
                raise StoreBusy("the store is not open just now; ask again in a moment")
            cursor = self._parent.cursor()
            self._cursors.add(cursor)
        try:
            yield cursor
        finally:
            with contextlib.suppress(duckdb.Error):
                cursor.close()
            with self._changed:
                self._cursors.discard(cursor)
                self._changed.notify_all()

    def dismiss(self) -> None:
        """Admit nobody else, interrupt who reads, and wait for them for some seconds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self._changed:
            parent, self._parent = self._parent, None
            while self._cursors and time.monotonic() < deadline:
                for cursor in self._cursors:
                    with contextlib.suppress(duckdb.Error):
                        cursor.interrupt()
                self._changed.wait(_AGAIN_SECONDS)
        if parent is not None:
            with contextlib.suppress(duckdb.Error):
                parent.close()
