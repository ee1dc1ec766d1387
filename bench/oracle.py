"""Compares the product with the brute-force oracle over many random histories.

    .venv/bin/python bench/oracle.py --histories 10000 --workers 2

Several histories share a store and are judged as one larger one; a tenth of the stores is filled
again by the real materialiser, from sealed batches, shuffled and doubled. Prints progress and every
disagreement with its seeds, writes ``bench/results/oracle.md``; exits with 1 when there was one.
What is asked depends on the seeds alone, not on how many processes share them. ``--continue`` goes
on behind the seeds of the page that is there, and adds to it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import duckdb  # noqa: E402
from tests.property.oracle_check import check, check_delivered, open_store, stores  # noqa: E402
from tests.property.random_histories import draw  # noqa: E402
from tests.property.sealed_history import is_deliverable  # noqa: E402

PAGE = ROOT / "bench" / "results" / "oracle.md"
BLOCK = 200
"""Histories that are shared out among stores at a time; a run ends behind a whole block."""
DELIVERED_EVERY = 10
TOLD_EVERY = 5
"""Seconds between two lines about how far it is, at least."""
RUNS = """| seeds | histories | disagreements | seconds | commit | command |
|---|---|---|---|---|---|
"""
SUMS = """| what, in all runs together | count |
|---|---|
"""
FOUND = "\n## What was found\n"
EARLIER = """
Before these runs, in stores of 12, 16 and 16 histories (seeds from 1, 730 and 1158): twice the
oracle was wrong about *when* a genesis matters that says that its outbox was lost: it hides what
came before it, however long before, and nothing after it. ADR-0005 says so. The third was the
product's: two branches of one genesis counted as a rollback, too, so models from before the fork
were possible instead of clean.
"""


NEW_PAGE = "", Counter[str](), EARLIER


@dataclass
class Campaign:
    """What was compared so far; ``following`` is the first seed that was not.

    ``told`` is when that was printed, in seconds since the start.
    """

    following: int
    counts: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    told: float = 0


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description="Compare trace and impact with the oracle.")
    parser.add_argument("--histories", type=int, default=10_000)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, help="Begin no more after so long.")
    parser.add_argument("--workers", type=int, default=1, help="Processes that share the stores.")
    parser.add_argument("--continue", dest="goes_on", action="store_true", help="Add to the page.")
    arguments = parser.parse_args()
    runs, before, found = _read_page() if arguments.goes_on else NEW_PAGE
    if runs:
        last = runs.splitlines()[-1].split("|")[1]
        arguments.first_seed = int(last.split(" to ")[1].replace(",", "")) + 1
    began, commit = time.monotonic(), _commit()
    campaign = _run(arguments, began)
    seconds = time.monotonic() - began
    seeds = f"{arguments.first_seed:,} to {campaign.following - 1:,}"
    command = f"`.venv/bin/python {' '.join(['bench/oracle.py', *sys.argv[1:]])}`"
    wrong = len(campaign.wrong)
    histories = campaign.counts["histories"]
    runs += f"| {seeds} | {histories:,} | {wrong} | {seconds:,.0f} | {commit} | {command} |\n"
    for item in campaign.wrong[:20]:
        found += f"\n```text\n{item}\n```\n"
    _write_page(runs, before + campaign.counts, found)
    sys.stdout.write(f"{dict(campaign.counts)}, {wrong} disagreements\n")
    return 1 if wrong else 0


def _run(arguments: argparse.Namespace, began: float) -> Campaign:
    campaign = Campaign(arguments.first_seed)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.workers, spawn) as pool:
        waiting: set[Future[tuple[Counter[str], str]]] = set()
        for number, seeds in enumerate(_shared(arguments, campaign, began)):
            waiting.add(pool.submit(judge, seeds, delivered=number % DELIVERED_EVERY == 0))
            while len(waiting) > 2 * arguments.workers:
                waiting = _collect(campaign, waiting, began)
        while waiting:
            waiting = _collect(campaign, waiting, began)
    return campaign


def _shared(
    arguments: argparse.Namespace, campaign: Campaign, began: float
) -> Iterator[Sequence[int]]:
    """Give the seeds of store after store, block by block until the time is over."""
    last = arguments.first_seed + arguments.histories
    minutes = arguments.minutes or float("inf")
    while campaign.following < last and time.monotonic() - began < 60 * minutes:
        start, campaign.following = campaign.following, min(campaign.following + BLOCK, last)
        # The smallest stores last, so that each stretch of a run has all sorts.
        yield from sorted(stores(range(start, campaign.following)), key=len, reverse=True)


def _collect(
    campaign: Campaign, waiting: set[Future[tuple[Counter[str], str]]], began: float
) -> set[Future[tuple[Counter[str], str]]]:
    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
    for future in done:
        counts, wrong = future.result()
        campaign.counts += counts
        if wrong:
            campaign.wrong.append(wrong)
            sys.stderr.write(f"{wrong}\n")
        seconds = time.monotonic() - began
        if seconds - campaign.told > TOLD_EVERY:
            campaign.told, histories = seconds, campaign.counts["histories"]
            speed = f"{histories} histories, {seconds:.0f} s, {histories / seconds:.1f} a second"
            sys.stderr.write(f"{speed}, {len(campaign.wrong)} wrong\n")
    return waiting


def judge(seeds: Sequence[int], *, delivered: bool) -> tuple[Counter[str], str]:
    """Compare the histories of one store; say what was counted, and what is wrong if anything."""
    counts: Counter[str] = Counter()
    try:
        counts += check(_store(), seeds, fast=True)
        if delivered:
            counts += _delivered(seeds)
    except Exception:  # noqa: BLE001 - an error of the product is no answer either
        return counts, f"seeds {list(seeds)}: {traceback.format_exc()}"
    return counts, ""


@cache
def _store() -> duckdb.DuckDBPyConnection:
    """Open one store for all that this process compares."""
    return open_store()


def _delivered(seeds: Sequence[int]) -> Counter[str]:
    """Ask again about those that can be sealed; they are no further histories."""
    fit = [seed for seed in seeds if is_deliverable(draw(seed))]
    if len(fit) < 2:
        return Counter()
    with tempfile.TemporaryDirectory() as folder:
        return check_delivered(Path(folder), fit)


def _read_page() -> tuple[str, Counter[str], str]:
    """Read the runs, the sums and what was found from the page of earlier runs."""
    if not PAGE.exists():
        return NEW_PAGE
    head, found = PAGE.read_text("utf-8").split(FOUND)
    runs, sums = head.split(RUNS)[1].split(SUMS)
    rows = [row.strip("| ").split(" | ") for row in sums.strip().splitlines()]
    return runs.strip() + "\n", Counter({k: int(n.replace(",", "")) for k, n in rows}), found


def _write_page(runs: str, counts: Counter[str], found: str) -> None:
    sums = "".join(f"| {name} | {count:,} |\n" for name, count in sorted(counts.items()))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    PAGE.write_text(
        f"# trace, impact and verdicts against the brute-force oracle\n\nMachine: {machine}.\n\n"
        f"{RUNS}{runs}\n{SUMS}{sums}{FOUND}{found}",
        "utf-8",
    )


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude", "*"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
