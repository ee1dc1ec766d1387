"""Runs one statement and prints its rows as JSON: the child process behind ``guarded_sql``.

Reads a ``Request`` from stdin and prints a ``Reply`` to stdout. Other modules use what checks and
bounds a statement, and not ``answer``, which limits the memory of the whole process for good.
"""

from __future__ import annotations

import json
import math
import re
import resource
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, TypedDict, cast

import duckdb

from lineseal.queries.database import open_store
from lineseal.schemas.errors import LinesealError, QueryError, SqlRefused

MAX_TEXT = 1_000_000
"""Characters of one value; more are cut off, and the answer says so."""
MAX_TOTAL = 64 * 1024 * 1024
"""Characters of all values together; rows past it are left out, and the answer says so."""

_READS = frozenset({"SELECT", "EXPLAIN"})
_PLAIN = re.compile(r"BOOLEAN|U?(TINY|SMALL|BIG)?INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)")
_NESTED = re.compile(r"JSON|.*\[\d*\]|(STRUCT|MAP|UNION)\(.*\)", re.DOTALL)
_TIMESTAMP = re.compile(r"(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?(?:\+00)?")
_HUGE = frozenset({"HUGEINT", "UHUGEINT"})
_SIZE = re.compile(r"([\d.]+) (bytes|[KMGT]iB)")
_UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_ROWS_AT_A_TIME = 100
_INTERRUPT_SECONDS = 0.1
_HEADROOM = 512 * 1024 * 1024
"""Bytes beside DuckDB's own limit: buffers it does not count, and the rows in Python."""


class Request(TypedDict):
    """Say what to run; see ``guarded_sql.run_sql``."""

    store: str
    text: str
    limit: int
    timeout: float
    memory_limit: str
    wait: float


class Reply(TypedDict):
    """Say what came of it; ``error`` is a code of ``lineseal.schemas.errors`` and a message."""

    columns: list[str]
    rows: list[list[Any]]
    warnings: list[str]
    error: tuple[str, str] | None


def answer(request: Request) -> Reply:
    """Run the statement of *request*; every error of ours becomes part of the reply."""
    try:
        with open_store(
            Path(request["store"]), memory_limit=request["memory_limit"], wait=request["wait"]
        ) as connection:
            _limit_memory(connection)
            return _run(connection, request)
    except MemoryError:
        return _failed(SqlRefused("the statement took more memory than it may"))
    except LinesealError as error:
        return _failed(error)


def check_statement(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """Check that *text* is one statement of a type that only reads.

    Raises:
        SqlRefused: It is not; the message says what it is.
        QueryError: It cannot be parsed.

    """
    try:
        kinds = [statement.type.name for statement in connection.extract_statements(text)]
    except duckdb.Error as error:
        raise QueryError(_message(error)) from error
    except ValueError as error:
        # DuckDB's Python layer does not know the newest statement types.
        raise SqlRefused("only a statement that reads is run, and this is another") from error
    if len(kinds) != 1:
        raise SqlRefused(f"exactly one statement is run, and here are {len(kinds)}")
    if kinds[0] not in _READS:
        raise SqlRefused(f"only a statement that reads is run, and this is {kinds[0]}")


def _run(connection: duckdb.DuckDBPyConnection, request: Request) -> Reply:
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET lock_configuration = true")
    check_statement(connection, request["text"])
    connection.execute("BEGIN TRANSACTION READ ONLY")
    try:
        with watch(connection, request["timeout"]):
            relation = connection.sql(_without_end(connection, request["text"]))
            kinds = [str(kind) for kind in relation.types]
            shown = relation.project(", ".join(_rendered(*item) for item in enumerate(kinds, 1)))
            rows, warnings = _fetch(shown, kinds, request["limit"])
            return Reply(
                columns=_unique(relation.columns), rows=rows, warnings=warnings, error=None
            )
    except duckdb.InterruptException as error:
        raise SqlRefused(f"the statement ran over its {request['timeout']:g} seconds") from error
    except duckdb.OutOfMemoryException as error:
        raise SqlRefused("the statement took more memory than it may") from error
    except duckdb.PermissionException as error:
        raise SqlRefused(_message(error)) from error
    except duckdb.InvalidInputException as error:
        refused = "read-only" in str(error)
        raise (SqlRefused if refused else QueryError)(_message(error)) from error
    except duckdb.Error as error:
        raise QueryError(_message(error)) from error


def _without_end(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """Cut off semicolons at the end: DuckDB puts the text into parentheses to read it.

    Its own parser decides what the end is: before it one statement, after it none.
    """
    end = text.rfind(";")
    while end >= 0:
        try:
            after = connection.extract_statements(text[end:])
            before = connection.extract_statements(text[:end])
        except duckdb.Error:
            return text
        if after or len(before) != 1:
            return text
        text = text[:end]
        end = text.rfind(";")
    return text


def _rendered(index: int, kind: str) -> str:
    """Turn a column into something JSON can hold, inside DuckDB: big values stay there."""
    if _PLAIN.fullmatch(kind):
        return f"#{index} AS c{index}"
    text = f"CAST(#{index} AS VARCHAR)"
    if kind == "BLOB":
        text = f"lower(hex(#{index}))"
    elif _NESTED.fullmatch(kind):
        text = f"CAST(to_json(#{index}) AS VARCHAR)"
    return f"left({text}, {MAX_TEXT + 1}) AS c{index}"


def _fetch(
    relation: duckdb.DuckDBPyRelation, kinds: list[str], limit: int
) -> tuple[list[list[Any]], list[str]]:
    # One row more than asked for tells whether there are more.
    relation = relation.limit(limit + 1)
    rows: list[list[Any]] = []
    warnings: set[str] = set()
    total = 0
    for batch in relation.to_arrow_reader(_ROWS_AT_A_TIME):
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if len(rows) == limit:
                warnings.add(f"there are more rows than --limit {limit}; the rest is left out")
                break
            sizes = [len(value) for value in values if isinstance(value, str)]
            total += sum(sizes)
            if total > MAX_TOTAL:
                warnings.add(f"the rows after the first {len(rows)} are too big and are left out")
                return rows, sorted(warnings)
            if max(sizes, default=0) > MAX_TEXT:
                warnings.add(f"values longer than {MAX_TEXT} characters are cut off")
            rows.append([_plain(kind, value) for kind, value in zip(kinds, values, strict=True)])
    return rows, sorted(warnings)


def _plain(kind: str, value: Any) -> Any:
    if isinstance(value, str):
        cut = value[:MAX_TEXT]
        if _NESTED.fullmatch(kind) and len(value) <= MAX_TEXT:
            return _finite(json.loads(value))
        if kind.startswith("TIMESTAMP"):
            return _TIMESTAMP.sub(_rfc3339, cut)
        if kind in _HUGE:
            return int(value)
        return cut
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return int(value)
        number = float(value)
        return number if Decimal(repr(number)) == value else str(value)
    return _finite(value)


def _rfc3339(match: re.Match[str]) -> str:
    day, time, fraction = match.groups()
    return f"{day}T{time}.{(fraction or '').ljust(6, '0')}Z"


def _finite(value: Any) -> Any:
    """Write out what JSON has no number for."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in cast("dict[str, Any]", value).items()}
    return value


def _unique(columns: list[str]) -> list[str]:
    """Give each of several columns of one name a name of its own."""
    names: list[str] = []
    for column in columns:
        name, count = column, 1
        while name in names:
            count += 1
            name = f"{column}_{count}"
        names.append(name)
    return names


@contextmanager
def watch(connection: duckdb.DuckDBPyConnection, seconds: float) -> Generator[None]:
    """Interrupt what runs inside after *seconds*, again and again until it gives up."""
    done = threading.Event()

    def interrupt() -> None:
        if not done.wait(seconds):
            connection.interrupt()
            while not done.wait(_INTERRUPT_SECONDS):
                connection.interrupt()

    watcher = threading.Thread(target=interrupt, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _limit_memory(connection: duckdb.DuckDBPyConnection) -> None:
    """Limit the address space of this process, for good."""
    most = address_space(connection)
    if most is not None:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def address_space(connection: duckdb.DuckDBPyConnection) -> int | None:
    """Return the bytes used now, with DuckDB's own limit and some headroom; None: nobody knows.

    DuckDB does not count all it allocates: one long value goes past its limit.
    """
    statm = Path("/proc/self/statm")
    shown = connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
    match = _SIZE.fullmatch(shown)
    if match is None or not statm.exists():
        return None
    used = int(statm.read_text().split()[0]) * resource.getpagesize()
    return used + int(float(match[1]) * _UNITS[match[2]]) + _HEADROOM


def _failed(error: LinesealError) -> Reply:
    return Reply(columns=[], rows=[], warnings=[], error=(error.code, str(error)))


def _message(error: Exception) -> str:
    """Return DuckDB's message on one line, without its drawing of the statement."""
    return " ".join(str(error).partition("\n\nLINE ")[0].split())


if __name__ == "__main__":
    print(json.dumps(answer(json.load(sys.stdin))))  # noqa: T201 - the reply to the parent
