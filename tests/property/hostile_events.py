"""Strategies for events that an attacker with a valid key could seal: values and bytes."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import strategies as st
from tests.assets.wire import long
from tests.property.damaged_bytes import damaged
from tests.unit.schemas import strategies
from tests.unit.schemas.samples import changed, unchecked_event

from lineseal.schemas.model import Event
from lineseal.schemas.record import to_record

_TEXTS = [
    *("", " ", "a ", " a", "a\tb", "a\x00b", "\x7f", "a\u202eb", "a\u200bb", "e\u0301", "\ufeff"),
    *("\xa0", "\u3164", "\U000e0041", "a" * 1024, "a" * 1025, "é" * 512, "é" * 513, "名" * 342),
    *("a" * 8192, "a" * 8193, "é" * 4096, "é" * 4097, "v@1", "sha256:x", "run:1", "unknown"),
    *("unknown ", "sha256:" + "0" * 64, "sha256:" + "A" * 64, "sha256:" + "0" * 63, "a\nb", "Ω"),
]
_NUMBERS = [float("nan"), float("inf"), float("-inf"), -0.0, 5e-324]
_TIMES = [-1, 0, 253_402_300_799_999_999, 253_402_300_800_000_000, -(1 << 63), (1 << 63) - 1]
_ODD = (-1, -2, 16, 1 << 20, 1 << 31, 1 << 33, 1 << 62, -(1 << 63), (1 << 63) - 1)
_LENGTHS = [long(number) for number in _ODD]


def events_of(producer: str) -> st.SearchStrategy[Event]:
    """Events that keep the contract, most of them under *producer*'s name."""
    own = st.sampled_from([True] * 7 + [False])
    return st.tuples(strategies.events(), own).map(
        lambda pair: dataclasses.replace(pair[0], producer=producer) if pair[1] else pair[0]
    )


@st.composite
def sealed_bytes(draw: st.DrawFn, producer: str) -> bytes:
    """Bytes of one event: good, with one value changed, or damaged."""
    record = to_record(draw(events_of(producer)))
    change = draw(st.sampled_from(["none", "none", "value", "shape", "bytes"]))
    if change == "value":
        record = draw(_changed_value(record))
    elif change == "shape":
        record = draw(_changed_shape(record))
    try:
        data = unchecked_event(record)
    except (TypeError, ValueError, KeyError):  # not of the schema: nobody can seal it
        data = unchecked_event(to_record(draw(events_of(producer))))
    return draw(damaged(data, _LENGTHS)) if change == "bytes" else data


@st.composite
def _changed_value(draw: st.DrawFn, record: dict[str, Any]) -> dict[str, Any]:
    path, value = draw(st.sampled_from(_leaves(record)))
    if isinstance(value, str):
        return changed(record, path, draw(st.sampled_from(_TEXTS)))
    if isinstance(value, float):
        return changed(record, path, draw(st.sampled_from(_NUMBERS)))
    if isinstance(value, int) and not isinstance(value, bool):
        return changed(record, path, draw(st.sampled_from(_TIMES)))
    return record


@st.composite
def _changed_shape(draw: st.DrawFn, record: dict[str, Any]) -> dict[str, Any]:
    body = record["body"]
    kind = draw(st.sampled_from(["none", "two", "many", "time", "run"]))
    if kind == "none":
        return {**record, "body": dict.fromkeys(body)}
    if kind == "two":
        other = to_record(draw(strategies.events()))["body"]
        return {**record, "body": {n: body[n] or other[n] for n in body}}
    if kind == "many":
        count = draw(st.sampled_from([1300, 1340, 1360, 1365, 2000]))
        run = {**to_record(draw(strategies.events("run")))["body"]["run"], "metrics": []}
        once = draw(st.sampled_from([count, count, count // 2]))
        run["metrics"] = [{"name": f"m{n % once}", "value": 1.0} for n in range(count)]
        return {**record, "run_id": "r", "body": {**dict.fromkeys(body), "run": run}}
    if kind == "run":
        return {**record, "run_id": None}
    return {**record, "event_time": draw(st.sampled_from(_TIMES))}


def _leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        pairs: list[tuple[str, Any]] = [(str(k), v) for k, v in value.items()]  # pyright: ignore
    elif isinstance(value, list):
        pairs = [(str(n), v) for n, v in enumerate(value)]  # pyright: ignore
    else:
        return [(path, value)]
    return [leaf for key, inner in pairs for leaf in _leaves(inner, f"{path}.{key}".lstrip("."))]
