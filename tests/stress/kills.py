"""Kills victims at random moments and checks what is left.

Checked after each round: every event whose id was seen is in the log once and, materialised, in the
store once; the store's positions are those of the batches it holds; what was relayed is what was
sealed.
"""

from __future__ import annotations

import contextlib
import io
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from lineseal.transport.base import LogRecord
from lineseal.transport.embedded import EmbeddedLogReader
from tests.stress.victims import PHASES
from tests.unit.producers.world import command, make_home, records_of, said_in

ROOT: Final = Path(__file__).resolve().parent.parent.parent


@dataclass
class Tally:
    """Count kills by phase, and what they broke."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    accepted: int = 0
    lost: int = 0
    doubled: int = 0
    torn: int = 0
    unshipped: int = 0
    unopenable: int = 0

    @property
    def broken(self) -> int:
        """Return how many things went wrong."""
        return self.lost + self.doubled + self.torn + self.unshipped + self.unopenable


class World:
    """One home, and the ids its victims said were accepted."""

    def __init__(self, folder: Path, tally: Tally) -> None:
        """Make the home in *folder*."""
        with quiet():
            self.home = make_home(folder)
        self.phases = folder / "phase"
        self.tally = tally
        self.seen: list[str] = []

    def kill(self, kind: str, chance: random.Random, longest: float) -> None:
        """Start a victim, kill it within *longest* seconds of its first sign of life."""
        self.phases.write_bytes(b"\0")
        with subprocess.Popen(
            [sys.executable, "-m", "tests.stress.victims", kind, *self.paths()],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as victim:
            assert victim.stdout is not None
            if kind == "relay":
                time.sleep(0.2)
            lines = [victim.stdout.readline()] if kind != "relay" else []
            time.sleep(chance.random() * longest)
            done = victim.poll() is not None
            phase = "ended before" if done else PHASES[self.phases.read_bytes()[0]]
            victim.kill()
            lines += victim.stdout.readlines()
        self.tally.kills[kind, phase] += 1
        if kind == "emit":
            # The kill may cut the last line: that id was never seen whole.
            self.seen += [line.strip() for line in lines if line.endswith("\n")]
        if kind == "materialise":
            self.check_store()

    def check_store(self) -> None:
        """Count positions that do not fit the rows, and events that are there twice."""
        store = self.home.path / "store" / "lineseal.duckdb"
        if not store.exists():
            return
        try:
            opened = duckdb.connect(str(store))  # writable: a killed one is recovered
        except duckdb.Error:
            self.tally.unopenable += 1
            return
        with opened as connection:
            tables = connection.execute("SELECT count(*) FROM duckdb_tables()").fetchone()
            if tables is None or not tables[0]:
                return
            found = connection.execute(
                "SELECT (SELECT coalesce(sum(next_position), 0) FROM position),"
                " (SELECT count(*) FROM batch), (SELECT count(*) FROM event),"
                " (SELECT count(DISTINCT event_id) FROM event),"
                " (SELECT coalesce(sum(event_count), 0) FROM batch)"
            ).fetchone()
        assert found is not None
        positions, batches, events, different, expected = found
        self.tally.torn += int(positions != batches) + int(events != expected)
        self.tally.doubled += events - different

    def finish(self, *, relay: bool = True) -> None:
        """Do what the next job, materialiser and (with *relay*) relay do, then count."""
        with quiet():
            command("--home", str(self.home.path), "outbox", "seal")
            command("--home", str(self.home.path), "materialise")
        if relay:
            subprocess.run(
                [sys.executable, "-m", "tests.stress.victims", "relay", *self.paths()],
                cwd=ROOT,
                check=True,
                capture_output=True,
            )
        counts = Counter(said.event_id for said in said_in(self.home))
        with duckdb.connect(str(self.home.path / "store" / "lineseal.duckdb")) as connection:
            rows = connection.execute("SELECT event_id FROM event").fetchall()
        stored = Counter(str(row[0]) for row in rows)
        self.tally.accepted += len(self.seen)
        self.tally.lost += sum(not counts[one] or not stored[one] for one in self.seen)
        self.tally.doubled += sum(n > 1 for n in counts.values())
        self.check_store()
        if not relay:
            return
        shipped = {r.value for r in _all_in(self.home.path / "shipped")}
        self.tally.unshipped += len({r.value for r in records_of(self.home)} ^ shipped)

    def paths(self) -> list[str]:
        """Return the victims' arguments."""
        self.phases.touch()
        if not self.phases.read_bytes():
            self.phases.write_bytes(b"\0")
        return [str(self.home.path), str(self.phases)]


def random_kills(folder: Path, tally: Tally, kills: int, seed: int) -> None:
    """Kill emitters, relays and materialisers of one home, *kills* times in all."""
    chance = random.Random(seed)  # noqa: S311 - when to kill
    world = World(folder, tally)
    for number in range(kills):
        kind = ("emit", "relay", "emit", "materialise")[number % 4]
        world.kill(kind, chance, 0.25 if kind == "relay" else 0.5)
    world.finish()


def _all_in(folder: Path) -> list[LogRecord]:
    reader = EmbeddedLogReader(folder)
    found: list[LogRecord] = []
    while records := reader.poll(1000, 0.0):
        found += records
    reader.close()
    return found


@contextlib.contextmanager
def quiet() -> Generator[None]:
    """Keep what commands say to people to ourselves."""
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        yield
