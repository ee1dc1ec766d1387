"""``lineseal up`` runs every service until it is told to stop.

What is promised: it is ready when all are; what comes into the log gets into the store; SIGTERM
ends it in order with status 0, also while somebody asks; a wrong configuration is status 2;
metrics and traces go to a collector when one is named. Source: DESIGN 8; docs/operations.md.
"""

from __future__ import annotations

import json
import signal
import threading
import time

import pytest
from tests.integration.service.collector import collector
from tests.integration.service.kit import PATIENCE_SECONDS, Service, emit, lineseal, runs

from lineseal.settings import Home


def wait_for(home: Home, expected: set[str]) -> None:
    """Wait until the command line finds these runs."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while runs(home) != expected:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_materialises_what_comes_and_stops_in_order(home: Home, number: int) -> None:
    """Also while a long statement runs, which is ended."""
    with Service(home, "up") as service:
        service.wait_until_it_answers("/ready")
        emit(home, "run-2")
        wait_for(home, {"run-1", "run-2"})
        states = {each["name"]: each["state"] for each in service.get("/ready")[1]["services"]}
        long = "SELECT count(*) FROM range(100000000000000)"
        asking = threading.Thread(target=lineseal, args=(home, "sql", long, "--timeout", "30"))
        asking.start()
        time.sleep(1.0)
        status = service.stop(number)
        asking.join()

    assert (states["api"], states["materialiser"], states["relay"]) == ("ready", "ready", "idle")
    assert status == 0
    events = service.events()
    assert [events[0]["event"], events[-1]["event"]] == ["starting", "stopped"]
    assert not [line for line in events if line["level"] == "error"]
    assert not service.socket.exists()
    assert runs(home) == {"run-1", "run-2"}


def test_it_is_not_ready_without_the_store_and_gets_there(home: Home) -> None:
    """A store that another process holds is waited for, and the reason is told."""
    with Service(home, "materialise", "--follow") as holder:
        holder.wait_until_it_answers()
        with Service(home, "up", "--only", "materialiser") as service:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not any('"STORE_BUSY"' in line for line in service.lines):
                assert time.monotonic() < deadline, service.lines
                time.sleep(0.05)
            holder.process.kill()
            holder.process.wait()
            emit(home, "run-2")
            while not any('"materialised"' in line for line in service.lines):
                assert time.monotonic() < deadline, service.lines
                time.sleep(0.05)
            assert service.stop() == 0
    assert runs(home) == {"run-1", "run-2"}


def test_a_wrong_configuration_ends_it_at_once(home: Home) -> None:
    """With the sentence that any command would say, and its status."""
    done = lineseal(home, "up", LINESEAL_LOG__URL="nonsense")

    assert done.returncode == 2
    assert "[log] url must be" in done.stderr
    unknown = lineseal(home, "up", "--only", "nobody")
    assert (unknown.returncode, "there is no service 'nobody'" in unknown.stderr) == (2, True)


def test_the_services_are_listed(home: Home) -> None:
    """For people and for programs, with what they do."""
    rows = json.loads(lineseal(home, "up", "--list", "--json").stdout)["rows"]

    assert {"api", "materialiser", "relay"} <= {row["name"] for row in rows}
    assert all(row["summary"] for row in rows)


def test_metrics_and_traces_go_to_the_collector_that_is_named(home: Home) -> None:
    """The last numbers too, on the way out; uncompressed protobuf holds names as text."""
    with collector() as (endpoint, received):
        extra = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "LINESEAL_TELEMETRY__INTERVAL_SECONDS": "1",
        }
        with Service(home, "up", **extra) as service:
            service.wait_until_it_answers("/ready")
            emit(home, "run-2")
            wait_for(home, {"run-1", "run-2"})
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not any(b"lineseal.consumer.lag" in body for _, body in list(received)):
                assert time.monotonic() < deadline, service.lines
                time.sleep(0.1)
            assert service.stop() == 0
    everything = b"".join(body for path, body in received if path == "/v1/metrics")

    for name in ("materialiser.batches", "materialiser.events", "materialiser.commit.duration"):
        assert f"lineseal.{name}".encode() in everything
    for name in ("consumer.lag", "store.size", "outbox.pending", "service.restarts"):
        assert f"lineseal.{name}".encode() in everything
    assert [path for path, _ in received if path == "/v1/traces"]
    assert b"run-2" not in everything
