"""Answers whether an Avro schema is one that bytes of a stranger may be decoded with.

A schema can be as hostile as the bytes: one that contains itself ends the process with no bytes at
all, an array of items without bytes makes billions of values of six, an alias makes another field
of the same bytes. So the few things that ours are made of are listed here, and everything else is
refused. Every shipped schema passes through here before it is used. Source: attack table A5, A23.
"""

from __future__ import annotations

import re
from typing import Any, Final, cast

from lineseal.schemas.errors import UnknownSchema

MAX_DEPTH: Final = 12
"""Records inside each other, at most."""
MAX_FIELDS: Final = 200
"""Fields of one record, at most."""
_PRIMITIVES: Final = frozenset({"string", "long", "double", "boolean", "bytes"})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_ATTRIBUTES: Final = {
    "record": {"type", "name", "namespace", "doc", "fields"},
    "enum": {"type", "name", "namespace", "symbols"},
    "array": {"type", "items"},
}
"""What each kind of type may say: no aliases, defaults, hints or logical types."""


def check_schema(schema: Any) -> None:
    """Check that *schema*, parsed JSON, is made of what is listed here and nothing else.

    Raises:
        UnknownSchema: It is not; the message names what is refused.

    """
    _Walk().visit(schema, ())


class _Walk:
    """Goes through one schema; knows for each type that it met its depth below itself."""

    def __init__(self) -> None:
        self._depths: dict[str, int] = {}

    def visit(self, schema: Any, inside: tuple[str, ...]) -> int:
        """Check *schema*, which stands inside the records *inside*; return how deep it goes."""
        branches = _list(schema)
        if branches is not None:
            return self._union(branches, inside)
        if isinstance(schema, str):
            return self._named(schema, inside)
        if not isinstance(schema, dict):
            raise UnknownSchema("a schema is neither text, nor a list, nor an object")
        document = cast("dict[str, Any]", schema)
        kind = document.get("type")
        allowed = _ATTRIBUTES.get(kind) if isinstance(kind, str) else None
        if allowed is None:
            raise UnknownSchema(f"the type {str(kind)[:40]!r} may not be used")
        if more := document.keys() - allowed:
            raise UnknownSchema(f"the attribute {min(more)[:40]!r} may not be used")
        if kind == "array":
            return self.visit(document.get("items"), inside)
        name = self._new_name(document)
        depth = 0
        if kind == "record":
            depth = self._record(document, (*inside, name))
        elif not _are_names(document.get("symbols")):
            raise UnknownSchema(f"the symbols of {name} are no names, or stand twice")
        self._depths[name] = depth
        return depth

    def _union(self, branches: list[Any], inside: tuple[str, ...]) -> int:
        if len(branches) != 2 or branches[0] != "null" or isinstance(branches[1], list):
            raise UnknownSchema("a union is null or one thing")
        return self.visit(branches[1], inside)

    def _named(self, name: str, inside: tuple[str, ...]) -> int:
        if name in _PRIMITIVES:
            return 0
        if name in inside:
            raise UnknownSchema(f"{name} contains itself")
        if name not in self._depths:
            raise UnknownSchema(f"the type {name[:40]!r} may not be used")
        self._bound(len(inside) + self._depths[name])
        return self._depths[name]

    def _record(self, document: dict[str, Any], inside: tuple[str, ...]) -> int:
        self._bound(len(inside))
        fields = _list(document.get("fields"))
        # A record without fields takes no bytes: an array of them is a bomb.
        if fields is None or not 0 < len(fields) <= MAX_FIELDS:
            raise UnknownSchema(f"{inside[-1]} has no fields, or more than {MAX_FIELDS}")
        depths: list[int] = []
        names: list[Any] = []
        for field in fields:
            if not isinstance(field, dict) or field.keys() != {"name", "type"}:
                raise UnknownSchema(f"a field of {inside[-1]} has not just a name and a type")
            names.append(field["name"])
            depths.append(self.visit(field["type"], inside))
        if not _are_names(names):
            raise UnknownSchema(f"the fields of {inside[-1]} have no names, or one stands twice")
        return 1 + max(depths)

    def _new_name(self, document: dict[str, Any]) -> str:
        parts = [document.get("namespace"), document.get("name")]
        name = ".".join(part for part in parts if isinstance(part, str))
        if not _NAME.fullmatch(name) or name in self._depths:
            raise UnknownSchema(f"{name[:80]!r} is no name for a type, or names two")
        return name

    @staticmethod
    def _bound(depth: int) -> None:
        if depth > MAX_DEPTH:
            raise UnknownSchema(f"records lie more than {MAX_DEPTH} deep inside each other")


def _list(value: Any) -> list[Any] | None:
    return value if isinstance(value, list) else None


def _are_names(value: Any) -> bool:
    names = _list(value)
    if not names or not all(isinstance(name, str) and _NAME.fullmatch(name) for name in names):
        return False
    return len(set(names)) == len(names)
