"""Kills victims at random moments and checks what is left.

Checked after each round: every event whose id was seen is in the log once and, materialised, in the
store once; the store's positions are those of the batches it holds; what was relayed is what was
sealed.
"""

from __future__ import annotations

import contextlib
import io
import mmap
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from lineseal.consumers.store import Store
from lineseal.producers import Emitter
from lineseal.schemas.errors import LinesealError
from lineseal.settings import load_settings
from lineseal.transport.base import LogRecord
from lineseal.transport.embedded import EmbeddedLogReader
from tests.stress.victims import PHASES
from tests.unit.producers.world import BODY, command, make_home, records_of, said_in

AIMS: Final[tuple[tuple[str, str | None], ...]] = (
    *(("emit", "sealing"), ("relay", "sending"), ("materialise", "committing")),
    *(("emit", "storing a batch"), ("relay", "noting what was sent"), ("materialise", "applying")),
    *(("emit", "commit"), ("emit", None), ("materialise", None), ("emit", "queueing")),
    *(("relay", None), ("materialise", "reading")),
)
"""Victims in the order they are killed, and the phase in which; None for any."""
_FED_BATCHES = 20
_START_SECONDS = 60.0
_AIM_SECONDS = 5.0
_LONGEST_LIFE_SECONDS = 0.5
_LONGEST_PHASE_SECONDS = 0.004
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
    remade: int = 0
    set_aside: int = 0

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
        self.phases = folder / "phases"
        self.tally = tally
        self.seen: list[str] = []

    def kill(self, kind: str, aim: str | None, chance: random.Random) -> None:
        """Start a victim and kill it: in the phase *aim*, or within half a second of its start.

        A phase that does not come within some seconds is not waited for any longer.
        """
        if kind != "emit":
            self._feed()
        arguments = self.paths()
        with subprocess.Popen(
            [sys.executable, "-m", "tests.stress.victims", kind, *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as victim:
            assert victim.stdout is not None
            with self.phases.open("r+b") as file, mmap.mmap(file.fileno(), len(PHASES)) as inside:
                _wait_for(victim, inside, aim, chance)
                victim.kill()
                status = victim.wait()
                phase = _phase(inside, aim) if status == -signal.SIGKILL else "ended before"
                assert status in (0, -signal.SIGKILL), f"{kind} ended by itself with {status}"
            lines = victim.stdout.readlines()
        self.tally.kills[kind, phase] += 1
        if kind == "emit":
            # The kill may cut the last line: that id was never seen whole.
            self.seen += [line.strip() for line in lines if line.endswith("\n")]
        if kind == "materialise":
            self.check_store()

    def _feed(self) -> None:
        """Seal some batches for a relay or a materialiser to be busy with."""
        with Emitter.from_env(home=self.home.path, strict=True) as emitter:
            for _ in range(_FED_BATCHES):
                event_id = emitter.emit(BODY)
                assert event_id is not None
                self.seen.append(event_id)
                emitter.flush()

    def check_store(self) -> None:
        """Count positions that do not fit the rows, and events that are there twice."""
        store = self.home.path / "store" / "lineseal.duckdb"
        if not store.exists():
            return
        try:
            opened = duckdb.connect(str(store))  # writable: a killed one is recovered
        except duckdb.Error:
            self._mend(store)
            return
        with opened as connection:
            tables = connection.execute("SELECT count(*) FROM duckdb_tables()").fetchone()
            if tables is None or not tables[0]:
                return
            found = connection.execute(
                "SELECT (SELECT coalesce(sum(next_position), 0) FROM position),"
                " (SELECT count(*) FROM batch), (SELECT count(*) FROM event),"
                " (SELECT count(DISTINCT event_id) FROM event),"
                " (SELECT coalesce(sum(event_count), 0) FROM batch),"
                " (SELECT count(*) FROM reject WHERE outcome IS DISTINCT FROM 'ACCEPTED')"
            ).fetchone()
        assert found is not None
        positions, batches, events, different, expected, refused = found
        self.tally.torn += int(positions != batches + refused) + int(events != expected)
        self.tally.doubled += events - different

    def _mend(self, store: Path) -> None:
        """Let Lineseal open a store that DuckDB cannot; where it cannot either, take it away."""
        deployment = load_settings(self.home, {}).deployment.name
        try:
            with Store(store, deployment=deployment) as mended:
                mended.positions()
        except LinesealError:
            self.tally.unopenable += 1
            for path in store.parent.glob(f"{store.name}*"):
                path.unlink()
        else:
            self.tally.remade += 1

    def finish(self, *, relay: bool = True) -> None:
        """Do what the next job, materialiser and (with *relay*) relay do, then count."""
        with quiet():
            command("--home", str(self.home.path), "outbox", "seal")
            command("--home", str(self.home.path), "materialise")
            self._judge_again()
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

    def _judge_again(self) -> None:
        """Judge what was set aside because three processes died before it: we killed them."""
        store = self.home.path / "store" / "lineseal.duckdb"
        with duckdb.connect(str(store)) as connection:
            refused = connection.execute("SELECT count(*) FROM reject").fetchone()
        if refused is not None and refused[0]:
            self.tally.set_aside += refused[0]
            command("--home", str(self.home.path), "rejects", "retry", "--code", "POISON_SKIPPED")

    def paths(self) -> list[str]:
        """Return the victims' arguments."""
        self.phases.write_bytes(b"\1" + bytes(len(PHASES) - 1))
        return [str(self.home.path), str(self.phases)]


def random_kills(folder: Path, tally: Tally, kills: int, seed: int) -> None:
    """Kill emitters, relays and materialisers of one home, *kills* times in all."""
    chance = random.Random(seed)  # noqa: S311 - when to kill
    world = World(folder, tally)
    for number in range(kills):
        world.kill(*AIMS[number % len(AIMS)], chance)
    world.finish()


def _wait_for(
    victim: subprocess.Popen[str], inside: mmap.mmap, aim: str | None, chance: random.Random
) -> None:
    """Wait until *victim* is in the phase, and then some; without one, until some time after."""
    starting = PHASES.index("starting")
    deadline = time.monotonic() + _START_SECONDS
    while inside[starting] and victim.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    if aim is None:
        time.sleep(chance.random() * _LONGEST_LIFE_SECONDS)
        return
    wanted = PHASES.index(aim)
    deadline = time.monotonic() + _AIM_SECONDS
    while time.monotonic() < deadline and victim.poll() is None:
        # Close to it without a pause: some phases last a millisecond.
        if any(inside[wanted] for _ in range(2000)):
            time.sleep(chance.random() * chance.choice((0, _LONGEST_PHASE_SECONDS)))
            return


def _phase(inside: mmap.mmap, aim: str | None) -> str:
    """Say in which phase it was killed: the one aimed at, or else the innermost one."""
    found = [name for number, name in enumerate(PHASES) if inside[number]]
    return aim if aim in found else (found or ["between"])[-1]


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
