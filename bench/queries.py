"""Times trace and impact on a large graph, beside indexed PostgreSQL with the same graph.

    .venv/bin/python bench/queries.py --edges 10000000

Makes a store (see ``graph_store``) and asks random questions in three ways: in a new process with
the store to itself, in a process that has it open, and over the socket of a running service, which
holds the graph in memory. Loads the same edges into a private PostgreSQL with indexes and asks it
for the same closures. Beside the time is the processor's, of all processes of ours, which load by
others does not change much. Writes a section of ``bench/results/queries.md``. PostgreSQL is left
out, with the reason, when absent.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "bench"))

import graph_store  # noqa: E402
import postgres  # noqa: E402
from timing import cells, processor_seconds, say, time_each, write_section  # noqa: E402

from lineseal.commandline.output import Answer, to_json  # noqa: E402
from lineseal.queries import api  # noqa: E402
from lineseal.queries.database import open_store  # noqa: E402
from lineseal.queries.remote import ask_service  # noqa: E402
from lineseal.settings import Home, load_settings  # noqa: E402

MANY = 10_000
"""Versions from which on an answer is asked for a few times only."""
_ONE_SHOT = """
import sys
from pathlib import Path
from lineseal.commandline.output import to_json
from lineseal.queries import api
from lineseal.queries.database import open_store
with open_store(Path(sys.argv[1])) as connection:
    to_json(getattr(api, sys.argv[2])(connection, sys.argv[3]).to_dict())
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One shape of the graph: which question is asked about which versions."""

    name: str
    verb: str
    references: list[str]


def main() -> None:
    """Make the graph, ask, write the page."""
    parser = argparse.ArgumentParser(description="Time trace and impact on a large graph.")
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="where to make the stores; default: temporary")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        lines = _measure(Path(folder), arguments.edges, arguments.questions)
    write_section(
        ROOT / "bench/results/queries.md", "trace and impact", f"{arguments.edges:,} edges", lines
    )


def _measure(folder: Path, edges: int, questions: int) -> list[str]:
    home = Home(folder)
    settings = load_settings(None, environment={})
    store = home.resolve(settings.store.path)
    store.parent.mkdir(mode=0o700)
    load = os.getloadavg()[0]
    began = time.monotonic()
    graph_store.make(store, edges)
    say(f"made {edges:,} edges in {time.monotonic() - began:.0f} s")
    shapes = _shapes(edges, questions)
    table: list[str] = []
    sizes: dict[str, int] = {}
    for shape in shapes:
        few = shape.references[:5]
        began_cpu = processor_seconds()
        times = time_each(lambda ref, verb=shape.verb: _one_shot(store, verb, ref), few)
        one_shot = _cpu(began_cpu, times)
        with open_store(store) as connection:
            ask: Callable[..., Answer] = getattr(api, shape.verb)
            first = ask(connection, shape.references[0])
            sizes[shape.name] = len(first.rows)
            table.append(_row(shape.name, "new process", len(first.rows), times, one_shot))
            began_cpu = processor_seconds()
            times = time_each(lambda ref, ask=ask: ask(connection, ref), shape.references)
            cpu = _cpu(began_cpu, times)
            table.append(_row(shape.name, "open store", len(first.rows), times, cpu))
            if len(first.rows) > MANY:
                began_cpu = processor_seconds()
                times = time_each(lambda _, first=first: to_json(first.to_dict()), few)
                cpu = _cpu(began_cpu, times)
                table.append(_row(shape.name, "its JSON alone", len(first.rows), times, cpu))
    memory = {"new process": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024}
    with _service(folder, memory) as pid:
        for shape in shapes:

            def asked(reference: str, verb: str = shape.verb) -> object:
                return ask_service(home, settings, verb, {"reference": reference}, store)

            asked(shape.references[0])
            if shape is shapes[0]:
                time.sleep(2 + edges / 2_000_000)  # what it loads in the background
            began_cpu = processor_seconds(pid)
            times = time_each(asked, shape.references)
            cpu = _cpu(began_cpu, times, pid)
            table.append(_row(shape.name, "running service", sizes[shape.name], times, cpu))
    table += _postgres(folder, store, shapes, sizes)
    took = time.monotonic() - began
    return [*_head(edges, questions, store, load), *table, "", _tail(memory, load, took)]


def _shapes(edges: int, count: int) -> list[Asked]:
    rng = random.Random(edges)  # noqa: S311 - no secret
    lanes = [rng.randrange(graph_store.lanes_of(edges)) for _ in range(count)]
    few = max(count // 20, 3)
    deep = [graph_store.DEEP - rng.randrange(50) for _ in range(few)]
    ladder = [2 * graph_store.LADDER - rng.randrange(20) for _ in range(few)]
    return [
        Asked(
            "ten hops up",
            "trace",
            [f"dataset:bench/lane{lane}@{graph_store.HOPS}" for lane in lanes],
        ),
        Asked("ten hops down", "impact", [f"dataset:bench/lane{lane}@0" for lane in lanes]),
        Asked("deep chain", "trace", [f"dataset:bench/deep@{version}" for version in deep]),
        Asked(
            "diamonds with self-loops",
            "trace",
            [f"dataset:bench/ladder@{version}" for version in ladder],
        ),
        Asked("fan-out", "impact", ["dataset:bench/wide@0"] * 3),
    ]


def _one_shot(store: Path, verb: str, reference: str) -> None:
    command = [sys.executable, "-c", _ONE_SHOT, str(store), verb, reference]
    subprocess.run(command, check=True)


@contextlib.contextmanager
def _service(folder: Path, memory: dict[str, float]) -> Generator[int]:
    """Run a service on the store of *folder*, give its id; note its memory when it has ended."""
    with subprocess.Popen(
        [sys.executable, str(ROOT / "bench/graph_service.py"), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        told, tell = process.stdout, process.stdin
        if told is None or tell is None or told.readline() != "ready\n":
            raise SystemExit("the service did not start")
        try:
            yield process.pid
        finally:
            tell.close()
            memory["running service"] = float(told.readline() or "nan")


def _postgres(folder: Path, store: Path, shapes: list[Asked], sizes: dict[str, int]) -> list[str]:
    try:
        server = postgres.start(folder)
    except postgres.Absent as absent:
        say(f"PostgreSQL left out: {absent}")
        return [f"| (PostgreSQL left out: {absent}) | | | | | | |"]
    with server:
        server.load(store)
        return [
            _row(
                shape.name,
                "PostgreSQL, ids alone",
                sizes[shape.name],
                server.closures(shape.verb, shape.references),
                None,
            )
            for shape in shapes
        ]


def _cpu(before: float, times: list[float], pid: int | None = None) -> float:
    return (processor_seconds(pid) - before) / len(times)


def _row(name: str, how: str, size: int, times: list[float], cpu: float | None) -> str:
    mean = "" if cpu is None else f"{1000 * cpu:,.1f}"
    line = f"| {name} | {how} | {size:,} | {cells(times)} | {mean} |"
    say(line)
    return line


def _head(edges: int, questions: int, store: Path, load: float) -> list[str]:
    machine = f"{platform.system()} {platform.release()} {platform.machine()}"
    return [
        f"Command: `.venv/bin/python bench/queries.py --edges {edges} --questions {questions}`.",
        f"Machine: {machine}, {os.cpu_count()} processors; load average before: {load:.1f}.",
        f"Store: {store.stat().st_size / 1e6:,.0f} MB, made by set-based SQL.",
        "PostgreSQL returns the ids of a closure and nothing else; Lineseal the whole answer with",
        "its evidence: a new process with its JSON too, a running service over its socket.",
        "Processor time is that of all processes of ours.",
        "",
        "| question | how | versions | p50 ms | p95 ms | p99 ms | processor ms, mean |",
        "|---|---|---|---|---|---|---|",
    ]


def _tail(memory: dict[str, float], load: float, took: float) -> str:
    used = ", ".join(f"{who} {size:,.0f}" for who, size in memory.items())
    return (
        f"Largest resident memory (MB): {used}. Load average before {load:.1f}, after "
        f"{os.getloadavg()[0]:.1f}; all of it took {took:,.0f} s."
    )


if __name__ == "__main__":
    main()
