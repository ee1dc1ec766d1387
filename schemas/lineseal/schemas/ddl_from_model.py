"""Derives the columns of a body's table from its model, so that the two cannot drift.

``ddl/0002_bodies.sql`` was written by ``render()`` and is compared with it in a test. Records
become STRUCT, arrays become LIST, enumerations VARCHAR; times inside bodies stay BIGINT
microseconds UTC.
"""

from __future__ import annotations

import typing
from enum import StrEnum
from typing import Any

from lineseal.schemas.avsc import field_types, unwrap
from lineseal.schemas.model import BODY_FIELDS

_PRIMITIVES: dict[type, str] = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN"}

COMMON_COLUMNS: tuple[tuple[str, str], ...] = (
    ("event_id", "VARCHAR"),
    ("producer", "VARCHAR"),
    ("event_time", "TIMESTAMP"),
    ("ingest_time", "TIMESTAMP"),
    ("actor_kind", "VARCHAR"),
    ("actor_id", "VARCHAR"),
    ("actor_verified", "BOOLEAN"),
    ("origin", "VARCHAR"),
)
"""Columns every body table starts with."""

BODY_TABLES = tuple(name for name in BODY_FIELDS if name != "run")
"""Bodies with a table of their own name; runs land in run_event and run_io."""


def columns(cls: type) -> list[tuple[str, str]]:
    """Return name and DuckDB type of each field of a model class."""
    return [(name, _type(unwrap(kind)[0])) for name, kind in field_types(cls).items()]


def render() -> str:
    """Render the DDL of all body tables."""
    parts = ["-- Written by lineseal.schemas.ddl_from_model; see there before editing.\n"]
    for name in BODY_TABLES:
        lines = [*COMMON_COLUMNS, *columns(BODY_FIELDS[name])]
        body = ",\n".join(f'  "{column}" {kind}' for column, kind in lines)
        parts.append(f'CREATE TABLE "{name}" (\n{body}\n);\n')
    return "\n".join(parts)


def _type(kind: Any) -> str:
    if typing.get_origin(kind) is tuple:
        return _type(unwrap(typing.get_args(kind)[0])[0]) + "[]"
    if kind in _PRIMITIVES:
        return _PRIMITIVES[kind]
    if issubclass(kind, StrEnum):
        return "VARCHAR"
    fields = ", ".join(f'"{name}" {sql}' for name, sql in columns(kind))
    return f"STRUCT({fields})"
