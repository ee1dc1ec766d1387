"""Measures outbox -> Kafka -> store, and beside it what confluent-kafka takes for the same.

The same sealed batches, the same broker, in turns in one run. ``pip install -e '.[bench]'`` for the
comparison: confluent-kafka is used here, and by tests that find no other broker.

    .venv/bin/python bench/kafka.py [--events 200000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]
sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT / "bench"]

from tests.kafka import jars  # noqa: E402
from tests.kafka.cluster import KafkaCluster  # noqa: E402
from tests.kafka.topic import make_topic  # noqa: E402
from tests.simulator import Pipeline  # noqa: E402

from lineseal.consumers.materialise import Materialiser  # noqa: E402
from lineseal.schemas.codec import encode_event  # noqa: E402
from lineseal.schemas.model import Pair, RunEvent, RunState  # noqa: E402
from lineseal.transport.embedded import EmbeddedLogReader, EmbeddedLogWriter  # noqa: E402
from lineseal.transport.kafka import (  # noqa: E402
    KafkaLogReader,
    KafkaLogWriter,
    KafkaUrl,
    parse_kafka_url,
)
from lineseal.transport.relay import Relay, RelayCursor  # noqa: E402
from lineseal.transport.relay.ship import seconds_from_now, ship_all  # noqa: E402

RESULTS = ROOT / "bench" / "results" / "kafka.md"
PER_BATCH = 512
SECONDS = 600


def fill(folder: Path, events: int) -> tuple[Pipeline, int]:
    """Seal *events* events of some 600 bytes into an outbox; return pipeline and batches."""
    pipeline = Pipeline(folder)
    producer = pipeline.producer("bench")
    body = RunEvent(
        state=RunState.RUNNING,
        parameters=tuple(Pair(key=f"parameter-{n}", value="x" * 60) for n in range(5)),
    )
    outbox = EmbeddedLogWriter(folder / "log" / "events", "bench")
    batches = -(-events // PER_BATCH)
    for number in range(batches):
        size = min(PER_BATCH, events - number * PER_BATCH)
        encoded = [encode_event(producer.event(body, run_id=f"{number}")) for _ in range(size)]
        outbox.append("bench", producer.seal(*encoded))
        if number % 50 == 0:
            print(f"\rsealing {number}/{batches}", end="", file=sys.stderr, flush=True)
    outbox.close()
    print(file=sys.stderr)
    return pipeline, batches


def relay(url: KafkaUrl, folder: Path) -> None:
    """Ship everything with our relay."""
    with contextlib.ExitStack() as stack:
        writer = stack.enter_context(contextlib.closing(KafkaLogWriter(url)))
        reader = stack.enter_context(
            contextlib.closing(EmbeddedLogReader(folder / "log" / "events"))
        )
        cursor = stack.enter_context(contextlib.closing(RelayCursor.open(folder / "log")))
        cursor.forget()
        ship_all(Relay(reader, writer, cursor), seconds_from_now(SECONDS))


def produce_with_confluent(url: KafkaUrl, folder: Path, library: Any) -> None:
    """Send the same batches with the same promises: all in-sync replicas, one request at a time."""
    settings = {
        "bootstrap.servers": ",".join(url.servers),
        "acks": "all",
        "enable.idempotence": False,
        "max.in.flight.requests.per.connection": 1,
        "message.max.bytes": 1 << 21,
        "queue.buffering.max.kbytes": 1 << 20,
    }
    producer = library.Producer(settings)
    reader = EmbeddedLogReader(folder / "log" / "events")
    while records := reader.poll(1000, 0.0):
        for record in records:
            producer.produce(url.topic("events"), record.value, key=record.key)
            producer.poll(0)
        producer.flush(SECONDS)


def read(url: KafkaUrl, batches: int) -> None:
    """Read all records with our reader."""
    with contextlib.closing(KafkaLogReader(url)) as reader:
        count = 0
        while count < batches:
            count += len(reader.poll(512, 5.0))


def read_with_confluent(url: KafkaUrl, batches: int, library: Any) -> None:
    """Read all records with confluent-kafka, assigned and sought."""
    consumer = library.Consumer(
        {
            "bootstrap.servers": ",".join(url.servers),
            "group.id": "bench",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
        }
    )
    consumer.assign([library.TopicPartition(url.topic("events"), 0, 0)])
    count = 0
    while count < batches:
        count += len(consumer.consume(512, 0.05))  # it waits for all 512
    consumer.close()


def materialise(url: KafkaUrl, pipeline: Pipeline) -> None:
    """Materialise the topic into a new store."""
    pipeline.store_path = pipeline.folder / f"store-{time.monotonic_ns()}" / "lineseal.duckdb"
    with (
        pipeline.open_store() as store,
        contextlib.closing(KafkaLogReader(url)) as reader,
    ):
        materialiser = Materialiser(
            store, reader, pipeline.keyring, pipeline.deployment, pipeline.clock
        )
        while not (report := materialiser.step()).idle:
            if report.rejected:
                raise SystemExit(f"rejected: {report.rejects}")


def timed(action: Callable[[], None]) -> float:
    """Return the seconds that *action* takes."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def rounds(
    bootstrap: str, folder: Path, pipeline: Pipeline, batches: int, options: argparse.Namespace
) -> dict[str, list[float]]:
    """Do everything so often, each round into topics of its own; return seconds by step."""
    library: Any = None
    with contextlib.suppress(ModuleNotFoundError):
        library = importlib.import_module("confluent_kafka")
    took: dict[str, list[float]] = {}
    for number in range(options.rounds):
        ours = parse_kafka_url(f"kafka://{bootstrap}/ours-{number}", folder)
        theirs = parse_kafka_url(f"kafka://{bootstrap}/theirs-{number}", folder)
        steps: list[tuple[str, Callable[[], None]]] = [
            ("outbox -> Kafka, relay (kafka-python)", lambda url=ours: relay(url, folder)),
            ("Kafka -> memory (kafka-python)", lambda url=ours: read(url, batches)),
            ("Kafka -> store, verified", lambda url=ours: materialise(url, pipeline)),
        ]
        make_topic(ours)
        if library is not None:
            make_topic(theirs)
            steps += [
                (
                    "outbox -> Kafka (confluent-kafka)",
                    lambda url=theirs: produce_with_confluent(url, folder, library),
                ),
                (
                    "Kafka -> memory (confluent-kafka)",
                    lambda url=theirs: read_with_confluent(url, batches, library),
                ),
            ]
        for name, action in steps:
            took.setdefault(name, []).append(timed(action))
            print(f"{number + 1}. {name}: {took[name][-1]:.2f} s", file=sys.stderr, flush=True)
    return took


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pipeline, batches = fill(folder, options.events)
        size = sum(path.stat().st_size for path in (folder / "log" / "events").iterdir())
        with KafkaCluster(jars.classpath(), folder / "kafka") as cluster:
            took = rounds(cluster.bootstrap, folder, pipeline, batches, options)
    write(took, batches, size, options)
    print(options.output.read_text("utf-8"))


def write(
    took: dict[str, list[float]], batches: int, size: int, options: argparse.Namespace
) -> None:
    """Write the page."""
    head = (
        f"Machine: {os.cpu_count()} cores, Python {sys.version.split()[0]}, Apache Kafka"
        f" {jars.kafka_version()} (one broker, same machine), load {os.getloadavg()[0]:.1f} at the"
        f" end. {options.events} events in {batches} batches, {size / 1e6:.0f} MB in the outbox;"
        f" median of {options.rounds} rounds, each step in turn in every round."
    )
    command = " ".join(["kafka.py", *sys.argv[1:]])
    lines = ["# Outbox to Kafka to store", "", f"Command: `.venv/bin/python bench/{command}`", ""]
    lines += [head, "", "| step | seconds (all rounds) | events/s | MB/s |", "|---" * 4 + "|"]
    lines += [
        f"| {name} | {_all(seconds)} | {options.events / median(seconds):,.0f}"
        f" | {size / 1e6 / median(seconds):.0f} |"
        for name, seconds in took.items()
    ]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text("\n".join(lines) + "\n", "utf-8")


def _all(seconds: Sequence[float]) -> str:
    return ", ".join(f"{each:.2f}" for each in seconds)


if __name__ == "__main__":
    main()
