"""What OpenLineage clients write to a topic of Kafka is taken as over HTTP, each event once.

What is promised: the official client's Kafka transport works unchanged; a reader that is killed at
any moment loses nothing and doubles nothing; what is no event goes to the rejects, with its place
in the topic, and so does what Kafka no longer has; a topic made anew is read from its start; events
of many megabytes come through. Source: docs/openlineage.md.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka.admin import NewTopic
from kafka.structs import TopicPartition
from tests.integration.kafka.kit import Kit
from tests.openlineage.events import data, run_event, run_id, without
from tests.openlineage.gateway import lineseal, receiving_home, stored

from lineseal.producers.adapters.gateway.console import PlainLog
from lineseal.producers.adapters.gateway.service import gateway_topic
from lineseal.producers.adapters.gateway.topic import TopicIntake
from lineseal.services import ServiceContext, Shared
from lineseal.settings import Home, Settings, load_settings
from lineseal.transport.base import REJECTS_TOPIC
from lineseal.transport.open import open_reader

CLIENT = """
import sys
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import *
client = OpenLineageClient()
for state in (RunState.START, RunState.COMPLETE):
    client.emit(RunEvent(
        eventType=state, eventTime="2026-01-01T10:00:00Z", run=Run(sys.argv[1]),
        job=Job("ns", "client"),
        inputs=[InputDataset("s3://lake", "a")], outputs=[OutputDataset("s3://lake", "b")],
    ))
client.close()
"""
LARGEST = 32 * 1024 * 1024


class RawTopic:
    """A topic that others write plain JSON to."""

    def __init__(self, kit: Kit, home: Path) -> None:
        """Make it, with two partitions and room for large records."""
        self.kit, self.home = kit, home
        self.name = f"{kit.url().prefix}.openlineage"
        self.admin: Any = kit.cluster().admin
        self.make()
        self.servers = ",".join(kit.url().servers)
        self.url = f"kafka://{self.servers}/{self.name}"

    def make(self) -> None:
        """Create it."""
        configs = {"max.message.bytes": str(LARGEST)}
        topic = NewTopic(self.name, num_partitions=2, replication_factor=1, topic_configs=configs)
        self.admin.create_topics([topic], timeout_ms=30_000)
        self.admin.wait_for_topics([self.name], timeout_ms=30_000)

    def write(self, *texts: Any, partition: int = 0) -> None:
        """Write values (JSON, or bytes as they are)."""
        producer = self.kit.foreign_producer(max_request_size=LARGEST)
        for text in texts:
            value = text if isinstance(text, bytes) else json.dumps(text).encode()
            producer.send(self.name, value, partition=partition)
        producer.flush(60)
        producer.close()

    def settings(self) -> Settings:
        """Return the home's settings with this topic."""
        os.environ["LINESEAL_GATEWAY__TOPIC"] = self.url
        return load_settings(Home(self.home))

    def take(self) -> dict[str, int]:
        """Read to the end, and count."""
        with TopicIntake(Home(self.home), self.settings(), PlainLog()) as intake:
            while intake.step(1.0):
                pass
            return dict(intake.counts)

    def rejected(self) -> list[tuple[str, int | None, str, bytes]]:
        """Return stream, position, reason and text of what was refused."""
        home = Home(self.home)
        reader = open_reader(load_settings(home).log.url, home, topic=REJECTS_TOPIC)
        found: list[tuple[str, int | None, str, bytes]] = []
        for record in reader.poll(100, 1.0):
            head, _, text = record.value.partition(b"\n")
            said = json.loads(head)
            found.append((said["stream"], said["position"], said["detail"], text))
        reader.close()
        return found


@pytest.fixture
def topic(real_kit: Kit, tmp_path: Path) -> Iterator[RawTopic]:
    """Give a topic, and a home that receives."""
    made = RawTopic(real_kit, receiving_home(tmp_path / "home"))
    yield made
    made.admin.delete_topics([made.name])


def test_the_official_client_writes_to_a_topic_we_read(topic: RawTopic) -> None:
    """Unchanged, configured by its environment alone; read twice it is taken once."""
    environment = {
        "OPENLINEAGE__TRANSPORT__TYPE": "kafka",
        "OPENLINEAGE__TRANSPORT__TOPIC": topic.name,
        "OPENLINEAGE__TRANSPORT__CONFIG": json.dumps({"bootstrap.servers": topic.servers}),
    }
    subprocess.run([sys.executable, "-c", CLIENT, run_id(1)], env=environment, check=True)

    printed = lineseal(topic.home, "gateway", "follow", topic.url, "--once", "--json")
    again = lineseal(topic.home, "gateway", "follow", topic.url, "--once", "--json")

    assert json.loads(printed)["rows"] == [{"recorded": 2, "repeated": 0, "refused": 0}]
    assert json.loads(again)["rows"] == [{"recorded": 0, "repeated": 0, "refused": 0}]
    rows = stored(
        topic.home,
        "SELECT state, event.origin AS origin, producer, actor_id FROM event"
        " JOIN run_event USING (event_id, producer, run_id) ORDER BY ALL",
    )
    said = {"origin": "gateway", "producer": "gateway", "actor_id": f"kafka:{topic.name}"}
    assert rows == [{"state": state, **said} for state in ("COMPLETE", "START")]


def test_a_reader_that_is_killed_loses_and_doubles_nothing(topic: RawTopic) -> None:
    """At random moments, again and again; what it comes across twice is recognised."""
    events = [run_event(number, inputs=[data("a")]) for number in range(1, 1501)]
    topic.write(*events[::2], partition=0)
    topic.write(*events[1::2], partition=1)
    rng = random.Random(7)  # noqa: S311 - a reproducible choice
    command = [sys.executable, "-m", "lineseal.commandline", "--home", str(topic.home)]
    for _ in range(4):
        reader = subprocess.Popen([*command, "gateway", "follow", topic.url])
        time.sleep(rng.uniform(0.8, 2.0))
        reader.kill()
        reader.wait()

    counts = topic.take()

    assert counts["refused"] == 0
    (row,) = stored(
        topic.home,
        "SELECT count(DISTINCT run_id) AS runs, count(DISTINCT event_id) AS ids FROM event"
        " WHERE body = 'run'",
    )
    assert row == {"runs": 1500, "ids": 1500}


def test_what_is_no_event_is_kept_with_its_place(topic: RawTopic) -> None:
    """And what stands before and behind it is taken, arrays of events too."""
    good = run_event(1, inputs=[data("a")])
    bad = without(run_event(2), "eventTime")
    topic.write(good, b"{broken", b"", bad, [run_event(3), 7], b'{"a":' * 100_000)

    counts = topic.take()

    assert counts == {"recorded": 2, "repeated": 0, "refused": 5}
    rejected = topic.rejected()
    assert {stream for stream, *_ in rejected} == {f"{topic.name}/0"}
    assert [position for _, position, *_ in rejected] == [1, 2, 3, 4, 5]
    assert [text for *_, text in rejected][:3] == [b"{broken", b"", json.dumps(bad).encode()]


def test_the_topic_speaks_for_its_own_names_alone(topic: RawTopic) -> None:
    """Whoever may write to it cannot pretend to be every job."""
    os.environ["LINESEAL_GATEWAY__TOPIC_NAMESPACES"] = "airflow-*"
    topic.write(run_event(1), {**run_event(2), "job": {"namespace": "airflow-prod", "name": "x"}})

    assert topic.take() == {"recorded": 1, "repeated": 0, "refused": 1}
    assert "may not speak for jobs" in topic.rejected()[0][2]


def test_records_that_kafka_deleted_are_told(topic: RawTopic) -> None:
    """As one reject that says which; reading goes on behind them."""
    topic.write(run_event(1))
    topic.take()
    topic.write(*(run_event(number) for number in range(2, 8)))
    topic.admin.delete_records({TopicPartition(topic.name, 0): 4})

    counts = topic.take()

    assert counts == {"recorded": 3, "repeated": 0, "refused": 1}
    ((stream, position, reason, text),) = topic.rejected()
    assert (stream, position, text) == (f"{topic.name}/0", 1, b"")
    assert "records 1 to 3" in reason


def test_a_topic_made_anew_is_read_from_its_start(topic: RawTopic) -> None:
    """Its positions count from 0 again; what comes a second time is recognised."""
    topic.write(run_event(1), run_event(2))
    topic.take()
    topic.admin.delete_topics([topic.name])
    deadline = time.monotonic() + 30
    while topic.kit.cluster().exists(topic.name) and time.monotonic() < deadline:
        time.sleep(0.1)
    topic.make()
    topic.write(run_event(2), run_event(3))

    assert topic.take() == {"recorded": 1, "repeated": 1, "refused": 0}


def test_an_event_of_many_megabytes_comes_through(topic: RawTopic) -> None:
    """Spark's plans are that large; over the gateway's own limit it is refused, and passed by."""
    os.environ["LINESEAL_GATEWAY__MAX_EVENT_BYTES"] = str(24 * 1024 * 1024)
    plan = {"spark.logicalPlan": {"plan": "x" * 23_000_000}}
    too_large = {"spark.logicalPlan": {"plan": "x" * 27_000_000}}
    topic.write(run_event(1, run_facets=plan), run_event(2, run_facets=too_large), run_event(3))

    assert topic.take() == {"recorded": 2, "repeated": 0, "refused": 1}


def test_the_service_takes_what_comes_and_stops_when_told(topic: RawTopic) -> None:
    """As a part of 'lineseal up'; without a topic it has nothing to do."""
    stop, ready = threading.Event(), threading.Event()

    def context(settings: Settings) -> ServiceContext:
        return ServiceContext(
            name="gateway-topic",
            home=Home(topic.home),
            settings=settings,
            stop=stop,
            ready=ready.set,
            log=PlainLog(),
            shared=Shared(),
        )

    gateway_topic(context(load_settings(Home(topic.home))))
    assert not ready.is_set()

    running = threading.Thread(target=gateway_topic, args=(context(topic.settings()),))
    running.start()
    topic.write(run_event(1))
    deadline = time.monotonic() + 60
    while not stored(topic.home, "SELECT 1 FROM run_event") and time.monotonic() < deadline:
        time.sleep(0.1)
    stop.set()
    running.join(10)

    assert ready.is_set()
    assert not running.is_alive()
    assert len(stored(topic.home, "SELECT 1 FROM run_event")) == 1
