"""Measure how many records a second each sink gets confirmed, and how soon after a commit.

Fills a feed, ships it, and counts only what the receiver confirmed: a file (synced), a real
rsyslog over TLS and RELP where it is installed, a real Kafka, and the tests' HTTP receiver for
Splunk, Elastic and OTLP (so those rows measure our side, not theirs). The latency is from the end
of the commit to the line in the file, with the forwarder of ``lineseal forward`` running.
Budgets: DESIGN 12.

    .venv/bin/python bench/forward.py [--records N] [--commits N]
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

ROOT = Path(__file__).resolve().parents[1]
# Not this folder: the kafka.py here is no client.
sys.path[0] = str(ROOT)

from tests.kafka import jars  # noqa: E402
from tests.kafka.certificates import Authority  # noqa: E402
from tests.kafka.cluster import KafkaCluster  # noqa: E402
from tests.kafka.topic import make_topic  # noqa: E402
from tests.siem.receiver import Receiver  # noqa: E402
from tests.siem.rsyslog import Rsyslog  # noqa: E402
from tests.siem.world import World  # noqa: E402
from tests.simulator import Pipeline, human  # noqa: E402

from lineseal.consumers.forward.feed import Feed  # noqa: E402
from lineseal.consumers.forward.forwarder import Forwarder, ForwarderOptions  # noqa: E402
from lineseal.consumers.logs import get_logger  # noqa: E402
from lineseal.consumers.sinks.file import FileSink  # noqa: E402
from lineseal.queries.database import open_store  # noqa: E402
from lineseal.schemas.model import Override, Subject  # noqa: E402
from lineseal.transport.kafka import parse_kafka_url  # noqa: E402

RESULT = Path(__file__).parent / "results" / "forward.md"
SINKS = ("file", "splunk-hec", "elastic", "otlp", "syslog+relp", "syslog+tls", "kafka")
_LANDED_SECONDS = 30.0


def main() -> None:
    """Run all and write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=20_000, help="records shipped to each sink")
    parser.add_argument("--commits", type=int, default=50, help="commits whose latency is taken")
    arguments = parser.parse_args()
    rows = list(rates(arguments.records))
    latencies = sorted(commit_to_line(arguments.commits))
    write(arguments, rows, latencies)


def rates(records: int) -> Iterator[tuple[str, float]]:
    """Yield each sink with the records it got confirmed in a second."""
    for name in SINKS:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            try:
                settings = receiver(name, folder, stack)
            except pytest.skip.Exception as error:
                print(f"{name}: left out: {error}")
                continue
            world = World(folder, records, kind=name, **settings)
            started = time.perf_counter()
            world.drain(records)
            seconds = time.perf_counter() - started
            if world.state.confirmed != records:
                sys.exit(f"{name} confirmed {world.state.confirmed} of {records}")
            world.close()
        print(f"{name}: {records / seconds:,.0f} records/s confirmed")
        yield name, records / seconds


def receiver(name: str, folder: Path, stack: ExitStack) -> dict[str, Any]:
    """Start a receiver and return the settings of a sink that it lets in."""
    if name == "file":
        return {}
    if name == "kafka":
        cluster = stack.enter_context(KafkaCluster(jars.classpath(), folder / "broker"))
        url = f"kafka://{cluster.bootstrap}"
        make_topic(parse_kafka_url(url, folder), "siem")
        return {"url": url}
    if not name.startswith("syslog"):
        (folder / "token").write_text("token")
        return {"url": stack.enter_context(Receiver()).url, "token": "file:token"}
    authority = Authority(folder, "ca")
    client = authority.issue("client")
    server = Rsyslog("relp" if name == "syslog+relp" else "ossl", folder, authority)
    stack.enter_context(server)
    return {
        "url": server.url,
        "ca_file": str(authority.file),
        "cert_file": str(client.certificate),
        "key_file": str(client.key),
    }


def commit_to_line(commits: int) -> Iterator[float]:
    """Yield for each commit the seconds until its decision stands in the file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = threading.Lock()
        pipeline = Pipeline(folder)
        alice = pipeline.person("alice")
        feed, path = Feed(folder / "forward.sqlite"), folder / "out.jsonl"
        options = ForwarderOptions(
            deployment=pipeline.deployment,
            open_store=lambda: reading(pipeline.store_path, one),
            log=get_logger(),
        )
        forwarder = Forwarder(feed, {"file": FileSink(path)}, options)
        stop = threading.Event()
        thread = threading.Thread(target=forwarder.run, args=(stop, lambda: None))
        pipeline.materialise()
        thread.start()
        for number in range(commits):
            body = Override(
                target=Subject(type="policy", name=f"p{number}"),
                before="a",
                after="b",
                made_by="alice",
                reason="bench",
            )
            event = alice.emit(body, actor=human("alice"))
            with one:
                pipeline.materialise()
            yield seconds_until(path, event.event_id)
        stop.set()
        thread.join()
        forwarder.close()
        feed.close()


@contextmanager
def reading(path: Path, one: threading.Lock) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the store while nobody writes it: within one process DuckDB allows either."""
    with one, open_store(path) as connection:
        yield connection


def seconds_until(path: Path, text: str) -> float:
    """Return how long it takes until *text* stands in the file."""
    started = time.perf_counter()
    while not path.exists() or text not in path.read_text("utf-8"):
        if time.perf_counter() - started > _LANDED_SECONDS:
            raise TimeoutError(f"{text} did not arrive")
        time.sleep(0.005)
    return time.perf_counter() - started


def write(
    arguments: argparse.Namespace, rows: list[tuple[str, float]], latencies: list[float]
) -> None:
    """Print the results and keep them."""
    middle = statistics.median(latencies) * 1000
    late = latencies[int(len(latencies) * 0.95)] * 1000
    text = "\n".join(
        [
            "# Forwarder: records confirmed, and latency",
            "",
            f"`bench/forward.py --records {arguments.records} --commits {arguments.commits}`",
            f"on {platform.machine()}, Python {platform.python_version()}.",
            "",
            "| sink | records/s confirmed |",
            "|---|---|",
            *(f"| `{name}` | {rate:,.0f} |" for name, rate in rows),
            "",
            (
                f"Commit to line in the file, {len(latencies)} commits: median {middle:,.0f} ms,"
                f" 95th percentile {late:,.0f} ms."
            ),
            "",
        ]
    )
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text, "utf-8")
    print(text)


if __name__ == "__main__":
    main()
