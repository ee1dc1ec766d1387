"""Says what faults of broker, relay and materialiser cost a job, and whether they lose anything.

Real processes: Apache Kafka (tests/kafka), a job that emits, ``lineseal relay``, ``lineseal
materialise --follow``. Each case mistreats one of them while the job emits, lets everything come to
rest, and compares what ``emit`` accepted with what the store holds.

    .venv/bin/python bench/kafka_faults.py [--seconds 10] [--kills 20] [--standstills 5 60]

The page is written after each case, so that a run that was cut short still says what it measured.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
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

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.kafka import jars  # noqa: E402
from tests.kafka.cluster import KafkaCluster  # noqa: E402

from lineseal.transport.kafka import parse_kafka_url  # noqa: E402
from lineseal.transport.kafka.cluster import open_cluster  # noqa: E402

RESULTS = ROOT / "bench" / "results" / "kafka_faults.md"
DRAIN_SECONDS = 300
PROGRESS_SECONDS = 60
JOB = """
import sys, time
from pathlib import Path
from lineseal.producers import Emitter
from lineseal.schemas.model import RunEvent, RunState

started, ended, pause = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
took, accepted = [], []
body = RunEvent(state=RunState.RUNNING)
with Emitter.from_env(relay=False) as emitter:
    while not ended.exists():
        begun = time.perf_counter()
        event = emitter.emit(body, job="bench/faults", run_id="r")
        took.append((time.time(), time.perf_counter() - begun))
        if event is not None:
            accepted.append(event)
        started.touch()
        time.sleep(pause)
    dropped = emitter.stats.dropped
for event in accepted:
    print(event)
print("dropped", dropped, file=sys.stderr)
for at, each in took:
    print("took", at, each, file=sys.stderr)
"""


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
    drain_s: float = 0.0
    arrived_twice: int = 0


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


class Case:
    """One site, one job, one fault."""

    def __init__(self, name: str, fault: str, cluster: KafkaCluster, folder: Path) -> None:
        """Make home and topics."""
        self.row = Row(name, fault)
        self.cluster = cluster
        self.kinds: dict[str, subprocess.Popen[str]] = {}
        url = f"kafka://{cluster.bootstrap}/{folder.name}?request_timeout_ms=5000"
        self.site = Site(folder, url + "&delivery_timeout_ms=10000")
        folder.mkdir()
        self.site.run("init", "--producer", "trainer")
        self.site.run("topics", "create", "--replicas", "1", "--partitions", "3")

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
            [sys.executable, "-c", JOB, str(started), str(ended), "0.002"],
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
        calm: list[float] = []
        broken: list[float] = []
        for line in text.splitlines():
            words = line.split()
            if words[:1] == ["dropped"]:
                self.row.dropped = int(words[1])
            elif words[:1] == ["took"]:
                at, took = float(words[1]), float(words[2])
                (broken if broken_at <= at <= mended_at else calm).append(took)
        self.row.p99_ms = _p99(broken) * 1000
        self.row.p99_calm_ms = _p99(calm[1:]) * 1000  # the first opens the outbox

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
            ends = cluster.ranges(url.topic("events"), range(3))
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
        with cluster:
            for number, (name, fault, seconds, mistreat) in enumerate(_cases(options)):
                print(f"{name} ...", file=sys.stderr, flush=True)
                case = Case(name, fault, cluster, Path(folder) / f"case-{number}")
                try:
                    case.keep("relay", "relay")
                    case.keep("materialiser", "materialise", "--follow")
                    if mistreat is _down:
                        cluster.kill()
                    rows.append(case.run(seconds, mistreat))
                finally:
                    case.site.stop()
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
        f" {os.getloadavg()[0]:.1f} at the end. One job emits every 2 ms; p99 is over the calls"
        " made while the fault lasted, and beside it over those before and after it in the same"
        " run."
    )
    heads = (
        "| case | fault | accepted | lost | doubled in the store | sent twice (batches) | dropped"
        " | emit() p99 during, ms | otherwise, ms | drained after, s |"
    )
    lines = ["# Kafka faults", "", f"Command: `.venv/bin/python bench/{command}`", "", machine, ""]
    lines += [heads, "|---" * 10 + "|"]
    lines += [
        f"| {r.name} | {r.fault} | {r.accepted} | {r.lost} | {r.duplicates} | {r.arrived_twice}"
        f" | {r.dropped} | {r.p99_ms:.2f} | {r.p99_calm_ms:.2f} | {r.drain_s:.1f} |"
        for r in rows
    ]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
