"""Splits a run event that would be too large for one event into parts (DESIGN 4.2).

A run with thousands of inputs does not fit 60 KiB. Its lists are dealt out, in order, to parts
numbered from 0; code, environment, trigger, parent and message stand in part 0 alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lineseal.schemas.limits import MAX_EVENT_BYTES, MAX_EVENT_NODES
from lineseal.schemas.model import RunEvent
from lineseal.schemas.record import to_record

_LISTS = ("inputs", "outputs", "parameters", "metrics")
_ENVELOPE_BYTES = 10 * 1024
"""Everything around the body: eight identifiers of at most 1 KiB, and ids."""
_ENVELOPE_NODES = 64
_BYTES_PER_VALUE = 11
"""More than any number, length or union branch takes (Avro: a long is at most 10 bytes)."""


def split_run(event: RunEvent) -> list[RunEvent]:
    """Return the event as it is when it surely fits, else its parts, numbered from 0.

    Sizes are upper bounds, so a part is always smaller than the limit; a single item is always
    kept whole.
    """
    items = [(name, item) for name in _LISTS for item in getattr(event, name)]
    empty: dict[str, Any] = dict.fromkeys(_LISTS, ())
    first = replace(event, **empty)
    parts = list(_deal(items, *_cost(to_record(first))))
    if len(parts) <= 1:
        return [event]
    rest = RunEvent(state=event.state)
    return [_part(rest if number else first, number, part) for number, part in enumerate(parts)]


def _part(event: RunEvent, number: int, lists: dict[str, Any]) -> RunEvent:
    return replace(event, part=number, **lists)


def _deal(
    items: list[tuple[str, Any]], size: int, nodes: int
) -> Iterator[dict[str, tuple[Any, ...]]]:
    """Deal items out in order; *size* and *nodes* are what the first part already costs."""
    size, nodes = size + _ENVELOPE_BYTES, nodes + _ENVELOPE_NODES
    dealt: dict[str, list[Any]] = {}
    for name, item in items:
        item_size, item_nodes = _cost(to_record(item))
        full = size + item_size > MAX_EVENT_BYTES or nodes + item_nodes > MAX_EVENT_NODES
        if full:
            yield {key: tuple(values) for key, values in dealt.items()}
            dealt, size, nodes = {}, _ENVELOPE_BYTES, _ENVELOPE_NODES
        dealt.setdefault(name, []).append(item)
        size, nodes = size + item_size, nodes + item_nodes
    yield {key: tuple(values) for key, values in dealt.items()}


def _cost(value: Any) -> tuple[int, int]:
    """Return upper bounds of (bytes, values) of a plain record or what it holds."""
    if isinstance(value, str):
        return len(value.encode("utf-8", "replace")) + _BYTES_PER_VALUE, 1
    if isinstance(value, dict):
        costs = [_cost(item) for item in value.values()]  # pyright: ignore[reportUnknownVariableType]
    elif isinstance(value, list):
        costs = [_cost(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    else:
        return _BYTES_PER_VALUE, 1
    return sum(size for size, _ in costs) + _BYTES_PER_VALUE, sum(n for _, n in costs) + 1
