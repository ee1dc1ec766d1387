"""A schema that could hurt whoever decodes with it is refused before it is used.

What is promised: the shipped schemas pass; every kind of schema that made a decoder crash, hang,
eat memory or read other values is refused with one code. Source: attack table A5, A23.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from lineseal.schemas import avsc
from lineseal.schemas.codec import schema_bytes
from lineseal.schemas.errors import UnknownSchema
from lineseal.schemas.lint import MAX_DEPTH, MAX_FIELDS, check_schema


def record(*fields: Any, name: str = "R", **more: Any) -> dict[str, Any]:
    """Make a record of fields called a, b, c..."""
    named = [{"name": chr(ord("a") + n), "type": kind} for n, kind in enumerate(fields)]
    return {"type": "record", "name": name, "fields": named, **more}


def nested(depth: int) -> Any:
    """Put *depth* records into each other."""
    schema: Any = "long"
    for level in range(depth):
        schema = record(schema, name=f"R{level}")
    return schema


def wide(count: int) -> Any:
    """Make a record of *count* fields."""
    return record() | {"fields": [{"name": f"f{n}", "type": "long"} for n in range(count)]}


REFUSED: dict[str, Any] = {
    "a record that contains itself": record(["null", "R"]),
    "and in an array": record({"type": "array", "items": "R"}),
    "and through another": record(record(["null", "R"], name="S")),
    "an array of null": record({"type": "array", "items": "null"}),
    "an array of records without fields": record({"type": "array", "items": record(name="E")}),
    "a record without fields": record(),
    "too deep": nested(MAX_DEPTH + 1),
    "too deep by a name": record(nested(MAX_DEPTH - 1), record(record("R10", name="Y"), name="X")),
    "too many fields": wide(MAX_FIELDS + 1),
    "a decimal": record({"type": "bytes", "logicalType": "decimal", "precision": 9}),
    "a logical type": record({"type": "long", "logicalType": "timestamp-micros"}),
    "a logical type on a name": record("long", logicalType="uuid"),
    "a fixed": record({"type": "fixed", "name": "F", "size": 1 << 40}),
    "a map": record({"type": "map", "values": "string"}),
    "aliases of a record": record("long", aliases=["Q"]),
    "aliases of a field": {
        **record("long"),
        "fields": [{"name": "a", "type": "long", "aliases": ["b"]}],
    },
    "a default": {**record("long"), "fields": [{"name": "a", "type": "long", "default": 7}]},
    "a hint of the library": record("long", __fastavro_parsed=True),
    "a field twice": {**record("long"), "fields": [{"name": "a", "type": "long"}] * 2},
    "a type twice": record(record("long", name="S"), record("string", name="S")),
    "a symbol twice": record({"type": "enum", "name": "E", "symbols": ["A", "A"]}),
    "no symbols": record({"type": "enum", "name": "E", "symbols": []}),
    "a field that is SQL": {"type": "record", "name": "R", "fields": [
        {"name": "x); DROP TABLE event;--", "type": "long"}]},
    "a record that is SQL": record("long", name='R"; DROP TABLE event;--'),
    "a union of three": record(["null", "long", "string"]),
    "a union without null": record(["long", "string"]),
    "a union in a union": record(["null", ["null", "long"]]),
    "a type nobody defined": record("lineseal.Nothing"),
    "a type of another type": record({"type": {"type": "string"}}),
    "int": record("int"),
    "float": record("float"),
    "null": record("null"),
    "a number": 7,
    "nothing": None,
    "fields that are no list": {"type": "record", "name": "R", "fields": {"a": "long"}},
    "fields that are no objects": {"type": "record", "name": "R", "fields": ["a"]},
}  # fmt: skip


@pytest.mark.parametrize("name", avsc.FILES)
def test_the_shipped_schemas_pass(name: str) -> None:
    """They are made of nothing else."""
    check_schema(json.loads(schema_bytes(name)))


@pytest.mark.parametrize("schema", REFUSED.values(), ids=REFUSED)
def test_a_hostile_schema_is_refused(schema: Any) -> None:
    """With one code, and without being changed or used."""
    before = copy.deepcopy(schema)

    with pytest.raises(UnknownSchema):
        check_schema(schema)

    assert schema == before


def test_limits_of_schemas_are_inclusive() -> None:
    """As deep and as wide as allowed passes."""
    check_schema(nested(MAX_DEPTH))
    check_schema(wide(MAX_FIELDS))
