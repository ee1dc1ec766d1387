"""A home whose outboxes hold sealed batches, and the relay command run on it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tests.integration.kafka.kit import PATIENCE_SECONDS, Kit
from tests.simulator import Pipeline

from lineseal.schemas.model import RunEvent, RunState
from lineseal.transport.embedded import EmbeddedLogWriter

RUNNING = RunEvent(state=RunState.RUNNING)


class Outboxes:
    """A home with a log in Kafka, and what its producers sealed.

    Attributes:
        pipeline: The producers; their batches stand in its log in memory as well.
        home: The home folder.

    """

    def __init__(self, folder: Path, kit: Kit) -> None:
        """Make a home in *folder* that ships to *kit*'s topic."""
        self.pipeline = Pipeline(folder)
        self.home = folder / ".lineseal"
        self.kit = kit
        self._environment = {
            **{name: value for name, value in os.environ.items() if "LINESEAL" not in name},
            "LINESEAL_HOME": str(self.home),
            "LINESEAL_LOG__URL": kit.text,
        }
        self.home.mkdir(parents=True)
        (self.home / "lineseal.toml").write_text('[deployment]\nname = "simulation"\n', "utf-8")

    def fill(self, producers: Sequence[str], batches: int) -> None:
        """Seal *batches* batches for each of *producers* into a new outbox file of each."""
        for name in producers:
            producer = self.pipeline.producer(name)
            outbox = EmbeddedLogWriter(self.home / "log" / "events", name)
            with closing(outbox):
                for _ in range(batches):
                    outbox.append(name, producer.send(producer.event(RUNNING, run_id="run")))

    @property
    def sealed(self) -> dict[str, list[bytes]]:
        """Return each producer's batches in the order of sealing."""
        batches: dict[str, list[bytes]] = {}
        for entry in self.pipeline.log.entries:
            batches.setdefault(entry.key, []).append(entry.value)
        return batches

    @property
    def total(self) -> int:
        """Return how many batches were sealed."""
        return len(self.pipeline.log.entries)

    def start_relay(self, *arguments: str) -> subprocess.Popen[str]:
        """Start ``lineseal relay``."""
        return subprocess.Popen(
            [sys.executable, "-m", "lineseal.commandline", "relay", *arguments],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def relay(self, *arguments: str) -> tuple[int, str]:
        """Run ``lineseal relay`` to its end; return exit status and what it said."""
        process = self.start_relay(*arguments)
        _, said = process.communicate(timeout=2 * PATIENCE_SECONDS)
        return process.returncode, said


def wait_for_records(kit: Kit, count: int) -> int:
    """Wait until the topic holds at least *count* records; return how many it holds."""
    cluster = kit.cluster()
    numbers = cluster.view(kit.topic).partitions
    deadline = time.monotonic() + PATIENCE_SECONDS
    held = 0
    while time.monotonic() < deadline:
        held = sum(end for _, end in cluster.ranges(kit.topic, numbers).values())
        if held >= count:
            return held
        time.sleep(0.005)
    raise AssertionError(f"{held} of {count} records came")
