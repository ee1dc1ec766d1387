"""The gateway counts where the process has set OpenTelemetry up, and costs nothing elsewhere."""

from __future__ import annotations

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from lineseal.producers.adapters.gateway import telemetry


def test_what_is_counted_is_exported_by_outcome_and_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each metric under its name, with the attributes that docs/operations.md lists."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)
    monkeypatch.setattr(telemetry, "_made", {})

    telemetry.count(telemetry.EVENTS, 2, {"lineseal.outcome": "recorded"})
    telemetry.count(telemetry.REFUSED, 1, {"error.type": "FORBIDDEN"})
    telemetry.measure(telemetry.REQUESTS, 0.25, {"http.response.status_code": 201})

    data = reader.get_metrics_data()
    provider.shutdown()
    assert data is not None
    found = {
        metric.name: (metric.unit, dict(metric.data.data_points[0].attributes or {}))
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert found == {
        "lineseal.gateway.events": ("{event}", {"lineseal.outcome": "recorded"}),
        "lineseal.gateway.refused": ("{event}", {"error.type": "FORBIDDEN"}),
        "lineseal.gateway.request.duration": ("s", {"http.response.status_code": 201}),
    }
