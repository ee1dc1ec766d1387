"""Opens one data file for reading and nothing else, every cell as text.

DuckDB may open the files that were named and no others; it loads no extension, writes nothing and
keeps within its memory. Cells stay text as they stand in the file, so that no guess about a
column's type can fail on a hostile cell. Lines of a CSV file that are no rows are counted, not
guessed at.
"""

# ruff: noqa: S608 - names and texts go through quoted() and literal(); a view takes no parameters

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from lineseal.commandline.escape import visible
from lineseal.schemas.errors import InvalidDocument, Unreadable

FORMATS: Final = ("csv", "json", "parquet")
MAX_COLUMNS: Final = 2000
_ENDINGS: Final = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
}
_GLOB: Final = frozenset("*?[")
_SHOWN: Final = 200
_CSV: Final = (
    "read_csv({path}, header = true, all_varchar = true, store_rejects = true, "
    "rejects_table = {rejects}, rejects_scan = {scans}, rejects_limit = 0, max_line_size = 4194304)"
)
_JSON: Final = "read_json({path}, maximum_object_size = 16777216)"


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file to read.

    Attributes:
        path: Where it is, absolute, without links.
        format: One of ``FORMATS``.

    """

    path: Path
    format: str


def data_file(path: Path, format_: str | None) -> DataFile:
    """Return the file at *path*; its format follows from its name unless it is given.

    Raises:
        Unreadable: It is no regular file, or its name could mean several.
        InvalidDocument: Its name does not say the format.

    """
    if not path.is_file():
        raise Unreadable(f"{path} is not a file")
    resolved = path.resolve()
    if not resolved.stat().st_size:
        raise InvalidDocument(f"{path} is empty")
    if _GLOB.intersection(str(resolved)):
        raise Unreadable(f"{resolved} holds one of * ? [, which stand for several files; rename it")
    suffixes = [suffix.lower() for suffix in resolved.suffixes]
    last = suffixes[-2:-1] if suffixes[-1:] == [".gz"] else suffixes[-1:]
    found = format_ or _ENDINGS.get("".join(last))
    if found is None:
        raise InvalidDocument(f"{path} does not say what it is; use --format")
    return DataFile(resolved, found)


def open_files(files: list[DataFile], memory_limit: str) -> duckdb.DuckDBPyConnection:
    """Open a database in memory that can read *files* and touch nothing else.

    Raises:
        InvalidDocument: *memory_limit* is no amount of memory.

    """
    try:
        connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": memory_limit,
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "temp_directory": "",
            },
        )
        connection.execute("SET allowed_paths = $paths", {"paths": [str(f.path) for f in files]})
    except duckdb.Error as error:
        raise refusal(error) from error
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def make_view(connection: duckdb.DuckDBPyConnection, name: str, file: DataFile) -> list[str]:
    """Make a temporary view of a file, all its cells text, and return its columns.

    Raises:
        InvalidDocument: It cannot be read as what it is, or has too many columns.

    """
    scan = _scan(name, file)
    try:
        found = connection.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
        columns = [str(row[0]) for row in found]
        if len(columns) > MAX_COLUMNS:
            raise InvalidDocument(f"it has {len(columns)} columns, more than {MAX_COLUMNS}")
        cells = ", ".join(f"CAST({quoted(c)} AS VARCHAR) AS {quoted(c)}" for c in columns)
        connection.execute(f"CREATE TEMP VIEW {name} AS SELECT {cells} FROM {scan}")
    except duckdb.Error as error:
        raise refusal(error) from error
    return columns


def rejected_rows(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """Return how many lines of a CSV file were no rows."""
    try:
        found = connection.execute(f"SELECT count(DISTINCT line) FROM {name}_rejects").fetchone()
    except duckdb.CatalogException:
        return 0  # no CSV
    return int(found[0]) if found else 0


def refusal(error: duckdb.Error) -> InvalidDocument:
    """Return what to tell the person: the first line, which may quote the file, made visible."""
    first = str(error).partition("\n")[0]
    return InvalidDocument(f"cannot be read: {visible(first)[:_SHOWN]}")


def quoted(name: str) -> str:
    """Return a name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as a literal of SQL; DuckDB knows no escapes but the doubled quote."""
    return "'" + text.replace("'", "''") + "'"


def _scan(name: str, file: DataFile) -> str:
    path = literal(str(file.path))
    if file.format == "csv":
        rejects, scans = literal(f"{name}_rejects"), literal(f"{name}_scans")
        return _CSV.format(path=path, rejects=rejects, scans=scans)
    if file.format == "json":
        return _JSON.format(path=path)
    return f"read_parquet({path})"
