"""What does an emit cost a job? Beside the bare commit, and beside the OpenLineage client.

    .venv/bin/python bench/emitter.py [--events N] [--rounds N]

The same facts go through our emitter (checked, redacted, signed, synced to the disk) and through
the file transport of the OpenLineage Python client (unsigned, not synced), which is installed into
an environment of its own. All ways take turns, several rounds, so that a slow moment of the machine
meets all of them. Writes ``bench/results/emitter.md``. Budgets: DESIGN 12.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections import defaultdict
from pathlib import Path
from typing import Any

from emitter_openlineage import THREADS, facts

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "bench" / "results" / "emitter.md"
OTHER = "openlineage-python"
BLOCK = 250
"""Emits between two looks at the bare commit."""
MANY = 1000


def main() -> None:
    """Run all ways in turn and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=4000, help="events of each way and round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--way", choices=["one", "many", "threads"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder by default")
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(measure(arguments.way, arguments.events, arguments.folder)))
        return
    answers: dict[str, list[Any]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="emitter-", dir=arguments.folder) as folder:
        other, version = install_other(Path(folder) / "other")
        for number in range(arguments.rounds):
            for way in ("one", "many", "threads"):
                for side in ("openlineage", "lineseal"):
                    note(f"round {number + 1} of {arguments.rounds}: {way}, {side}")
                    place = Path(folder) / f"{number}-{way}-{side}"
                    place.mkdir()
                    answers[f"{side} {way}"].append(
                        ask(other, way, arguments.events, place)
                        if side == "openlineage"
                        else ask_us(way, arguments.events, place)
                    )
    text = report(answers, arguments, version)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text)
    print(text)


def install_other(folder: Path) -> tuple[Path, str]:
    """Install the OpenLineage client into *folder*; return its Python and its version."""
    note(f"installing {OTHER} into an environment of its own")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", OTHER], check=True)
    asked = f"from importlib.metadata import version; print(version({OTHER!r}))"
    done = subprocess.run([python, "-c", asked], check=True, capture_output=True, text=True)
    return python, done.stdout.strip()


def ask(python: Path, way: str, count: int, folder: Path) -> Any:
    """Let the other side emit; it has no way to emit many at once but a loop."""
    script = str(ROOT / "bench" / "emitter_openlineage.py")
    return answer_of([str(python), script, way, str(count), str(folder)])


def ask_us(way: str, count: int, folder: Path) -> Any:
    """Let our side emit, in a process of its own too."""
    options = ["--way", way, "--events", str(count), "--folder", str(folder)]
    return answer_of([sys.executable, __file__, *options])


def answer_of(command: list[str]) -> Any:
    """Return the JSON that a process prints last."""
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


# --- our side ---------------------------------------------------------------------------------


def measure(way: str, count: int, folder: Path) -> dict[str, Any]:
    """Emit *count* events; the seconds end when all of them are sealed."""
    from lineseal.commandline.program import lineseal
    from lineseal.producers import Emitter

    home = folder / ".lineseal"
    with contextlib.redirect_stderr(io.StringIO()):
        lineseal.main(
            ["--home", str(home), "init", "--producer", "bench"], "lineseal", standalone_mode=False
        )
    bodies = [to_body(fact) for fact in facts(count)]
    with Emitter.from_env(home=home, strict=True) as emitter:
        emitter.emit(bodies[0], job="fraud/train", run_id="r")
        emitter.flush()
        if way == "one":
            return one_at_a_time(emitter, bodies, folder)
        started = time.perf_counter()
        if way == "many":
            for at in range(0, count, MANY):
                emitter.emit_many(bodies[at : at + MANY], job="fraud/train", run_id="r")
        else:
            shares = [bodies[n::THREADS] for n in range(THREADS)]
            threads = [threading.Thread(target=emit_all, args=(emitter, s)) for s in shares]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        accepted = time.perf_counter() - started
        emitter.flush()
        return {"seconds": time.perf_counter() - started, "accepted": accepted}


def one_at_a_time(emitter: Any, bodies: list[Any], folder: Path) -> dict[str, Any]:
    """Emit in blocks, and between them commit the same bytes to a bare table."""
    times: list[float] = []
    commits: list[float] = []
    processor = 0.0
    bare = bare_table(folder / "bare.sqlite")
    for at in range(0, len(bodies), BLOCK):
        block = bodies[at : at + BLOCK]
        before = time.thread_time()
        times += emit_all(emitter, block)
        processor += time.thread_time() - before
        emitter.flush()
        commits += commit_all(bare, at, len(block))
    bare.close()
    started = time.perf_counter()
    emit_all(emitter, bodies)
    emitter.flush()
    return {
        "seconds": time.perf_counter() - started,
        "times": times,
        "commits": commits,
        "processor": processor / len(bodies),
    }


def emit_all(emitter: Any, bodies: list[Any]) -> list[float]:
    """Emit *bodies* one at a time, and return how long each took."""
    times: list[float] = []
    for body in bodies:
        before = time.perf_counter()
        emitter.emit(body, job="fraud/train", run_id="r")
        times.append(time.perf_counter() - before)
    return times


def bare_table(path: Path) -> sqlite3.Connection:
    """Make the table that accepted events go to, with the outbox's settings."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 500")
    connection.execute("CREATE TABLE pending(seq INTEGER PRIMARY KEY, crc INTEGER, event BLOB)")
    return connection


def commit_all(bare: sqlite3.Connection, first: int, count: int) -> list[float]:
    """Insert *count* rows, a transaction each, and return how long each took."""
    times: list[float] = []
    for row in range(first, first + count):
        event = os.urandom(560)
        before = time.perf_counter()
        bare.execute("BEGIN IMMEDIATE")
        bare.execute("INSERT INTO pending VALUES (?, ?, ?)", (row, 0, event))
        bare.execute("COMMIT")
        times.append(time.perf_counter() - before)
    bare.execute("DELETE FROM pending")
    return times


def to_body(fact: dict[str, Any]) -> Any:
    """Say a fact as we do."""
    from lineseal.schemas.model import (
        Artifact,
        ArtifactUse,
        Kind,
        Metric,
        Pair,
        RunEvent,
        RunState,
    )

    def use(kind: Kind, one: dict[str, Any]) -> ArtifactUse:
        named = {name: one[name] for name in ("name", "version", "digest")}
        artifact = Artifact(kind=kind, namespace="lake", **named)
        return ArtifactUse(artifact=artifact, rows=one["rows"], size_bytes=one["size"])

    return RunEvent(
        state=RunState.COMPLETE,
        inputs=tuple(use(Kind.DATASET, one) for one in fact["reads"]),
        outputs=tuple(use(Kind.MODEL, one) for one in fact["writes"]),
        parameters=tuple(Pair(key=key, value=value) for key, value in fact["parameters"]),
        metrics=tuple(Metric(name=name, value=value) for name, value in fact["metrics"]),
    )


# --- the report -------------------------------------------------------------------------------


def report(answers: dict[str, list[Any]], arguments: argparse.Namespace, version: str) -> str:
    """Write the tables."""
    rate = {
        name: statistics.median(arguments.events / one["seconds"] for one in rounds)
        for name, rounds in answers.items()
    }
    text = (
        f"# Emitter\n\nWritten by `python bench/emitter.py --events {arguments.events} "
        f"--rounds {arguments.rounds}` on {platform.system()} {platform.release()}, Python "
        f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f} at the end; {OTHER} {version}.\n\n"
        "The same facts (a run with two inputs, an output, four parameters, three metrics): ours\n"
        "checked, redacted, signed and on the disk; theirs unsigned and not synced. Objects are\n"
        "made before the clock starts. Ours ends when everything is sealed. Medians of all\n"
        "rounds.\n\n| | OpenLineage, events/s | Lineseal, events/s | ratio | budget |\n"
        "|---|---:|---:|---:|---:|\n"
    )
    names = {
        "one": ("one at a time", "1"),
        "many": (f"`emit_many`, {MANY:,} at once (theirs: a loop)", "10 here or below"),
        "threads": (f"{THREADS} threads, one at a time each", "10 here or above"),
    }
    for way, (name, budget) in names.items():
        theirs, ours = rate[f"openlineage {way}"], rate[f"lineseal {way}"]
        text += f"| {name} | {theirs:,.0f} | {ours:,.0f} | {ours / theirs:.1f} | {budget} |\n"
    return text + latencies(answers)


def latencies(answers: dict[str, list[Any]]) -> str:
    """Write how long one emit takes, beside the bare commit of the same bytes."""
    ours, theirs = answers["lineseal one"], answers["openlineage one"]
    series = {
        "bare SQLite commit, `synchronous=FULL`": [x for one in ours for x in one["commits"]],
        "`emit()`": [x for one in ours for x in one["times"]],
        "OpenLineage `emit()`": [x for one in theirs for x in one["times"]],
    }
    text = "\n| one call, ms | p50 | p90 | p99 | p99.9 |\n|---|---:|---:|---:|---:|\n"
    for name, times in series.items():
        cells = " | ".join(f"{1000 * at(times, q):.3f}" for q in (0.5, 0.9, 0.99, 0.999))
        text += f"| {name} | {cells} |\n"
    commit, emit, _ = series.values()
    added = " and ".join(
        f"{1000 * (at(emit, q) - at(commit, q)):.3f} ms at p{100 * q:g}" for q in (0.5, 0.99)
    )
    processor = statistics.median(one["processor"] for one in ours)
    alone = len(commit) / sum(commit)
    return text + (
        f"\nAdded over the commit: {added} (budget: less than 1 ms at p99).\nBare commits alone: "
        f"{alone:,.0f} a second, all rounds together.\nProcessor time that "
        f"one `emit()` takes from the job's thread, commit included: {1e6 * processor:.0f} us.\n"
    )


def at(times: list[float], quantile: float) -> float:
    """Return the value below which the share *quantile* lies."""
    return sorted(times)[min(len(times) - 1, int(quantile * len(times)))]


def note(text: str) -> None:
    """Tell people what is going on."""
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
