"""Which numbers and spans does a running service export? OpenTelemetry, off unless told where to.

Without an endpoint every call here does nothing. Names follow OpenTelemetry's conventions (dots,
units in the metadata, no unit in the name); docs/operations.md lists them. No event's text, no
reference and no token is ever an attribute.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager

from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation

from lineseal.consumers.report import StepReport
from lineseal.schemas.errors import MissingExtra
from lineseal.settings import Settings

ENDPOINT_VARIABLES = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
)
SCOPE = "lineseal"
Gauge = Callable[[], Iterable[tuple[float, Mapping[str, str]]]]

_meter = metrics.get_meter(SCOPE)
_tracer = trace.get_tracer(SCOPE)
_batches = _meter.create_counter(
    "lineseal.materialiser.batches", "{batch}", "Batches dealt with, by outcome."
)
_events = _meter.create_counter("lineseal.materialiser.events", "{event}", "Events verified.")
_rejects = _meter.create_counter(
    "lineseal.materialiser.rejects", "{record}", "Records refused, by error code."
)
_commits = _meter.create_histogram(
    "lineseal.materialiser.commit.duration", "s", "Time from BEGIN to COMMIT of one step."
)
_requests = _meter.create_histogram(
    "http.server.request.duration", "s", "Time to answer one question over the API."
)


def configure_telemetry(settings: Settings, service: str) -> Callable[[], None] | None:
    """Export where the environment or ``[telemetry] endpoint`` says; None when neither does.

    Returns:
        What flushes and ends the exports; to be called once, at the end.

    Raises:
        MissingExtra: An endpoint is configured and the exporter is not installed.

    """
    endpoint = settings.telemetry.endpoint
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    if not endpoint and not any(os.environ.get(name) for name in ENDPOINT_VARIABLES):
        return None
    try:
        from lineseal.consumers.otlp import start_exports  # noqa: PLC0415 - an optional extra
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "exporting metrics and traces needs more packages: pip install 'lineseal[otlp]'"
        ) from error
    return start_exports(endpoint, service, float(settings.telemetry.interval_seconds))


def count(report: StepReport) -> None:
    """Count what one step of the materialiser did."""
    _batches.add(report.batches, {"lineseal.outcome": "accepted"})
    _batches.add(report.duplicates, {"lineseal.outcome": "duplicate"})
    _events.add(report.events)
    for code, number in report.rejects.items():
        _rejects.add(number, {"error.type": code})


def commit_duration(seconds: float) -> None:
    """Record how long one commit took."""
    _commits.record(seconds)


def request_duration(seconds: float, query: str, status: int) -> None:
    """Record how long one question took."""
    known = query if query.replace("-", "").isalpha() and len(query) < 40 else "other"
    _requests.record(
        seconds,
        {
            "http.request.method": "POST",
            "http.response.status_code": status,
            "http.route": "/v1/query/{name}",
            "lineseal.query": known if status != 404 else "other",
        },
    )


@contextmanager
def timed(record: Callable[[float], None]) -> Generator[None]:
    """Measure the block in seconds and hand them to *record*, also when it raises."""
    started = time.monotonic()
    try:
        yield
    finally:
        record(time.monotonic() - started)


@contextmanager
def span(name: str, attributes: Mapping[str, str]) -> Generator[None]:
    """Trace what the block does."""
    with _tracer.start_as_current_span(name, attributes=attributes, record_exception=False):
        yield


def observe(name: str, unit: str, description: str, read: Gauge) -> None:
    """Export a value that is read whenever an export is due; a failing read exports nothing."""

    def observations(options: CallbackOptions) -> list[Observation]:
        del options
        return [Observation(value, attributes) for value, attributes in read()]

    _meter.create_observable_gauge(name, [observations], unit, description)
