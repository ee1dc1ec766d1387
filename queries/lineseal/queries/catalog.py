"""Which questions can be asked of the store? Loads the SQL files and checks their heads.

Every file under ``sql/`` answers one question and starts with a head of comment lines::

    -- name:    run_inputs
    -- title:   What did these runs read?
    -- kind:    trace
    -- params:  producers VARCHAR[]  -- same length as run_ids
    --          as_of TIMESTAMP=NULL -- null: no bound
    -- returns: producer VARCHAR
    -- reads:   edge
    -- order:   none
    -- since:   0.1
    -- why:     One sentence or more; goes on in lines that start with blanks.

``name`` is the file's name, ``kind`` its folder, ``params`` the ``$names`` of the body. What only
a store can tell (``returns``, ``reads``) a test compares with the DDL. Head and columns are a
public interface (DESIGN 7).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from lineseal.schemas.errors import ConfigurationError

KEYS = ("name", "title", "kind", "params", "returns", "reads", "order", "since", "why")
"""Every key of a head, in the order they stand in; all are required."""

_LISTS = frozenset({"params", "returns"})
_HEAD_LINE = re.compile(r"--(?: (?P<key>[a-z]+):)?\s*(?P<text>.*)")
_FIELD = re.compile(r"(?P<name>\w+) (?P<type>[^=]+?)(?:=(?P<default>\S+))?(?:\s+-- (?P<note>.+))?")
_PARAMETER = re.compile(r"\$([a-z_]\w*)")
_LITERAL_OR_COMMENT = re.compile(r"'(?:[^']|'')*'|--[^\n]*")


@dataclass(frozen=True, slots=True)
class Field:
    """Describe one parameter or one column; ``default`` is as written, None when required."""

    name: str
    type: str
    default: str | None
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Hold one SQL file: its head and its body."""

    name: str
    title: str
    kind: str
    params: tuple[Field, ...]
    returns: tuple[Field, ...]
    reads: tuple[str, ...]
    order: str
    since: str
    why: str
    sql: str

    def rows(
        self, connection: duckdb.DuckDBPyConnection, **parameters: Any
    ) -> list[tuple[Any, ...]]:
        """Ask the question; parameters with a default may be left out and are null then."""
        with self._bound(connection, parameters) as (sql, values):
            return connection.execute(_parsed(connection, sql), values).fetchall()

    def columns(
        self, connection: duckdb.DuckDBPyConnection, **parameters: Any
    ) -> Mapping[str, Any]:
        """Ask the question and return an array for each column; errors as for ``rows``."""
        with self._bound(connection, parameters) as (sql, values):
            return connection.execute(_parsed(connection, sql), values).fetchnumpy()

    def table(self, connection: duckdb.DuckDBPyConnection, **parameters: Any) -> Any:
        """Ask the question and return the rows as an Arrow table; errors as for ``rows``."""
        with self._bound(connection, parameters) as (sql, values):
            return connection.sql(sql, params=values).to_arrow_table()

    def records(
        self, connection: duckdb.DuckDBPyConnection, **parameters: Any
    ) -> list[dict[str, Any]]:
        """Ask the question and name the columns as ``returns`` does."""
        names = [field.name for field in self.returns]
        rows = self.rows(connection, **parameters)
        return [dict(zip(names, row, strict=True)) for row in rows]

    @contextmanager
    def _bound(
        self, connection: duckdb.DuckDBPyConnection, parameters: dict[str, Any]
    ) -> Generator[tuple[str, dict[str, Any]]]:
        """Give statement and values; keys that come as an array are read where they lie."""
        values = self._values(parameters)
        arrays = {name: keys for name, keys in values.items() if isinstance(keys, np.ndarray)}
        sql = self.sql
        for name, keys in arrays.items():
            del values[name]
            connection.register(f"keys_of_{name}", pa.table({"key": keys}))
            sql = sql.replace(f"unnest(${name}::BIGINT[])", f"key FROM keys_of_{name}")
        try:
            yield sql, values
        finally:
            for name in arrays:
                connection.unregister(f"keys_of_{name}")

    def _values(self, parameters: dict[str, Any]) -> dict[str, Any]:
        values = {
            field.name: parameters.pop(field.name)
            if field.default is None
            else parameters.pop(field.name, None)
            for field in self.params
        }
        if parameters:
            raise TypeError(f"{self.name} takes no {', '.join(sorted(parameters))}")
        return values


_PARSED: dict[str, duckdb.Statement] = {}
"""Parsing takes a fifth of the time of a small question; a statement belongs to no connection."""


def _parsed(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    statement = _PARSED.get(sql)
    if statement is None:
        (statement,) = connection.extract_statements(sql)
        _PARSED[sql] = statement
    return statement


@cache
def load_catalog() -> Mapping[str, Query]:
    """Load every shipped SQL file, by name.

    Raises:
        ConfigurationError: A head is wrong, or two files have one name.

    """
    queries: dict[str, Query] = {}
    for folder, name, text in sorted(_shipped(files("lineseal.queries") / "sql")):
        query = parse_query(text, folder=folder, name=name)
        if name in queries:
            raise ConfigurationError(f"two SQL files are called {name}.sql")
        queries[name] = query
    return MappingProxyType(queries)


def query(name: str) -> Query:
    """Return one shipped query by its name."""
    return load_catalog()[name]


def parse_query(text: str, *, folder: str, name: str) -> Query:
    """Parse one file's text and check what can be checked without a store.

    Raises:
        ConfigurationError: A key is unknown, missing, repeated or out of order, or contradicts
            the file's name, its folder or its body; the message names the file and the key.

    """
    where = f"{folder}/{name}.sql"
    head, body = split_head(text, KEYS, where)
    for key, expected in (("name", name), ("kind", folder)):
        if head[key] != [expected]:
            raise ConfigurationError(f"{where}: {key} must be {expected!r}")
    fields = {key: tuple(parse_field(line, where) for line in head[key] if line) for key in _LISTS}
    used = parameters_of(body)
    declared = {field.name for field in fields["params"]}
    if used != declared:
        odd = ", ".join(sorted(used ^ declared))
        raise ConfigurationError(f"{where}: params and the body disagree about: {odd}")
    return Query(
        name=name,
        title=" ".join(head["title"]),
        kind=folder,
        params=fields["params"],
        returns=fields["returns"],
        reads=tuple(table.strip() for table in " ".join(head["reads"]).split(",")),
        order=" ".join(head["order"]),
        since=" ".join(head["since"]),
        why=" ".join(head["why"]),
        sql=body,
    )


def parameters_of(sql: str) -> set[str]:
    """Return the ``$names`` of a statement, without those in texts and comments."""
    return set(_PARAMETER.findall(_LITERAL_OR_COMMENT.sub("", sql)))


def split_head(text: str, keys: tuple[str, ...], where: str) -> tuple[dict[str, list[str]], str]:
    """Split a file into the lines of its head, by key, and its body.

    Raises:
        ConfigurationError: The head has not exactly *keys*, in their order.

    """
    head: dict[str, list[str]] = {}
    lines = text.splitlines()
    count = 0
    for count, line in enumerate(lines):  # noqa: B007 - where the body starts
        match = _HEAD_LINE.fullmatch(line)
        if match is None:
            break
        key = match["key"]
        if key is not None:
            if key not in keys or key in head:
                raise ConfigurationError(f"{where}: {key!r} is unknown or stands twice")
            head[key] = []
        elif not head:
            raise ConfigurationError(f"{where}: the head starts with a key")
        head[list(head)[-1]].append(match["text"].strip())
    if tuple(head) != keys:
        raise ConfigurationError(f"{where}: the head needs, in this order: {', '.join(keys)}")
    return head, "\n".join(lines[count:]) + "\n"


def parse_field(line: str, where: str) -> Field:
    """Parse ``name TYPE[=default] [-- note]``; raises ConfigurationError."""
    match = _FIELD.fullmatch(line)
    if match is None:
        raise ConfigurationError(f"{where}: {line!r} is not 'name TYPE[=default] [-- note]'")
    return Field(match["name"], match["type"], match["default"], match["note"])


def _shipped(root: Traversable) -> Iterator[tuple[str, str, str]]:
    for folder in root.iterdir():
        if folder.name == "detections":  # rules have heads of their own: lineseal.queries.rules
            continue
        for file in folder.iterdir():
            if file.name.endswith(".sql"):
                yield folder.name, file.name.removesuffix(".sql"), file.read_text("utf-8")
