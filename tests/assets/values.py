"""Events whose bytes are right and whose values break the contract, under a good signature."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lineseal.schemas.limits import MAX_EVENT_NODES, MAX_TIME
from lineseal.schemas.model import BODY_FIELDS, Event
from lineseal.schemas.record import to_record
from tests.assets.events import in_batch
from tests.assets.kit import Asset, event, registration, run
from tests.assets.wire import joined, to_pieces

Record = dict[str, Any]
_RUN: Record = to_record(event())
_REGISTRATION: Record = to_record(event(registration()))
_ARTIFACT = "body.run.inputs.0.artifact"

_NAMES = {
    "empty": "",
    "space": " ",
    "space-before": " tx",
    "space-behind": "tx ",
    "nul": "t\0x",
    "line-feed": "t\nx",
    "carriage-return": "t\rx",
    "tab": "t\tx",
    "escape-sequence": "t\x1b[31mx",
    "delete": "t\x7fx",
    "second-control-set": "t\x9bx",
    "right-to-left-override": "t\u202ex",
    "right-to-left-isolate": "t\u2067x",
    "right-to-left-mark": "t\u200fx",
    "zero-width-space": "t\u200bx",
    "zero-width-joiner": "t\u200dx",
    "word-joiner": "t\u2060x",
    "byte-order-mark": "\ufefftx",
    "soft-hyphen": "t\u00adx",
    "variation-selector": "t\ufe0fx",
    "tag-letters": "tx\U000e0041",
    "hangul-filler": "t\u3164x",
    "braille-blank": "t\u2800x",
    "line-separator": "t\u2028x",
    "no-break-space": "t\u00a0x",
    "ideographic-space": "t\u3000x",
    "private-use": "t\ue000x",
    "unassigned": "t\u0378x",
    "not-composed": "cafe\u0301",
    "too-long": "x" * 1025,
    "too-long-in-bytes": "é" * 513,
}
_VERSIONS = {"with-an-at": "3@4", "digest": "sha256:3", "run": "run:p/r", "unknown": "unknown"}
_DIGESTS = {
    "capitals": "sha256:" + "A" * 64,
    "short": "sha256:" + "a" * 63,
    "long": "sha256:" + "a" * 65,
    "no-name": "a" * 64,
    "other-name": "md5:" + "a" * 64,
    "line-feed-behind": "sha256:" + "a" * 64 + "\n",
    "full-width-digits": "sha256:" + "\uff11" * 64,
}
_TIMES = (-1, -(1 << 63), MAX_TIME + 1, 1 << 62, (1 << 63) - 1)


def value_assets() -> Iterator[Asset]:
    """Yield every asset of this module."""
    for name, value in _NAMES.items():
        yield _changed("identifier", name, "IDENTIFIER", f"{_ARTIFACT}.name", value)
    for name, value in _VERSIONS.items():
        yield _changed("version", name, "IDENTIFIER", f"{_ARTIFACT}.version", value)
    for name, value in _DIGESTS.items():
        yield _changed("digest", name, "IDENTIFIER", f"{_ARTIFACT}.digest", value)
    for moment in _TIMES:
        yield _changed("time", f"event-time-{moment}", "RANGE", "event_time", moment)
        path = "body.registration.collected_at"
        yield _changed("time", f"collected-{moment}", "RANGE", path, moment, _REGISTRATION)
    yield from _keys()
    yield from _bodies()
    yield from _sizes()
    yield _changed("scope", "other-producer", "SCOPE", "producer", "trainer")
    yield _changed("scope", "as-a-gateway", "SCOPE", "origin", "gateway")


def _keys() -> Iterator[Asset]:
    pairs = [{"key": "lr", "value": value} for value in ("0.1", "9")]
    yield _changed("duplicate-key", "parameter", "RANGE", "body.run.parameters", pairs)
    many = [{"key": f"k{n % 200}", "value": ""} for n in range(201)]
    yield _changed("duplicate-key", "far-apart", "RANGE", "body.run.parameters", many)
    metrics = [{"name": "auc", "value": value} for value in (0.1, 0.9)]
    yield _changed("duplicate-key", "metric", "RANGE", "body.run.metrics", metrics)
    path = "body.registration.profile.metrics"
    yield _changed("duplicate-key", "inner-metric", "RANGE", path, metrics, _REGISTRATION)
    path = "body.registration.attributes"
    yield _changed("duplicate-key", "attribute", "RANGE", path, pairs, _REGISTRATION)


def _bodies() -> Iterator[Asset]:
    none: Record = dict.fromkeys(BODY_FIELDS)
    yield _changed("body", "none", "RANGE", "body", none)
    two = none | {"run": to_record(run()), "registration": to_record(registration())}
    yield _changed("body", "two", "RANGE", "body", two)
    yield _changed("body", "run-without-a-run", "RANGE", "run_id", None)


def _sizes() -> Iterator[Asset]:
    yield _changed("size", "text", "TOO_LARGE", "body.run.message", "x" * 8193)
    yield _changed("size", "text-in-bytes", "TOO_LARGE", "body.run.message", "é" * 4097)
    sketch = "body.registration.profile.row_sketch"
    for name, count in (("values", MAX_EVENT_NODES), ("values-in-60-kilobytes", 60_000)):
        texts = [""] * count
        yield _changed("size", name, "TOO_MANY_ITEMS", sketch, texts, _REGISTRATION)
    uses = [_RUN["body"]["run"]["inputs"][0] | {"artifact": _SMALL}] * 3000
    yield _changed("size", "inputs", "TOO_MANY_ITEMS", "body.run.inputs", uses)
    pairs = [{"key": f"{n}", "value": ""} for n in range(8000)]
    yield _changed("size", "parameters", "TOO_MANY_ITEMS", "body.run.parameters", pairs)


_SMALL: Record = {"kind": "dataset", "namespace": "a", "name": "b", "version": None, "digest": None}


def _changed(
    defect: str, name: str, code: str, path: str, value: Any, record: Record = _RUN
) -> Asset:
    """Seal *record* with the value at *path* (``a.b.0.c``) replaced."""
    changed = _replaced(record, path.split("."), value)
    return in_batch(defect, name, code, joined(to_pieces(Event, changed)))


def _replaced(inner: Any, steps: list[str], value: Any) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(inner, list):
        number = int(step)
        return [_replaced(v, rest, value) if n == number else v for n, v in enumerate(inner)]  # pyright: ignore[reportUnknownVariableType]
    return inner | {step: _replaced(inner[step], rest, value)}
