"""The DuckDB file that holds everything received: who may open it, and which schema it has.

Rules: one process writes (DuckDB's lock is the fence); a store belongs to one deployment and is
only ever migrated forward; nothing is downloaded or loaded into the database; the files are
readable by their owner alone. The store is reached through this module only, and no caller
keeps a connection across ``release``. One thread owns ``connection``; other threads of the
process read on ``cursor()``, which sees what is committed, and write inside ``transaction()``.
Source: DESIGN 7; reference 4.1 to 4.4.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Generator
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from lineseal.consumers import row_groups
from lineseal.consumers.copies import rebuild_copies
from lineseal.consumers.memory import Memory
from lineseal.consumers.readers import Readers
from lineseal.consumers.store_lock import after_readers
from lineseal.queries.database import damaged, is_damage
from lineseal.schemas.errors import StoreBusy, StoreDamaged, StoreError, StoreIncompatible

_HEADERS_BYTES = 3 * 4096
"""A DuckDB file that is no larger holds no rows."""
_MAGIC, _MAGIC_AT = b"DUCK", 8
_LOCKED = re.compile(r"conflicting lock|could not set lock|different configuration", re.IGNORECASE)
_HOLDER = re.compile(r"\(PID (\d+)\)")
_SPILL_FOLDER = "spill"
_FIRST_WITH_COPIES = 3


class Store:
    """Opens the store for writing, and opens it again after ``release``.

    >>> with Store(path, deployment="prod") as store:
    ...     store.positions()
    """

    def __init__(self, path: Path, *, deployment: str, memory_limit: str = "2GB") -> None:
        """Name the store; the first use of ``connection`` opens it.

        Args:
            path: The DuckDB file; it and its folder are made when missing (0600, 0700).
            deployment: The deployment whose events it holds.
            memory_limit: Memory DuckDB may use, with its unit.

        """
        self.path = path
        self.memory = Memory(path)
        self._deployment = deployment
        self._memory_limit = memory_limit
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._readers = Readers()
        self.writing = threading.RLock()
        """Held from BEGIN to COMMIT by whoever writes."""

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """Return the open connection, opening the file and migrating it when needed.

        Raises:
            StoreBusy: Another process has the file open.
            StoreIncompatible: A newer Lineseal or another deployment wrote it.
            StoreError: It is no DuckDB file, is damaged or cannot be read.

        """
        if self._connection is None:
            connection = self._connect()
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
            self._readers.admit(connection)
        return self._connection

    @contextlib.contextmanager
    def cursor(self) -> Generator[duckdb.DuckDBPyConnection]:
        """Read beside the writer, from any thread: what is committed, as of each statement.

        Raises:
            StoreBusy: The store is not open just now; ask again.

        """
        with self._readers.cursor() as cursor:
            yield cursor

    @contextlib.contextmanager
    def transaction(self) -> Generator[duckdb.DuckDBPyConnection]:
        """Write from any thread: what the block does is committed together, or not at all.

        One at a time, and never while the materialiser commits: keep it short.

        Raises:
            StoreBusy: The store is not open just now; ask again.
            StoreError: DuckDB failed. When it failed to commit, only the store knows whether it
                did: ask it before doing the same again.

        """
        with self.writing, self._readers.cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                yield cursor
            except BaseException:
                with contextlib.suppress(duckdb.Error):
                    cursor.execute("ROLLBACK")
                raise
            with translated(self.path):
                cursor.execute("COMMIT")

    @property
    def is_open(self) -> bool:
        """Tell whether this process holds the file."""
        return self._connection is not None

    def release(self) -> None:
        """Close the file so that other processes can read it; calling it twice is fine."""
        connection, self._connection = self._connection, None
        self.memory.close()
        if connection is not None:
            self._readers.dismiss()
            with translated(self.path):
                connection.close()

    def abandon(self) -> None:
        """Close the file after DuckDB failed, whatever closing says.

        A failed checkpoint leaves an instance that refuses everything; the next use of
        ``connection`` reads from disk what was committed.
        """
        with contextlib.suppress(StoreError):
            self.release()

    def positions(self) -> dict[str, int]:
        """Return the next position to read in each stream of the log."""
        rows = self.connection.execute("SELECT stream, next_position FROM position").fetchall()
        return dict(rows)

    def fact(self, name: str) -> str | None:
        """Return what the store recorded about itself under *name*, or None."""
        return _fact(self.connection, name)

    def __enter__(self) -> Self:
        """Open the store."""
        _ = self.connection
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the store."""
        self.release()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        self._make_folder()
        is_new = not self.path.exists()
        try:
            connection = self._open()
        except StoreDamaged:
            if not self._holds_nothing():
                raise
            self.path.unlink()
            is_new = True
            connection = self._open()
        try:
            if is_new:
                self.path.chmod(0o600)
            with translated(self.path):
                # Not in config: DuckDB then refuses temp_directory.
                connection.execute("SET enable_external_access = false")
                connection.execute(f"SET allowed_configs = ['{row_groups.SETTING}']")
                connection.execute("SET lock_configuration = true")
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self) -> duckdb.DuckDBPyConnection:
        return after_readers(self.path, self._open_once)

    def _open_once(self) -> duckdb.DuckDBPyConnection:
        with translated(self.path):
            return duckdb.connect(
                str(self.path), config=store_config(self.path, self._memory_limit)
            )

    def _holds_nothing(self) -> bool:
        """Tell whether the file was only begun: a process was killed while DuckDB made it.

        What is beside it is written before anything is committed: once it knows a batch, an
        empty file is one that lost everything.
        """
        wal = self.path.with_name(f"{self.path.name}.wal")
        with self.path.open("rb") as file:
            begun = file.read(_HEADERS_BYTES + 1)
        ours = not begun or begun[_MAGIC_AT:].startswith(_MAGIC)
        small = len(begun) <= _HEADERS_BYTES
        return ours and small and not wal.exists() and not self.memory.knows_any()

    def _make_folder(self) -> None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot make the folder {self.path.parent}: {error}") from error

    def _prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        with translated(self.path):
            version = _schema_version(connection, self.path)
            migrations = _migrations()
            newest = max(migrations)
            if version > newest:
                raise StoreIncompatible(
                    f"{self.path} has schema version {version}, this Lineseal knows {newest}; "
                    "upgrade Lineseal"
                )
            if version:
                self._check_deployment(connection)
            for number in sorted(number for number in migrations if number > version):
                _migrate(connection, number, migrations[number], self._deployment)
            if 0 < version < _FIRST_WITH_COPIES:
                rebuild_copies(connection)
            if version < newest:
                # A migration must never be replayed from the write-ahead log.
                connection.execute("CHECKPOINT")

    def _check_deployment(self, connection: duckdb.DuckDBPyConnection) -> None:
        deployment = _fact(connection, "deployment")
        if deployment != self._deployment:
            raise StoreIncompatible(
                f"{self.path} belongs to the deployment {deployment!r}, not to "
                f"{self._deployment!r}; give this one a store of its own ([store] path)"
            )


def _migrations() -> dict[int, str]:
    folder = files("lineseal.schemas").joinpath("ddl")
    scripts = [script for script in folder.iterdir() if script.name.endswith(".sql")]
    return {int(script.name.partition("_")[0]): script.read_text("utf-8") for script in scripts}


def _migrate(
    connection: duckdb.DuckDBPyConnection, number: int, script: str, deployment: str
) -> None:
    connection.execute("BEGIN")
    connection.execute(script)
    write_fact(connection, "schema_version", str(number))
    if number == 1:
        write_fact(connection, "deployment", deployment)
    connection.execute("COMMIT")


def write_fact(connection: duckdb.DuckDBPyConnection, name: str, value: str) -> None:
    """Record *value* under *name* in the store, in the transaction that is open."""
    connection.execute(
        "INSERT INTO store_fact VALUES ($name, $value)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        {"name": name, "value": value},
    )


def _schema_version(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    tables = {row[0] for row in connection.execute("SHOW TABLES").fetchall()}
    if not tables:
        return 0
    version = _fact(connection, "schema_version") if "store_fact" in tables else None
    if version is None or not version.isascii() or not version.isdigit():
        raise StoreIncompatible(f"{path} is a DuckDB file, but not a Lineseal store")
    return int(version)


def _fact(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    row = connection.execute("SELECT value FROM store_fact WHERE name = ?", [name]).fetchone()
    return None if row is None else str(row[0])


def store_config(path: Path, memory_limit: str) -> dict[str, Any]:
    """Return what DuckDB is opened with for the store at *path*: nothing is loaded from outside."""
    return {
        "memory_limit": memory_limit,
        "temp_directory": str(path.parent / _SPILL_FOLDER),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
    }


@contextlib.contextmanager
def translated(path: Path) -> Generator[None]:
    """Turn what DuckDB raises in the block into our errors about the store at *path*."""
    try:
        yield
    except duckdb.Error as error:
        text = str(error).partition("\n")[0]
        if _LOCKED.search(text):
            holder = _HOLDER.search(text)
            who = f"process {holder[1]}" if holder else "another connection of this process"
            raise StoreBusy(f"{who} has {path} open; wait until it is done, or stop it") from error
        if is_damage(error):
            raise damaged(path, error) from error
        raise StoreError(f"cannot use {path}: {text}") from error
