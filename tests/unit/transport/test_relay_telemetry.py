"""Relays are counted where OpenTelemetry is set up, and cost a look-up where it is not.

What is promised: names, units and values as in docs/operations.md; no OpenTelemetry is imported by
us; what cannot be read is left out. Evidence: the real SDK with a reader in memory.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from tests.simulator import Pipeline

from lineseal.schemas.ids import now_us
from lineseal.schemas.model import RunEvent, RunState
from lineseal.transport.embedded import EmbeddedLogWriter
from lineseal.transport.relay import RelayCursor, telemetry
from lineseal.transport.relay.backlog import Backlog, backlog_of

RUNNING = RunEvent(state=RunState.RUNNING)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    """Set up an SDK of the test's own: the global one can be set only once."""
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader], shutdown_on_exit=False)
    api = SimpleNamespace(get_meter=provider.get_meter, Observation=metrics.Observation)
    monkeypatch.setitem(sys.modules, "opentelemetry.metrics", api)
    monkeypatch.setattr(telemetry, "_counters", {})
    monkeypatch.setattr(telemetry, "_outboxes", set[Path]())
    yield reader
    provider.shutdown()


def exported(reader: InMemoryMetricReader) -> dict[str, list[tuple[float, dict[str, Any]]]]:
    """Return each metric's values with their attributes."""
    data: Any = reader.get_metrics_data()  # typed as any kind of metric
    if data is None:
        return {}
    return {
        metric.name: [(point.value, dict(point.attributes)) for point in metric.data.data_points]
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def outboxes(home: Path, batches: int) -> Path:
    """Make a file with *batches* sealed batches; the oldest is of the simulation's first second."""
    producer = Pipeline(home / "keys").producer("trainer")
    folder = home / "log" / "events"
    with closing(EmbeddedLogWriter(folder, "trainer")) as outbox:
        for _ in range(batches):
            outbox.append("trainer", producer.send(producer.event(RUNNING, run_id="r")))
    return folder


def test_what_a_relay_does_is_counted(reader: InMemoryMetricReader) -> None:
    """Failures by code."""
    telemetry.count(telemetry.BATCHES, 3)
    telemetry.count(telemetry.BATCHES, 4)
    telemetry.count(telemetry.FAILURES, 1, {"error.type": "LOG_UNREACHABLE"})
    telemetry.count(telemetry.REBUILDS, 0)

    assert exported(reader) == {
        "lineseal.relay.batches": [(7, {})],
        "lineseal.relay.failures": [(1, {"error.type": "LOG_UNREACHABLE"})],
    }


def test_what_waits_is_exported_as_it_is_then(reader: InMemoryMetricReader, tmp_path: Path) -> None:
    """Depth and age fall when the relay has shipped."""
    folder = outboxes(tmp_path, 5)
    telemetry.observe_backlog(folder)
    telemetry.observe_backlog(folder)
    before = exported(reader)
    (name,) = (path.name for path in folder.glob("*.sqlite"))
    with closing(RelayCursor.open(folder.parent)) as cursor:
        cursor.advance({name: 5})
    after = exported(reader)

    assert before["lineseal.outbox.depth"] == [(5, {})]
    assert before["lineseal.outbox.unshipped.age"][0][0] > 0
    assert after["lineseal.outbox.depth"] == [(0, {})]
    assert after["lineseal.outbox.unshipped.age"] == [(0.0, {})]


def test_a_cursor_that_cannot_be_read_exports_nothing(
    reader: InMemoryMetricReader, tmp_path: Path
) -> None:
    """A wrong number would be worse."""
    folder = outboxes(tmp_path, 1)
    (folder.parent / "relay.json").write_text("{", "utf-8")
    telemetry.observe_backlog(folder)

    assert "lineseal.outbox.depth" not in exported(reader)


def test_the_backlog_is_counted_from_what_was_acknowledged(tmp_path: Path) -> None:
    """With the age of the first that was not."""
    folder = outboxes(tmp_path, 4)
    (name,) = (path.name for path in folder.glob("*.sqlite"))
    with closing(RelayCursor.open(folder.parent)) as cursor:
        cursor.advance({name: 3})
    found = backlog_of(folder)

    assert found.batches == 1
    assert 0 < found.seconds <= now_us() / 1e6
    assert backlog_of(tmp_path / "nothing" / "events") == Backlog()


def test_nothing_is_imported_for_it() -> None:
    """A job without OpenTelemetry stays without."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from lineseal.transport.relay import telemetry\n"
        "telemetry.count(telemetry.BATCHES, 1)\n"
        "telemetry.observe_backlog(Path('x'))\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
