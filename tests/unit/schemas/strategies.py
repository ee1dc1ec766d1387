"""Hypothesis strategies made from the models, so that a new field is generated at once."""

from __future__ import annotations

import operator
import typing
from enum import StrEnum
from functools import cache
from typing import Any

from hypothesis import strategies as st

from lineseal.schemas.avsc import field_types, unwrap
from lineseal.schemas.guard import KEYS
from lineseal.schemas.limits import MAX_TIME
from lineseal.schemas.model import (
    BODY_FIELDS,
    DIGEST,
    IDENTIFIER,
    VERSION,
    BatchHeader,
    Body,
    Event,
)

_INT64 = 1 << 63
# Composed letters only, so that every text is in normal form C.
_NAME_CHARACTERS = "abcXYZ019 /:@._-+=é名ß"


def identifiers() -> st.SearchStrategy[str]:
    """Names as people give them, also beyond ASCII."""
    names = st.text(_NAME_CHARACTERS, min_size=1, max_size=12)
    return names.filter(lambda name: name == name.strip())


def digests() -> st.SearchStrategy[str]:
    """Full SHA-256 digests."""
    return st.binary(min_size=32, max_size=32).map(lambda raw: "sha256:" + raw.hex())


@cache
def models(cls: type) -> st.SearchStrategy[Any]:
    """Values of a model class with every field, null or not, as its annotation allows."""
    values = {name: _values(annotation) for name, annotation in field_types(cls).items()}
    build: Any = cls
    return st.builds(build, **values)


@cache
def events(body: str | None = None) -> st.SearchStrategy[Event]:
    """Events that keep the contract, of one body or of any."""
    names = [body] if body else list(BODY_FIELDS)
    return st.sampled_from(names).flatmap(_events_of)


def headers() -> st.SearchStrategy[BatchHeader]:
    """Batch headers whose fields have the right types."""
    strategy: st.SearchStrategy[BatchHeader] = models(BatchHeader)
    return strategy


def _events_of(name: str) -> st.SearchStrategy[Event]:
    values = {field: _values(kind) for field, kind in field_types(Event).items()}
    values["event_time"] = st.integers(0, MAX_TIME)
    values["body"] = models(BODY_FIELDS[name]).map(lambda value: Body(**{name: value}))
    if name == "run":
        values["run_id"] = identifiers()
    build: Any = Event
    return st.builds(build, **values)


def _values(annotation: Any) -> st.SearchStrategy[Any]:
    kind, nullable, mark = unwrap(annotation)
    plain = _plain(kind, mark)
    return st.none() | plain if nullable else plain


def _plain(kind: Any, mark: str | None) -> st.SearchStrategy[Any]:
    if typing.get_origin(kind) is tuple:
        item = typing.get_args(kind)[0]
        key = operator.attrgetter(KEYS[item]) if item in KEYS else None
        return st.lists(_values(item), max_size=2, unique_by=key).map(tuple)
    if kind is str:
        versions = identifiers().filter(lambda text: "@" not in text and text != "unknown")
        marked = {IDENTIFIER: identifiers(), VERSION: versions, DIGEST: digests()}
        return marked[mark] if mark else st.text(max_size=12)
    if kind is int:
        return st.integers(0, MAX_TIME) if mark else st.integers(-_INT64, _INT64 - 1)
    if kind is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    if kind is bool:
        return st.booleans()
    if issubclass(kind, StrEnum):
        return st.sampled_from(list(kind))
    return models(kind)
