"""Counts what the gateway does, through the OpenTelemetry API, where the process has set it up.

Nothing here imports OpenTelemetry; see ``lineseal.transport.relay.telemetry``. Attributes are
statuses and error codes, never a text of a client. The list stands in ``docs/operations.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

SCOPE = "lineseal"
EVENTS = "lineseal.gateway.events"
REFUSED = "lineseal.gateway.refused"
REQUESTS = "lineseal.gateway.request.duration"
_ABOUT = {
    EVENTS: ("{event}", "OpenLineage events taken, by what became of them."),
    REFUSED: ("{event}", "OpenLineage events refused, by error code."),
    REQUESTS: ("s", "From a request's head to its answer, durable by then, by status."),
}
_made: dict[str, Any] = {}


def count(name: str, amount: int, attributes: Mapping[str, str]) -> None:
    """Add *amount* to one of the counters above."""
    if amount and _is_set_up():
        _instrument(name).add(amount, dict(attributes))


def measure(name: str, seconds: float, attributes: Mapping[str, str | int]) -> None:
    """Record how long something took."""
    if _is_set_up():
        _instrument(name).record(seconds, dict(attributes))


def _instrument(name: str) -> Any:
    if name not in _made:
        meter = sys.modules["opentelemetry.metrics"].get_meter(SCOPE)
        unit, says = _ABOUT[name]
        make = meter.create_histogram if unit == "s" else meter.create_counter
        _made[name] = make(name, unit, says)
    return _made[name]


def _is_set_up() -> bool:
    """Tell whether OpenTelemetry's API was imported as a whole."""
    return hasattr(sys.modules.get("opentelemetry.metrics"), "get_meter")
