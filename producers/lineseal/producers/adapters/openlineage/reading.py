"""Reads JSON that others wrote: leniently, and noting what was not as the specification wants it.

Nothing here raises: what is missing or has another type is absent, and a note says so. Notes are
short words, sealed with the event; the document shows the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, cast

_MOST = (1 << 63) - 1


class Notes:
    """Collects what was not as it should be: each word once, sorted."""

    def __init__(self) -> None:
        self._words: set[str] = set()

    def add(self, word: str) -> None:
        """Note *word*."""
        self._words.add(word)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the notes, sorted."""
        return iter(sorted(self._words))


class Node:
    """A JSON object, or an empty one where there is none."""

    def __init__(self, value: Any, notes: Notes) -> None:
        """Read *value*; anything but an object reads as empty."""
        self.notes = notes
        self.value: dict[str, Any] = (
            cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        )

    def __bool__(self) -> bool:
        """Tell whether it holds anything."""
        return bool(self.value)

    def text(self, key: str) -> str | None:
        """Return a text that is not empty; a number or truth value as JSON writes it."""
        value = self.value.get(key)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        return value if isinstance(value, str) and value else None

    def whole(self, key: str) -> int | None:
        """Return a count: a whole number from 0 on that fits 64 bits."""
        value = self.value.get(key)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
            value = int(value)
        if isinstance(value, float) and math.isfinite(value) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST:
            return None
        return value

    def flag(self, key: str) -> bool | None:
        """Return a truth value, also when it is written as a text."""
        value = self.value.get(key)
        if isinstance(value, str):
            return {"true": True, "false": False}.get(value.lower())
        return value if isinstance(value, bool) else None

    def node(self, key: str) -> Node:
        """Return an object."""
        return Node(self.value.get(key), self.notes)

    def nodes(self, key: str) -> list[Node]:
        """Return the objects of an array, without what is none; one object counts as an array."""
        value = self.value.get(key)
        if isinstance(value, dict):
            self.notes.add("object_instead_of_array")
            return [Node(value, self.notes)]
        return [Node(item, self.notes) for item in self.items(key) if isinstance(item, dict)]

    def items(self, key: str) -> list[Any]:
        """Return the items of an array."""
        value = self.value.get(key)
        return list(value) if isinstance(value, list) else []

    def children(self) -> list[Node]:
        """Return every object that is a value of this one, in the order of the keys."""
        ordered = sorted(self.value.items())
        return [Node(value, self.notes) for _, value in ordered if isinstance(value, dict)]


class Facets:
    """The facets of a run, job or data set: those that are objects and not deleted."""

    def __init__(self, owner: Node, *keys: str) -> None:
        """Read the maps of facets that *owner* has under *keys*; the first one wins."""
        self._notes = owner.notes
        self._facets: dict[str, Node] = {}
        for key in keys:
            for name, value in owner.node(key).value.items():
                self._add(name, value)

    def _add(self, name: str, value: Any) -> None:
        facet = Node(value, self._notes)
        if not isinstance(value, dict):
            self._notes.add("facet_not_an_object")
            return
        if "_deleted" in facet.value and facet.value["_deleted"] is None:
            self._notes.add("deleted_is_null")
        if facet.flag("_deleted"):
            return
        if facet.text("_schemaURL") is None:
            self._notes.add("facet_without_schema_url")
        self._facets.setdefault(name, facet)

    def __getitem__(self, name: str) -> Node:
        """Return a facet; an empty one when it is not there."""
        return self._facets.get(name) or Node(None, self._notes)

    @property
    def names(self) -> list[str]:
        """Return the names of all facets, sorted."""
        return sorted(self._facets)
