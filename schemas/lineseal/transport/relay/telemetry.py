"""Counts what relays do, through the OpenTelemetry API, where the process has set it up.

Nothing here imports OpenTelemetry: while no other module of the process has, counting is one
look-up. So a job's process needs no package for it. Attributes are error codes, never a text of
a producer or supplier. The list stands in ``docs/operations.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lineseal.schemas.errors import LinesealError
from lineseal.transport.relay.backlog import Backlog, backlog_of

SCOPE = "lineseal"
BATCHES = "lineseal.relay.batches"
FAILURES = "lineseal.relay.failures"
REBUILDS = "lineseal.relay.rebuilds"
DEPTH = "lineseal.outbox.depth"
AGE = "lineseal.outbox.unshipped.age"
_ABOUT = {
    BATCHES: ("{batch}", "Batches the broker acknowledged."),
    FAILURES: ("{failure}", "Tries to ship that failed, by error code."),
    REBUILDS: ("{producer}", "Producer objects given up after a failed delivery."),
    DEPTH: ("{batch}", "Sealed batches that the broker has not acknowledged."),
    AGE: ("s", "How long ago the oldest of them was sealed."),
}
_counters: dict[str, Any] = {}
_outboxes: set[Path] = set()


def count(name: str, amount: int, attributes: Mapping[str, str] | None = None) -> None:
    """Add *amount* to one of the counters above."""
    metrics = _metrics()
    if metrics is None or not amount:
        return
    if name not in _counters:
        # Made before an SDK is set up, it counts from then on.
        _counters[name] = metrics.get_meter(SCOPE).create_counter(name, *_ABOUT[name])
    _counters[name].add(amount, dict(attributes or {}))


def observe_backlog(outboxes: Path) -> None:
    """Export depth and age of the files in *outboxes*, read whenever an export is due."""
    metrics = _metrics()
    if metrics is None:
        return
    if not _outboxes:
        meter = metrics.get_meter(SCOPE)
        readings: tuple[tuple[str, Callable[[Backlog], float]], ...] = (
            (DEPTH, lambda backlog: backlog.batches),
            (AGE, lambda backlog: backlog.seconds),
        )
        for name, reading in readings:
            meter.create_observable_gauge(name, [_observer(metrics, reading)], *_ABOUT[name])
    _outboxes.add(outboxes)


def _observer(metrics: Any, reading: Callable[[Backlog], float]) -> Callable[[Any], Iterable[Any]]:
    def observe(options: Any) -> Iterable[Any]:
        del options
        found: list[Backlog] = []
        for folder in sorted(_outboxes):
            try:
                found.append(backlog_of(folder))
            except LinesealError:
                continue
        if not found:
            return []
        batches = sum(each.batches for each in found)
        worst = Backlog(batches, max(each.seconds for each in found))
        return [metrics.Observation(reading(worst))]

    return observe


def _metrics() -> Any:
    """Return OpenTelemetry's API if it was imported as a whole, else None."""
    metrics = sys.modules.get("opentelemetry.metrics")
    return metrics if hasattr(metrics, "get_meter") and hasattr(metrics, "Observation") else None
