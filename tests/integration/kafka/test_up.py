"""``lineseal up`` with its log in Kafka: relay, materialiser, doctor, metrics, what is unread.

What is promised: what a job emitted gets into the store with no other process; metrics name what
the relay did, what waits and the lag of each partition; SIGTERM ends it in order. Source: DESIGN 8;
docs/operations.md.
"""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.integration.kafka.kit import PATIENCE_SECONDS, Kit
from tests.integration.kafka.site import Site
from tests.integration.service.collector import collector
from tests.integration.service.kit import Service

ROOT = Path(__file__).resolve().parents[3]
NAMES = (
    "lineseal.relay.batches",
    "lineseal.outbox.depth",
    "lineseal.outbox.unshipped.age",
    "lineseal.consumer.lag",
)


@pytest.fixture
def site(real_kit: Kit, tmp_path: Path) -> Site:
    """Give a home on the real broker, with all topics made."""
    site = Site(tmp_path / "site", real_kit.text)
    site.run("topics", "create", "--replicas", "1")
    return site


def emit(site: Site, version: int) -> None:
    """Emit one event and end the epoch: two batches."""
    site.run("emit", "registration", "--subject", f"dataset:lake/t@{version}", "--owner", "data")


def events(site: Site) -> int:
    """Ask how many events the store holds."""
    answer = json.loads(site.run("sql", "SELECT count(*) n FROM event", "--json").stdout)
    return int(answer["rows"][0]["n"])


def checks(site: Site) -> dict[str, dict[str, Any]]:
    """Return what doctor found, by name."""
    done = site.run("doctor", "--json")
    return {row["name"]: row for row in json.loads(done.stdout)["rows"]}


def test_everything_runs_in_one_process(site: Site) -> None:
    """And says in numbers what it does; doctor and the health check of compose.yaml agree."""
    with collector() as (endpoint, received):
        extra = {
            **site.environment,
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "LINESEAL_TELEMETRY__INTERVAL_SECONDS": "1",
        }
        with Service(site.home, "up", **extra) as service:
            service.wait_until_it_answers("/ready")
            emit(site, 1)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while events(site) != 1:
                assert time.monotonic() < deadline, service.lines
                time.sleep(0.2)
            health = compose_health_check(site)
            found = checks(site)
            stream = f"{site.environment['LINESEAL_LOG__URL'].rpartition('/')[2]}.events/"
            wanted = [name.encode() for name in (*NAMES, stream)]
            while not all(any(name in body for _, body in list(received)) for name in wanted):
                assert time.monotonic() < deadline, wanted
                time.sleep(0.2)
            status = service.stop()

    assert (status, health) == (0, 0)
    assert not [line for line in service.events() if line["level"] == "error"]
    topics = [name for name in found if name.startswith("topic ")]
    assert len(topics) == 5
    assert found["positions"]["found"] == "the store has all that is in the log"
    assert {each["outcome"] for each in found.values()} <= {"ok", "warn"}


def test_status_says_what_only_the_broker_has(site: Site) -> None:
    """After a question to the broker; with all read it says nothing."""
    emit(site, 1)
    site.run("relay", "--once")
    site.run("materialise")
    nothing = json.loads(site.run("status", "--json").stdout)
    emit(site, 2)
    site.run("relay", "--once")
    something = json.loads(site.run("status", "--json").stdout)
    found = checks(site)

    assert nothing["warnings"] == []
    (said,) = something["warnings"]
    assert "1 batch in the log is not in the store yet" in said
    assert found["positions"]["outcome"] == "warn"


def test_a_broker_that_is_away_delays_no_question(site: Site) -> None:
    """``status`` asks for two seconds and says that it does not know; the others do not ask."""
    emit(site, 1)
    site.run("relay", "--once")
    site.run("materialise")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        site.environment["LINESEAL_LOG__URL"] = f"kafka://127.0.0.1:{port}/lineseal"
        asked = json.loads(site.run("status", "--json").stdout)
        trace = json.loads(site.run("trace", "dataset:lake/t@1", "--json").stdout)

    assert any("is not known" in each for each in asked["warnings"])
    assert trace["warnings"] == []


def compose_health_check(site: Site) -> int:
    """Run what compose.yaml asks the service with, and return its status."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    test = services["lineseal"]["healthcheck"]["test"]
    assert test[:3] == ["CMD", "python", "-c"]
    with site.job(test[3]) as done:
        done.communicate(timeout=PATIENCE_SECONDS)
    return done.returncode
