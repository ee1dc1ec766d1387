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
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
# Without this folder: its kafka.py would stand in for the client.
HERE = ROOT / "bench"
sys.path = [str(ROOT), *(each for each in sys.path if Path(each or ".").resolve() != HERE)]

from kafka.structs import TopicPartition  # noqa: E402
from tests.kafka import jars  # noqa: E402
from tests.kafka.cluster import KafkaCluster  # noqa: E402

from lineseal.transport.kafka import parse_kafka_url  # noqa: E402
from lineseal.transport.kafka.cluster import Cluster, open_cluster  # noqa: E402

RESULTS = HERE / "results" / "kafka_faults.md"
DRAIN_SECONDS = 300
PARTITIONS = 3
PROGRESS_SECONDS = 60
JOB = HERE / "kafka_job.py"


@dataclass
class Row:
    """One case as it came out."""

    name: str
    fault: str
    accepted: int = 0
    lost: int = 0
    duplicates: int = 0
    dropped: int = 0
    p99_ms: float = 0.0
    p99_calm_ms: float = 0.0
    p99_bare_ms: float = 0.0
    added_p50_ms: float = 0.0
    drain_s: float = 0.0
    arrived_twice: int = 0
    noticed: str = ""


@dataclass
class Site:
    """A machine with Lineseal whose log lies in Kafka."""

    folder: Path
    url: str
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Return what every process needs."""
        return {
            **os.environ,
            "LINESEAL_HOME": str(self.folder / ".lineseal"),
            "LINESEAL_LOG__URL": self.url,
        }

    def run(self, *command: str) -> str:
        """Run a lineseal command to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "lineseal.commandline", *command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode not in (0, 1):
            raise SystemExit(f"{command}: {done.stderr}")
        return done.stdout

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a lineseal command."""
        process = subprocess.Popen(
            [sys.executable, "-m", "lineseal.commandline", *command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        self.processes.append(process)
        return process

    def stop(self) -> None:
        """End what is still running."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()


def make_site(folder: Path, cluster: KafkaCluster) -> Site:
    """Make a home with its topics in *cluster*."""
    url = f"kafka://{cluster.bootstrap}/{folder.name}?request_timeout_ms=5000"
    site = Site(folder, url + "&delivery_timeout_ms=10000")
    folder.mkdir()
    site.run("init", "--producer", "trainer")
    site.run("topics", "create", "--replicas", "1", "--partitions", str(PARTITIONS))
    return site


class Case:
    """One site, one job, one fault."""

    def __init__(
        self, name: str, fault: str, cluster: KafkaCluster, folder: Path, calm: Site
    ) -> None:
        """Make home and topics; *calm* is the home whose broker is up."""
        self.row = Row(name, fault)
        self.cluster = cluster
        self.calm = calm
        self.kinds: dict[str, subprocess.Popen[str]] = {}
        self.site = make_site(folder, cluster)

    def keep(self, kind: str, *command: str) -> None:
        """Start a process that ``kill`` can kill and start again."""
        self.kinds[kind] = self.site.start(*command)

    def kill(self, kind: str, *command: str) -> None:
        """Kill it with SIGKILL and start it again."""
        process = self.kinds[kind]
        process.kill()
        process.wait()
        self.site.processes.remove(process)
        self.keep(kind, *command)

    def run(self, seconds: float, mistreat: Callable[[Case], None]) -> Row:
        """Emit for *seconds* before and after *mistreat*, wait for all to arrive, count."""
        started, ended = self.site.folder / "started", self.site.folder / "ended"
        job = subprocess.Popen(
            [
                *(sys.executable, str(JOB), str(started), str(ended), "0.002"),
                *(str(each.folder / ".lineseal") for each in (self.site, self.calm)),
            ],
            cwd=self.site.folder,
            env=self.site.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        output: list[tuple[str, str]] = []
        reading = threading.Thread(target=lambda: output.append(job.communicate()))
        reading.start()
        while not started.exists() and reading.is_alive():
            time.sleep(0.05)
        if mistreat is not _down:
            while not self._held() and reading.is_alive():
                time.sleep(0.5)
        time.sleep(seconds / 2)
        broken_at = time.time()
        mistreat(self)
        mended_at = time.time()
        time.sleep(seconds / 2)
        ended.touch()
        reading.join()
        said, timings = output[0]
        accepted = said.split()
        self._timings(timings, broken_at, mended_at)
        ready = time.time()
        held = self._wait(len(accepted))
        self.row.drain_s = time.time() - ready
        self.row.accepted = len(accepted)
        self.row.lost = len(set(accepted) - held)
        self._count_twice()
        return self.row

    def _timings(self, text: str, broken_at: float, mended_at: float) -> None:
        during: list[list[float]] = [[], [], []]
        for line in text.splitlines():
            words = line.split()
            if words[:1] == ["dropped"]:
                self.row.dropped = int(words[1])
            elif words[:1] == ["took"] and broken_at <= float(words[1]) <= mended_at:
                for values, word in zip(during, words[2:], strict=True):
                    values.append(float(word) * 1000)
        emitted, _, bare = during
        self.row.p99_ms, self.row.p99_calm_ms, self.row.p99_bare_ms = map(_p99, during)
        self.row.added_p50_ms = median(emitted) - median(bare) if bare else float("nan")

    def _wait(self, wanted: int) -> set[str]:
        """Wait for relay and materialiser, then ask the store."""
        until = time.monotonic() + DRAIN_SECONDS
        held: set[str] = set()
        while time.monotonic() < until:
            held = self._held()
            if len(held) >= wanted:
                break
            time.sleep(0.5)
        self.site.stop()
        return self._held()

    def _held(self) -> set[str]:
        try:
            text = self.site.run("sql", "SELECT event_id FROM event", "--output", "csv")
        except SystemExit:  # the materialiser has the store open just now
            return set()
        return set(text.split()[1:])

    def _count_twice(self) -> None:
        text = self.site.run(
            "sql",
            "SELECT count(*) - count(DISTINCT event_id) AS n, (SELECT count(*) FROM batch) AS b"
            " FROM event",
            "--output",
            "csv",
        )
        doubled, batches = text.split()[1].split(",")
        self.row.duplicates = int(doubled)
        url = parse_kafka_url(self.site.url, self.site.folder)
        with contextlib.closing(open_cluster(url, 30)) as cluster:
            ends = cluster.ranges(url.topic("events"), range(PARTITIONS))
        self.row.arrived_twice = sum(end for _, end in ends.values()) - int(batches)


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)] if values else float("nan")


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
    case.site.run("materialise", "--new-log", "the topic was made anew")
    case.keep("materialiser", "materialise", "--follow")


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
                    rows.append(case.run(seconds, mistreat))
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
