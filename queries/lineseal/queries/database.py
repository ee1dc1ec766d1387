"""How is the store reached? Opens it to be read, and says what to do when that cannot be.

DuckDB lets one process write or many read. So a reader waits a few seconds for a writer to
finish, and then says so. A read-only connection sees no file but the store: external access is
off, extensions are never loaded, Python variables are no tables.
"""

from __future__ import annotations

import re
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import duckdb

from lineseal.schemas.errors import NotFound, StoreBusy, StoreDamaged, StoreError, StoreIncompatible

WAIT_SECONDS = 5.0
_RETRY_SECONDS = 0.1
_DAMAGE = re.compile(
    r"not a valid DuckDB database|could not read enough bytes|corrupt|checksum|replaying WAL"
    r"|failed to deserialize|metadata block",
    re.IGNORECASE,
)
_LOCKED = "Could not set lock"
_PID = re.compile(r"\(PID (\d+)\)")


@contextmanager
def open_store(
    path: Path, *, memory_limit: str = "2GB", wait: float = WAIT_SECONDS
) -> Generator[duckdb.DuckDBPyConnection]:
    """Open the store at *path* to be read, and close it afterwards.

    Args:
        path: The DuckDB file.
        memory_limit: As DuckDB takes it, for instance ``2GB``.
        wait: Seconds to wait while another process writes.

    Raises:
        NotFound: There is no store yet, or it was never written to.
        StoreBusy: Another process still writes after *wait* seconds.
        StoreIncompatible: A newer Lineseal wrote it.
        StoreDamaged: The file is not whole.
        StoreError: It cannot be read as a store.

    """
    connection = connect(path, memory_limit=memory_limit, wait=wait)
    try:
        _check_schema(connection, path)
        yield connection
    except duckdb.Error as error:
        if is_damage(error):
            raise damaged(path, error) from error
        raise
    finally:
        connection.close()


def is_damage(error: duckdb.Error) -> bool:
    """Tell whether DuckDB found the file itself to be wrong: cut short, overwritten."""
    return _DAMAGE.search(str(error)) is not None


def damaged(path: Path, error: duckdb.Error) -> StoreDamaged:
    """Say what to do about a damaged store."""
    return StoreDamaged(
        f"{path} is damaged: {_line(error)}; 'lineseal rebuild' makes it anew from the log"
    )


def connect(path: Path, *, memory_limit: str, wait: float) -> duckdb.DuckDBPyConnection:
    """Connect without looking inside; see ``open_store`` for the rest."""
    if not path.is_file():
        raise NotFound(f"there is no store at {path}; run 'lineseal materialise' first")
    config: dict[str, str | bool | int | float | list[str]] = {
        "allow_community_extensions": "false",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "enable_external_access": "false",
        "memory_limit": memory_limit,
        "python_enable_replacements": "false",
        "temp_directory": "",
    }
    deadline = time.monotonic() + wait
    while True:
        try:
            return duckdb.connect(path, read_only=True, config=config)
        except duckdb.Error as error:
            if _LOCKED not in str(error):
                if is_damage(error):
                    raise damaged(path, error) from error
                raise StoreError(f"{path} cannot be opened as a store: {_line(error)}") from error
            if time.monotonic() >= deadline:
                raise StoreBusy(_busy(path, str(error))) from error
        time.sleep(_RETRY_SECONDS)


def _busy(path: Path, message: str) -> str:
    found = _PID.search(message)
    who = f"process {found[1]}" if found else "another process"
    return (
        f"{who} is writing the store {path}; ask again when 'lineseal materialise' has finished, "
        "or stop it"
    )


def _check_schema(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    try:
        row = connection.execute(
            "SELECT value FROM store_fact WHERE name = 'schema_version'"
        ).fetchone()
    except duckdb.CatalogException:
        raise NotFound(f"the store {path} is empty; run 'lineseal materialise' first") from None
    known = schema_version()
    if row is not None and int(row[0]) > known:
        raise StoreIncompatible(
            f"the store {path} has schema {row[0]}, this Lineseal reads up to {known}; upgrade it"
        )


def schema_version() -> int:
    """Return the highest number of a DDL file: the newest schema this Lineseal knows."""
    folder = files("lineseal.schemas") / "ddl"
    return max(int(file.name[:4]) for file in folder.iterdir() if file.name.endswith(".sql"))


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]
