"""One machine with Lineseal and Kafka, and one job on it: what ``kafka_faults.py`` mistreats."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.kafka.cluster import KafkaCluster

from lineseal.transport.kafka import parse_kafka_url
from lineseal.transport.kafka.cluster import open_cluster

DRAIN_SECONDS = 300
PARTITIONS = 3
_JOB = Path(__file__).with_name("kafka_job.py")


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
        with (self.folder / f"{command[0]}.log").open("a") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "lineseal.commandline", *command],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=output,
                encoding="utf-8",
            )
        self.processes.append(process)
        return process

    def said(self) -> str:
        """Return the last words of all that was started."""
        texts = {log.name: log.read_text("utf-8") for log in self.folder.glob("*.log")}
        return "\n".join(f"{name}:\n{text[-3000:]}" for name, text in sorted(texts.items()))

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

    def run(self, seconds: float, mistreat: Callable[[Case], None], *, broker_up: bool) -> Row:
        """Emit for *seconds* around *mistreat*, wait for all to arrive, count.

        With *broker_up* the fault waits for the first event in the store.
        """
        started, ended = self.site.folder / "started", self.site.folder / "ended"
        job = subprocess.Popen(
            [
                *(sys.executable, str(_JOB), str(started), str(ended), "0.002"),
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
        if broker_up:
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
        if self.row.lost:
            print(self.site.said(), file=sys.stderr)
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
