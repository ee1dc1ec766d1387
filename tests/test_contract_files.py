"""The files both sides of the contract share are frozen, and agree with the models.

What is promised: a schema that was shipped keeps its bytes for ever, because batches sealed under
it name its SHA-256; the tables of the bodies hold exactly what the models say; events stay
decodable in columns. Source: ADR-0003, DESIGN 4.2.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from lineseal.schemas import avsc, ddl_from_model
from lineseal.schemas.codec import ALLOWED_EVENT_SCHEMAS, EVENT_SCHEMA

FROZEN = {
    "event-v1.avsc": "36b8b4588de9883e3b8f551f4853af85d665210d0443c43e4dcd1a00a15e812b",
    "batch_header-v1.avsc": "c3fdf2134a4aa23bd6b06eb50d0d8d5727d2f8bc5a71597666d949ac3f9286a3",
    "signed_batch-v1.avsc": "a8c28c809292027c4cfc78e7cea53960627e5f950f3d3e4de0dd1d4d15261999",
}
"""SHA-256 of every schema file. A new version is a new file and a new line, never an edit."""

COLUMNAR = {"string", "long", "double", "boolean"}
"""Primitive types an event may use; anything else breaks the columnar decoder."""

AVRO = files("lineseal.schemas").joinpath("avro")


def test_every_schema_file_is_frozen() -> None:
    """A changed byte in a shipped schema would orphan every batch sealed under it."""
    digests = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in AVRO.iterdir()
        if file.name.endswith(".avsc")
    }

    assert digests == FROZEN


@pytest.mark.parametrize(("name", "model"), avsc.FILES.items(), ids=list(avsc.FILES))
def test_a_schema_says_what_its_model_says(name: str, model: type) -> None:
    """Changing a model without a new schema version is noticed here."""
    assert AVRO.joinpath(name).read_text("ascii") == avsc.render(model)


def test_only_frozen_schemas_are_accepted() -> None:
    """The allow-list of the codec is made of shipped files."""
    assert {
        name: digest for digest, name in ALLOWED_EVENT_SCHEMAS.items()
    }.items() <= FROZEN.items()


def test_the_tables_of_bodies_say_what_the_models_say() -> None:
    """The shipped DDL is the rendered one."""
    shipped = files("lineseal.schemas").joinpath("ddl", "0002_bodies.sql").read_text("utf-8")

    assert shipped == ddl_from_model.render()


def test_events_use_only_types_that_decode_in_columns() -> None:
    """Strings, longs, doubles, booleans, enums, records, arrays and unions with null."""
    schema = json.loads(AVRO.joinpath(EVENT_SCHEMA).read_bytes())

    assert set(primitives(schema)) <= COLUMNAR


def primitives(schema: Any) -> Iterator[str]:
    """Yield every primitive type used, after checking that the rest is allowed."""
    if isinstance(schema, list):
        assert schema[0] == "null", "a union is null or one thing"
        assert len(schema) == 2, "a union is null or one thing"
        yield from primitives(schema[1])
    elif isinstance(schema, str):
        if not schema.startswith("lineseal."):
            yield schema
    elif schema["type"] == "record":
        for field in schema["fields"]:
            yield from primitives(field["type"])
    elif schema["type"] == "array":
        yield from primitives(schema["items"])
    else:
        assert schema["type"] == "enum", f"{schema['type']} does not decode in columns"
