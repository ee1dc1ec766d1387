"""Sends metrics and traces over OTLP/HTTP; imported only when an endpoint is configured.

The exporters read the standard ``OTEL_`` variables themselves; they win over our setting.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import version

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

_FLUSH_MILLISECONDS = 2_000
"""A collector that is away must not hold up an orderly stop."""


def start_exports(endpoint: str, service: str, interval: float) -> Callable[[], None]:
    """Start both exports; the result ends them."""
    if endpoint:
        os.environ.setdefault("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    resource = Resource.create({"service.name": service, "service.version": version("lineseal")})
    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(), export_interval_millis=interval * 1000
    )
    meters = MeterProvider(metric_readers=[reader], resource=resource, shutdown_on_exit=False)
    spans = TracerProvider(resource=resource, shutdown_on_exit=False)
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    metrics.set_meter_provider(meters)
    trace.set_tracer_provider(spans)

    def end() -> None:
        meters.shutdown(timeout_millis=_FLUSH_MILLISECONDS)
        spans.force_flush(_FLUSH_MILLISECONDS)
        spans.shutdown()

    return end
