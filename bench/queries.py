"""Times trace and impact on a large graph, beside indexed PostgreSQL with the same graph.

    .venv/bin/python bench/queries.py --edges 10000000

Makes a store (see ``graph_store``), asks random questions in a running process and in new ones,
loads the same edges into a private PostgreSQL with indexes, asks it for the same closures, and
writes ``bench/results/queries-EDGES.md``. PostgreSQL is left out, with the reason, when absent.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "bench"))

import graph_store  # noqa: E402
import postgres  # noqa: E402

from lineseal.commandline.output import to_json  # noqa: E402
from lineseal.queries import api  # noqa: E402
from lineseal.queries.database import open_store  # noqa: E402

Timings = list[float]
"""Seconds."""
_ONE_SHOT = """
import sys
from pathlib import Path
from lineseal.commandline.output import to_json
from lineseal.queries import api
from lineseal.queries.database import open_store
with open_store(Path(sys.argv[1])) as connection:
    to_json(getattr(api, sys.argv[2])(connection, sys.argv[3]).to_dict())
"""


def main() -> None:
    """Make the graph, ask, write the page."""
    parser = argparse.ArgumentParser(description="Time trace and impact on a large graph.")
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="where to make the stores; default: temporary")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        lines = _measure(Path(folder), arguments.edges, arguments.questions)
    target = ROOT / "bench" / "results" / f"queries-{arguments.edges}.md"
    target.write_text("\n".join(lines) + "\n", "utf-8")
    _say(f"wrote {target}")


def _measure(folder: Path, edges: int, questions: int) -> list[str]:
    store = folder / "lineseal.duckdb"
    began = time.monotonic()
    graph_store.make(store, edges)
    _say(f"made {edges} edges in {time.monotonic() - began:.0f} s")
    asked = _questions(edges, questions)
    table: list[str] = []
    sizes: dict[str, int] = {}
    with open_store(store) as connection:
        for name, (verb, references) in asked.items():
            ask: Callable[..., object] = getattr(api, verb)
            first = getattr(api, verb)(connection, references[0])
            sizes[name] = len(first.rows)
            times = _time(lambda ref, ask=ask: ask(connection, ref), references)
            table.append(_row(name, "running process", sizes[name], times))
            if sizes[name] > graph_store.DEEP * 10:
                rendered = _time(lambda _, first=first: to_json(first.to_dict()), references[:1])
                table.append(_row(name, "rendering its JSON", sizes[name], rendered))
    for name, (verb, references) in asked.items():
        times = _time(lambda ref, verb=verb: _one_shot(store, verb, ref), references[:5])
        table.append(_row(name, "new process", sizes[name], times))
    table += _postgres(folder, store, asked, sizes)
    return [*_head(edges, questions, store), *table, "", _memory()]


def _questions(edges: int, count: int) -> dict[str, tuple[str, list[str]]]:
    rng = random.Random(edges)  # noqa: S311 - no secret
    lanes = [rng.randrange(graph_store.lanes_of(edges)) for _ in range(count)]
    few = max(count // 40, 3)
    return {
        "ten hops up": ("trace", [f"dataset:bench/lane{n}@{graph_store.HOPS}" for n in lanes]),
        "ten hops down": ("impact", [f"dataset:bench/lane{n}@0" for n in lanes]),
        "deep chain": ("trace", [f"dataset:bench/deep@{graph_store.DEEP}"] * few),
        "ladder with self-loops": (
            "trace",
            [f"dataset:bench/ladder@{2 * graph_store.LADDER}"] * few,
        ),
        "fan-out": ("impact", ["dataset:bench/wide@0"] * few),
    }


def _one_shot(store: Path, verb: str, reference: str) -> None:
    command = [sys.executable, "-c", _ONE_SHOT, str(store), verb, reference]
    subprocess.run(command, check=True)


def _postgres(
    folder: Path,
    store: Path,
    asked: dict[str, tuple[str, list[str]]],
    sizes: dict[str, int],
) -> list[str]:
    try:
        server = postgres.start(folder)
    except postgres.Absent as absent:
        _say(f"PostgreSQL left out: {absent}")
        return [f"| (PostgreSQL left out: {absent}) | | | | | |"]
    with server:
        server.load(store)
        return [
            _row(name, "PostgreSQL, one session", sizes[name], server.closures(verb, references))
            for name, (verb, references) in asked.items()
        ]


def _time(ask: Callable[[str], object], references: Sequence[str]) -> Timings:
    found: Timings = []
    for reference in references:
        began = time.perf_counter()
        ask(reference)
        found.append(time.perf_counter() - began)
    return found


def _row(name: str, how: str, size: int, times: Timings) -> str:
    ordered = sorted(times)
    places = (
        ordered[min(int(len(ordered) * share), len(ordered) - 1)] for share in (0.5, 0.95, 0.99)
    )
    cells = " | ".join(f"{1000 * seconds:,.1f}" for seconds in places)
    line = f"| {name} | {how} | {size:,} | {cells} |"
    _say(line)
    return line


def _head(edges: int, questions: int, store: Path) -> list[str]:
    machine = subprocess.run(
        ["uname", "-srm"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    return [
        f"# trace and impact on {edges:,} edges",
        "",
        f"Command: `.venv/bin/python bench/queries.py --edges {edges} --questions {questions}`.",
        f"Machine: {machine}. Store: {store.stat().st_size / 1e6:,.0f} MB, made by set-based SQL.",
        "PostgreSQL returns the ids of the closure only; Lineseal the whole answer with evidence.",
        "",
        "| question | how | versions | p50 ms | p95 ms | p99 ms |",
        "|---|---|---|---|---|---|",
    ]


def _memory() -> str:
    used = {
        who: resource.getrusage(number).ru_maxrss / 1024
        for who, number in (
            ("this process", resource.RUSAGE_SELF),
            ("largest child", resource.RUSAGE_CHILDREN),
        )
    }
    return "Largest resident memory (MB): " + json.dumps({k: round(v) for k, v in used.items()})


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
