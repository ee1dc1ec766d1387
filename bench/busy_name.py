"""What does a commit cost that touches a name with very many facts? Graph and sorted copies.

One artifact name gets its facts in one commit; then small commits touch it, each a run that
reads or writes it. Processor time of the graph (``resolve``) and of the sorted copies, for each
commit: what a commit costs that resolves only what it can change, beside one that resolves all
of the name (``narrow=False``), on copies of one store. Both must leave the same graph.

    .venv/bin/python bench/busy_name.py [--facts 10000 100000 500000]
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import duckdb
from ingest import machine

from lineseal.consumers.copies import update_copies
from lineseal.consumers.resolve import resolve

RESULT = Path(__file__).parent / "results" / "busy_name.md"
START = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - the store keeps UTC without zone


@dataclass(frozen=True)
class Story:
    """What is said of the name: every so many runs write it, what the others read (in SQL).

    ``also_writes`` says that the first run of each later commit writes a new version.
    """

    title: str
    writes: int
    read: str
    also_writes: bool = False

    def every(self, facts: int) -> int:
        """Say which share of *facts* are writes."""
        return max(2, facts // self.writes) if self.writes else 10


STORIES = (
    Story("reads of one version", 1, "'v0'"),
    Story("reads that name no version", 50, "NULL"),
    Story("a version for every nine reads of it", 0, "'v' || i // 10", also_writes=True),
    Story("a new version, reads that name none", 50, "NULL", also_writes=True),
)
_RUNS = """
INSERT INTO run_event BY NAME
SELECT
  'e-' || i AS event_id, 'p' || i % 8 AS producer, md5('run' || i) AS run_id,
  $start + to_seconds(i) AS event_time, $ingested AS ingest_time, 'COMPLETE' AS state,
  'emitter' AS origin, 'epoch' AS epoch
FROM range($first, $last) AS number(i)
"""
_USES = """
INSERT INTO run_io BY NAME
SELECT
  'e-' || i AS event_id, 'p' || i % 8 AS producer, md5('run' || i) AS run_id,
  CASE WHEN writes THEN 'output' ELSE 'input' END AS direction, 'dataset' AS kind,
  'lake' AS namespace, 'busy' AS name,
  CASE WHEN writes THEN 'v' || i // $every ELSE {read} END AS version,
  'emitter' AS origin, $start + to_seconds(i) AS event_time, $ingested AS ingest_time
FROM (SELECT i, i % $every = 0 AS writes FROM range($first, $last) AS number(i))
"""


def main() -> None:
    """Measure every story at every size and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--facts", type=int, nargs="+", default=[10_000, 100_000, 500_000])
    parser.add_argument("--commits", type=int, default=7, help="that touch the name, measured each")
    arguments = parser.parse_args()
    load = os.getloadavg()[1]
    rows = [
        measure(story, facts, arguments.commits) for story in STORIES for facts in arguments.facts
    ]
    write_results(arguments, rows, load)


def measure(story: Story, facts: int, commits: int) -> str:
    """Make the store, then commit on two copies of it; give the row of the table."""
    with tempfile.TemporaryDirectory(prefix="busy-name-") as folder:
        first = Path(folder) / "whole.duckdb"
        fill(first, story, facts)
        second = shutil.copy(first, Path(folder) / "narrow.duckdb")
        whole, narrow = duckdb.connect(str(first)), duckdb.connect(str(second))
        spent: dict[str, list[float]] = {"whole": [], "narrow": [], "copies": []}
        ways: dict[str, int] = {}
        for number in range(commits):
            for connection, kind in ((whole, "whole"), (narrow, "narrow")):
                graph, copies, ways = commit(connection, story, facts, number, kind == "narrow")
                spent[kind].append(graph)
                spent["copies"].append(copies)
        if content(whole) != content(narrow):
            raise SystemExit(f"{story.title}: the graphs differ")
    middle = {kind: statistics.median(values) * 1e3 for kind, values in spent.items()}
    row = (
        f"| {story.title} | {facts:,} | {middle['whole']:.0f} | {middle['narrow']:.0f} "
        f"| {middle['whole'] / middle['narrow']:.1f} | {', '.join(ways)} | {middle['copies']:.0f} |"
    )
    print(row, file=sys.stderr, flush=True)
    return row


def fill(path: Path, story: Story, facts: int) -> None:
    """Make a store with *facts* of one name."""
    with duckdb.connect(str(path)) as connection:
        for script in sorted(files("lineseal.schemas").joinpath("ddl").iterdir(), key=str):
            if script.name.endswith(".sql"):
                connection.execute(script.read_text("utf-8"))
        insert(connection, story, facts, (0, facts), START + dt.timedelta(days=300))
        resolve(connection, START + dt.timedelta(days=300))
        update_copies(connection, START + dt.timedelta(days=300))


def insert(
    connection: duckdb.DuckDBPyConnection,
    story: Story,
    facts: int,
    numbers: tuple[int, int],
    ingested: dt.datetime,
) -> None:
    """Insert runs with one fact each."""
    values = {"start": START, "ingested": ingested, "first": numbers[0], "last": numbers[1]}
    connection.execute(_RUNS, values)
    connection.execute(_USES.format(read=story.read), {**values, "every": story.every(facts)})


def commit(
    connection: duckdb.DuckDBPyConnection, story: Story, facts: int, number: int, narrow: bool
) -> tuple[float, float, dict[str, int]]:
    """Commit two runs; give the processor time of graph and copies, and how it was resolved."""
    ingested = START + dt.timedelta(days=301, seconds=number)
    connection.execute("BEGIN")
    begin = facts + 2 * number + 1
    insert(connection, story, facts, (begin, begin + 2), ingested)
    if story.also_writes:
        connection.execute(
            "UPDATE run_io SET direction = 'output', version = 'new-' || event_id"
            " WHERE event_id = ?",
            [f"e-{begin}"],
        )
    started = time.process_time()
    ways = resolve(connection, ingested, narrow=narrow)
    between = time.process_time()
    update_copies(connection, ingested)
    ended = time.process_time()
    connection.execute("COMMIT")
    return between - started, ended - between, ways


def content(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    """Give what the graph holds, as numbers that differ when it does."""
    return [
        connection.execute(f"SELECT count(*), bit_xor(hash(t)) FROM {table} t").fetchall()[0]  # noqa: S608
        for table in ("artifact_version", "edge", "run_input", "run_output", "version_reader")
    ]


def write_results(arguments: argparse.Namespace, rows: list[str], load: float) -> None:
    """Write the committed page of results."""
    facts = " ".join(map(str, arguments.facts))
    lines = [
        "# A name with very many facts",
        "",
        f"`.venv/bin/python bench/busy_name.py --facts {facts} --commits {arguments.commits}`",
        "",
        (
            f"{machine()}; load of the machine (5 minutes) {load:.1f} before. Median processor "
            f"time in milliseconds of {arguments.commits} commits of two runs that touch a name, "
            "measured by turns on copies of one store; both leave the same graph, row for row."
        ),
        "",
        "| what is said of the name | facts | graph, whole name | graph | times | way | copies |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
    ]
    RESULT.write_text("\n".join(lines))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
