"""Says which decoded events surely keep the contract: ``schemas.guard`` over whole columns.

The walk goes along the model, as the guard's does, and collects every value that is there with
the row it belongs to; then each rule is applied once to all values it is for. What the schema
already promises (types, symbols of enumerations, which fields may be null) was settled when the
bytes were compared with their canonical encoding.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as default
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from lineseal.consumers.columnar.codec import Decoded, Mask
from lineseal.consumers.columnar.one_body import Index
from lineseal.consumers.columnar.values import (
    good_digests,
    good_identifiers,
    good_numbers,
    good_texts,
    good_times,
    good_versions,
    repeats_key,
)
from lineseal.schemas.avsc import field_types, unwrap
from lineseal.schemas.guard import KEYS
from lineseal.schemas.limits import MAX_EVENT_NODES, MAX_TIME
from lineseal.schemas.model import BODY_FIELDS, DIGEST, IDENTIFIER, TIME, VERSION, Event

BODY_NAMES = tuple(BODY_FIELDS)
_RULES: dict[str, Callable[[Any], Mask]] = {
    IDENTIFIER: good_identifiers,
    VERSION: good_versions,
    DIGEST: good_digests,
    "text": good_texts,
    "number": good_numbers,
    TIME: good_times,
}


@dataclass(slots=True)
class _Found:
    """Every value that some rule is for, with the rows they belong to."""

    columns: dict[str, list[Any]] = default(default_factory=dict[str, list[Any]])
    rows: dict[str, list[Index]] = default(default_factory=dict[str, list[Index]])
    repeated: list[Index] = default(default_factory=list[Index])

    def add(self, rule: str, column: Any, rows: Index) -> None:
        self.columns.setdefault(rule, []).append(column)
        self.rows.setdefault(rule, []).append(rows)


def fields(column: Any) -> dict[str, Any]:
    """Return the fields of a column of records, each null where the record is."""
    names = (field.name for field in column.type)
    return dict(zip(names, column.flatten(), strict=True))


def surely_good(decoded: Decoded) -> Mask:
    """Tell which of the decoded events keep the contract."""
    columns, count = decoded.columns, decoded.columns.num_rows
    found, items = _Found(), np.zeros(count, np.int64)
    everyone = np.arange(count)
    for name, kind, mark in _plan(Event):
        if name != "body":
            _walk(kind, mark, columns.column(name), everyone, found, items)
    _walk(BODY_FIELDS[decoded.name], None, decoded.body, everyone, found, items)
    good: Mask = items <= MAX_EVENT_NODES - _own_nodes(Event)
    for rule, judge in _RULES.items():
        if rule in found.columns:
            verdict = judge(pa.concat_arrays(found.columns[rule]))
            good[np.concatenate(found.rows[rule])[~verdict]] = False
    for repeated in found.repeated:
        good[repeated] = False
    times = columns.column("event_time").to_numpy()
    good &= (times >= 0) & (times <= MAX_TIME)
    if decoded.name == "run":
        good &= columns.column("run_id").is_valid().to_numpy(zero_copy_only=False)
    return good


@cache
def _plan(cls: type) -> tuple[tuple[str, Any, str | None], ...]:
    unwrapped = ((name, unwrap(annotation)) for name, annotation in field_types(cls).items())
    return tuple((name, kind, mark) for name, (kind, _, mark) in unwrapped)


@cache
def _own_nodes(kind: Any) -> int:
    """Return how many values one *kind* holds at most, items of its lists not counted."""
    if typing.get_origin(kind) is tuple or not hasattr(kind, "__dataclass_fields__"):
        return 1
    return 1 + sum(_own_nodes(inner) for _, inner, _ in _plan(kind))


def _walk(
    kind: Any, mark: str | None, column: Any, rows: Index, found: _Found, items: Index
) -> None:
    if column.null_count:
        rows = rows[_rows_with(column)]
        column = column.filter(column.is_valid())
    if not len(rows):
        return
    if kind is str:
        found.add(mark or "text", column, rows)
    elif kind is float:
        found.add("number", column, rows)
    elif mark == TIME:
        found.add(mark, column, rows)
    elif typing.get_origin(kind) is tuple:
        item, _, item_mark = unwrap(typing.get_args(kind)[0])
        lengths = column.value_lengths().to_numpy()
        inner_rows = np.repeat(rows, lengths)
        if len(inner_rows):
            inner = column.flatten()
            items += np.bincount(inner_rows, minlength=len(items)) * _own_nodes(item)
            if item in KEYS:
                found.repeated.append(rows[repeats_key(inner.field(KEYS[item]), lengths)])
            _walk(item, item_mark, inner, inner_rows, found, items)
    elif hasattr(kind, "__dataclass_fields__"):
        for (_, inner, inner_mark), child in zip(_plan(kind), column.flatten(), strict=True):
            _walk(inner, inner_mark, child, rows, found, items)
    elif kind not in (int, bool) and not issubclass(kind, StrEnum):
        raise TypeError(f"the columnar guard has no rule for {kind}")


def _rows_with(column: Any) -> Index:
    rows: Index = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    return rows
