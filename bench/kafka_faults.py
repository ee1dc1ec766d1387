"""Says what faults of broker, relay and materialiser cost a job, and whether they lose anything.

Real processes: Apache Kafka (tests/kafka), a job that emits, ``lineseal relay``, ``lineseal
materialise --follow``. Each case mistreats one of them while the job emits, lets everything come to
rest, and compares what ``emit`` accepted with what the store holds. Turn about with each emit the
job emits into a home whose broker is up, and commits to a bare table (``kafka_job.py``).

    .venv/bin/python bench/kafka_faults.py [--seconds 10] [--kills 20] [--standstills 5 60]

The page is written after each case, so that a run that was cut short still says what it measured.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# This folder last: its kafka.py would stand in for the client.
HERE = ROOT / "bench"
others = (each for each in sys.path if Path(each or ".").resolve() != HERE)
sys.path = [str(ROOT), *others, str(HERE)]

from kafka.structs import TopicPartition  # noqa: E402
from kafka_site import DRAIN_SECONDS, PARTITIONS, Case, Row, make_site  # noqa: E402
from tests.kafka import jars  # noqa: E402
from tests.kafka.cluster import KafkaCluster  # noqa: E402

from lineseal.transport.kafka import parse_kafka_url  # noqa: E402
from lineseal.transport.kafka.cluster import Cluster, open_cluster  # noqa: E402

RESULTS = HERE / "results" / "kafka_faults.md"
PROGRESS_SECONDS = 60


def _pause(seconds: float) -> Callable[[Case], None]:
    def mistreat(case: Case) -> None:
        case.cluster.pause()
        time.sleep(seconds)
        case.cluster.resume()

    return mistreat


def _restart(case: Case) -> None:
    case.cluster.kill()
    time.sleep(3)
    case.cluster.restart()


def _kill_often(kind: str, times: int, traces: str, *command: str) -> Callable[[Case], None]:
    """Kill it *times* times, each time while it works: soon after files *traces* changed."""

    def mistreat(case: Case) -> None:
        chance = random.Random(20)  # noqa: S311 - moments, not secrets
        for number in range(times):
            before = _newest(case, traces)
            until = time.monotonic() + PROGRESS_SECONDS
            while _newest(case, traces) == before:
                if time.monotonic() > until:
                    raise SystemExit(f"{kind} did nothing for {PROGRESS_SECONDS} s")
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.3))
            case.kill(kind, *command)
            print(f"  kill {number + 1}", file=sys.stderr, flush=True)

    return mistreat


def _newest(case: Case, traces: str) -> int:
    home = case.site.folder / ".lineseal"
    times: list[int] = []
    for path in home.glob(traces):
        with contextlib.suppress(FileNotFoundError):
            times.append(path.stat().st_mtime_ns)
    return max(times, default=0)


@contextlib.contextmanager
def _mute(port: int) -> Iterator[None]:
    """Accept on *port* and never answer."""
    kept: list[socket.socket] = []
    listener = socket.create_server(("127.0.0.1", port))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                kept.append(listener.accept()[0])

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
    for each in kept:
        each.close()


def _listener(case: Case) -> None:
    case.cluster.kill()
    with _mute(case.cluster.nodes[0].port):
        time.sleep(8)
    case.cluster.restart()


def _new_topic(case: Case) -> None:
    """Make the topic anew, wait until both sides have noticed, decide as docs/kafka.md says."""
    begun = time.monotonic()
    with _cluster(case) as (cluster, topic):
        cluster.admin.delete_topics([topic])
        while cluster.exists(topic):
            time.sleep(0.1)
    case.site.run("topics", "create", "--replicas", "1", "--partitions", str(PARTITIONS))
    said: list[str] = []
    for kind in ("relay", "materialiser"):
        status = case.kinds[kind].wait(DRAIN_SECONDS)
        said.append(f"{kind} stopped after {time.monotonic() - begun:.0f} s (status {status})")
    case.row.noticed = "TOPIC_REPLACED: " + ", ".join(said)
    shutil.rmtree(case.site.folder / ".lineseal" / "store")
    case.keep("relay", "relay", "--resend")
    reason = ("--new-log", "the topic was made anew")
    case.keep("materialiser", "materialise", "--follow", *reason)


def _retention(case: Case) -> None:
    """Delete what the materialiser has not read, see that it says so, send it again."""
    case.kinds["materialiser"].kill()
    case.kinds["materialiser"].wait()
    time.sleep(5)
    with _cluster(case) as (cluster, topic):
        ends = {n: end for n, (_, end) in cluster.ranges(topic, range(PARTITIONS)).items() if end}
        cluster.admin.delete_records({TopicPartition(topic, n): end for n, end in ends.items()})
    case.keep("materialiser", "materialise", "--follow")
    query = "SELECT count(*) n FROM reject WHERE code = 'BROKER_TRUNCATION'"
    until = time.monotonic() + PROGRESS_SECONDS
    found = "0"
    while found == "0" and time.monotonic() < until:
        with contextlib.suppress(SystemExit, IndexError):
            found = case.site.run("sql", query, "--output", "csv").split()[1]
    case.row.noticed = f"BROKER_TRUNCATION in {found} of {len(ends)} partitions; then --resend"
    relay = case.kinds["relay"]
    relay.terminate()
    relay.wait(DRAIN_SECONDS)
    case.keep("relay", "relay", "--resend")


@contextlib.contextmanager
def _cluster(case: Case) -> Iterator[tuple[Cluster, str]]:
    url = parse_kafka_url(case.site.url, case.site.folder)
    with contextlib.closing(open_cluster(url, 30)) as cluster:
        yield cluster, url.topic("events")


def _cases(options: argparse.Namespace) -> Iterator[tuple[str, str, float, Callable[[Case], None]]]:
    seconds, kills = options.seconds, options.kills
    for still in options.standstills:
        yield f"broker SIGSTOP {still:g} s", "F8, F9", seconds, _pause(still)
    yield "broker kill -9, restarted after 3 s", "F15", seconds, _restart
    yield (
        f"relay kill -9 x{kills}",
        "F3",
        seconds,
        _kill_often("relay", kills, "log/relay.json", "relay"),
    )
    yield (
        f"materialiser kill -9 x{kills}",
        "F4",
        seconds,
        _kill_often("materialiser", kills, "store/*", "materialise", "--follow"),
    )
    yield "broker down at job start, up 8 s later", "F10", seconds, _down
    yield "listener that accepts and never answers, 8 s", "F11", seconds, _listener
    yield "topic deleted and made again", "F12", seconds, _new_topic
    yield "retention deletes what was not read", "F13", seconds, _retention


def _down(case: Case) -> None:
    time.sleep(8)
    case.cluster.restart()


def main() -> None:
    """Run all cases, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10, help="job time beside the fault")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--standstills", type=float, nargs="*", default=[5, 60])
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        cluster = KafkaCluster(jars.classpath(), Path(folder) / "kafka")
        with cluster, KafkaCluster(jars.classpath(), Path(folder) / "calm-kafka") as undisturbed:
            calm = make_site(Path(folder) / "calm", undisturbed)
            for number, (name, fault, seconds, mistreat) in enumerate(_cases(options)):
                print(f"{name} ...", file=sys.stderr, flush=True)
                case = Case(name, fault, cluster, Path(folder) / f"case-{number}", calm)
                try:
                    calm.start("relay")
                    case.keep("relay", "relay")
                    case.keep("materialiser", "materialise", "--follow")
                    if mistreat is _down:
                        cluster.kill()
                    rows.append(case.run(seconds, mistreat, broker_up=mistreat is not _down))
                finally:
                    case.site.stop()
                    calm.stop()
                _write(rows, options)
                print(f"  {rows[-1]}", file=sys.stderr, flush=True)
    print(options.output.read_text("utf-8"))
    if any(row.lost or row.duplicates for row in rows):
        raise SystemExit("events were lost or doubled")


def _write(rows: list[Row], options: argparse.Namespace) -> None:
    command = " ".join(["kafka_faults.py", *sys.argv[1:]])
    machine = (
        f"Machine: {os.cpu_count()} cores, Python {sys.version.split()[0]}, Apache Kafka"
        f" {jars.kafka_version()} (one broker on the same machine), load"
        f" {os.getloadavg()[0]:.1f} at the end. One job, every 2 ms: an emit into the home of the"
        " case, one into a home whose broker is up, and a bare SQLite commit (`synchronous=FULL`),"
        " turn about; times are of the turns while the fault lasted. *Added* is what an emit takes"
        " longer than the bare commit: the difference of the p99s, and of the medians."
    )
    heads = (
        "| case | fault | accepted | lost | doubled in the store | sent twice (batches) | dropped"
        " | emit() p99, ms | broker up, p99 | bare commit, p99 | added p99 | added p50"
        " | drained after, s | noticed |"
    )
    lines = ["# Kafka faults", "", f"Command: `.venv/bin/python bench/{command}`", "", machine, ""]
    lines += [heads, "|---" * 14 + "|"]
    lines += [
        f"| {r.name} | {r.fault} | {r.accepted} | {r.lost} | {r.duplicates} | {r.arrived_twice}"
        f" | {r.dropped} | {r.p99_ms:.2f} | {r.p99_calm_ms:.2f} | {r.p99_bare_ms:.2f}"
        f" | {r.p99_ms - r.p99_bare_ms:.2f} | {r.added_p50_ms:.2f} | {r.drain_s:.1f}"
        f" | {r.noticed} |"
        for r in rows
    ]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
