"""Times what a responder asks on the day: diff, last-good, gate, impact from a source, evidence.

    .venv/bin/python bench/response.py --edges 1000000

All but evidence are asked on a store with a large graph (see ``graph_store``), held open as a
service does; evidence needs sealed batches, so cases are made from a store with as many edges that
was materialised from a log (see ``pipelines``). Starts are random. Writes a section of
``bench/results/response.md``.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import graph_store
import ingest
from pipelines import EDGES_PER_EVENT, Pipelines
from timing import cells, processor_seconds, say, time_each, write_section
from verify import make_store

from lineseal.commandline.output import Answer
from lineseal.consumers.evidence.archive import to_zip
from lineseal.consumers.evidence.closure import close_over
from lineseal.consumers.evidence.collect import Collector
from lineseal.queries import api
from lineseal.queries.database import open_store
from lineseal.queries.diff.answer import diff
from lineseal.queries.gate.answer import gate
from lineseal.queries.record.timeline import timeline
from lineseal.queries.rollback.answer import last_good
from lineseal.settings import Home
from lineseal.signing.keyring_file import load_keyring
from lineseal.signing.signers import file_uri, load_signer

RESULTS = Path(__file__).parent / "results"
LAST = graph_store.HOPS
EVIDENCE_BATCH = 64
"""Events that a producer seals together, where each batch is a file of a case."""
_FEW = 3
"""Times a question is asked that takes seconds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: a name, what asks it, and its starts."""

    name: str
    ask: Callable[[Any], Answer]
    starts: list[Any]


def main() -> None:
    """Make the stores, ask, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--cases", type=int, default=60, help="for evidence; 0: leave it out")
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to make the stores; default: temporary")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="response-") as folder:
        rows = _graph(Path(folder), arguments)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if arguments.cases:
            rows += _evidence(Path(folder) / "evidence", arguments)
    _write(arguments, rows, load, memory)


def _graph(folder: Path, arguments: argparse.Namespace) -> list[str]:
    began = time.monotonic()
    store = folder / "graph.duckdb"
    graph_store.make(store, arguments.edges)
    say(f"made {arguments.edges:,} edges in {time.monotonic() - began:.0f} s")
    rng = random.Random(arguments.seed)  # noqa: S311 - no secret
    with open_store(store) as connection:
        return [_measure(asked) for asked in _questions(connection, rng, arguments)]


def _questions(
    connection: duckdb.DuckDBPyConnection, rng: random.Random, arguments: argparse.Namespace
) -> list[Asked]:
    lanes = [
        rng.randrange(graph_store.lanes_of(arguments.edges)) for _ in range(arguments.questions)
    ]
    names = [f"dataset:bench/lane{lane}" for lane in lanes]
    deep = [graph_store.DEEP - rng.randrange(50) for _ in range(_FEW)]
    ref = "{}@{}".format

    def compared(name: str) -> Answer:
        return diff(connection, ref(name, LAST // 2), ref(name, LAST))

    def compared_deep(number: int) -> Answer:
        name = "dataset:bench/deep"
        return diff(connection, ref(name, number - 100), ref(name, number))

    def told(name: str) -> Answer:
        return timeline(connection, ref(name, LAST), ancestry=True)

    def good(name: str) -> Answer:
        return last_good(connection, name, without=[ref(name, 0)])

    def judged(name: str) -> Answer:
        return gate(connection, "promote", ref(name, LAST))

    def dosed(name: str) -> Answer:
        return api.impact(connection, ref(name, 0), dose=True)

    def from_source(name: str) -> Answer:
        return api.impact(connection, f"source:s3://{name.removeprefix('dataset:')}0")

    return [
        Asked("diff of two versions", compared, names),
        Asked("diff of two deep chains", compared_deep, deep),
        Asked("timeline with ancestry", told, names),
        Asked("last-good of 11 versions, none good", good, names),
        Asked("gate promote", judged, names),
        Asked("impact with dose", dosed, names),
        Asked("impact of a source", from_source, names),
    ]


def _measure(asked: Asked) -> str:
    size = len(asked.ask(asked.starts[0]).rows)
    began = processor_seconds()
    times = time_each(asked.ask, asked.starts)
    cpu = 1000 * (processor_seconds() - began) / len(times)
    line = f"| {asked.name} | {len(times)} | {size:,} rows | {cells(times)} | {cpu:,.1f} |"
    say(line)
    return line


def _evidence(folder: Path, arguments: argparse.Namespace) -> list[str]:
    """Make cases about random versions of a store that was materialised."""
    folder.mkdir()
    events = round(arguments.edges / EDGES_PER_EVENT)
    ingest.make_log(folder, events, EVIDENCE_BATCH, arguments.seed, Pipelines)
    settings = make_store(folder)
    home = Home(folder)
    keyring = load_keyring(home.keyring, roots=settings.deployment.roots, threshold=1)
    signer = load_signer(file_uri(folder / "log.pem"))
    rng = random.Random(arguments.seed)  # noqa: S311 - no secret
    with open_store(folder / "store.duckdb") as connection:
        edges, versions = _versions(connection)
        starts = rng.sample(versions, min(arguments.cases, len(versions)))
        sizes: list[int] = []

        def case(reference: str) -> None:
            closure = close_over(connection, reference)
            collector = Collector(connection, closure, keyring, settings.deployment)
            sizes.append(len(to_zip(collector.collect(signer, []))))

        began = processor_seconds()
        times = time_each(case, starts)
        cpu = 1000 * (processor_seconds() - began) / len(times)
    middle = sorted(sizes)[len(sizes) // 2]
    line = (
        f"| evidence, in a store of {edges:,} edges from {events:,} events | {len(times)} "
        f"| {middle / 1000:,.0f} kB (median) | {cells(times)} | {cpu:,.1f} |"
    )
    say(line)
    return [line]


def _versions(connection: duckdb.DuckDBPyConnection) -> tuple[int, list[str]]:
    ((edges,),) = connection.execute("SELECT count(*) FROM edge WHERE known_to IS NULL").fetchall()
    rows = connection.execute(
        "SELECT kind || ':' || namespace || '/' || name || '@' || version FROM artifact_version"
        " WHERE known_to IS NULL AND version IS NOT NULL AND made AND NOT conflict ORDER BY 1"
    ).fetchall()
    return edges, [reference for (reference,) in rows]


def _write(arguments: argparse.Namespace, rows: list[str], load: float, memory: float) -> None:
    command = f"bench/response.py --edges {arguments.edges} --cases {arguments.cases}"
    machine = f"{platform.system()} {platform.release()} {platform.machine()}"
    loads = f"{load:.1f} before, {os.getloadavg()[0]:.1f} after"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines = [
        f"Command: `.venv/bin/python {command} --questions {arguments.questions}`.",
        f"Machine: {machine}, {os.cpu_count()} processors. Load average: {loads}.",
        "Each question is asked of an open store, about random starts, one after the other.",
        "",
        "| question | asked | size of one answer | p50 ms | p95 ms | p99 ms | processor ms, mean |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
        f"Largest resident memory (MB): {memory:,.0f} with the graph, {peak:,.0f} in the end.",
    ]
    write_section(
        RESULTS / "response.md", "What a responder asks", f"{arguments.edges:,} edges", lines
    )


if __name__ == "__main__":
    main()
