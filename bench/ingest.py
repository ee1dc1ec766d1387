"""How fast does a log become a store? Log of all bodies, verified, decoded, applied, committed.

Writes a log through the real sealer, several producers, seeded, then materialises it into fresh
stores: in columns, and one by one as without pyruhvro. Each in a process of its own, so that peak
memory is its own; the slow one stops after ``--slow`` events. Also how fast a log is verified
without decoding. Processor time is that of all threads, so it also counts on a machine that others
use. Budgets: DESIGN 12.

    .venv/bin/python bench/ingest.py [--events N]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
from history import History

from lineseal.consumers import commit, delivery, materialise
from lineseal.consumers.chain import Chains
from lineseal.consumers.columnar import judge, libraries
from lineseal.consumers.materialise import Materialiser
from lineseal.consumers.store import Store
from lineseal.schemas.codec import encode_event
from lineseal.schemas.ids import now_us
from lineseal.signing.keyring import KeyEntry, Keyring
from lineseal.signing.sealer import Sealer
from lineseal.signing.signers import generate_key
from lineseal.signing.verify import verify_batch
from lineseal.transport.embedded import EmbeddedLogReader, EmbeddedLogWriter

DEPLOYMENT = "bench"
PRODUCERS = 8
WORKERS = 2
RESULT = Path(__file__).parent / "results" / "ingest.md"

Spent = Counter[tuple[str, str]]
"""Seconds by part and kind: ``seconds`` on the clock, ``cpu`` of the processor."""


def main() -> None:
    """Run all and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000, help="events in the log")
    parser.add_argument("--batch", type=int, default=512, help="events in one batch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slow", type=int, default=100_000, help="events taken one by one")
    parser.add_argument("--folder", type=Path, help="keep log and stores here")
    parser.add_argument("--only", choices=["columns", "one-by-one", "verify"], help="measure one")
    parser.add_argument("--measure", choices=["columns", "one-by-one", "verify"])
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.folder, arguments.slow)))
        return
    load = os.getloadavg()[1]
    with contextlib.ExitStack() as stack:
        folder = arguments.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="ingest-"))
        )
        made = make_log(folder, arguments.events, arguments.batch, arguments.seed)
        ways = [arguments.only] if arguments.only else ["columns", "one-by-one", "verify"]
        answers = {way: run_apart(way, folder, arguments.slow) for way in ways}
    if not arguments.only:
        write_results(arguments, made, answers, (load, os.getloadavg()[1]))


# --- the log ----------------------------------------------------------------------------------


def make_log(
    folder: Path,
    events: int,
    batch: int,
    seed: int,
    invent: Callable[[str, int], History] = History,
) -> dict[str, Any]:
    """Seal *events* events into *folder*/log, or use what lies there already.

    What happened comes from *invent*, called with a producer and a seed.
    """
    about = folder / "about.json"
    if about.exists():
        return json.loads(about.read_text())
    note(f"sealing {events:,} events of {PRODUCERS} producers")
    folder.mkdir(parents=True, exist_ok=True)
    shares = [(folder, n, events // PRODUCERS, batch, seed + n, invent) for n in range(PRODUCERS)]
    started = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        made = pool.starmap(seal_producer, shares)
    sizes = [size for _, sizes in made for size in sizes]
    result = {
        "events": len(sizes),
        "median": statistics.median(sizes),
        "mean": statistics.fmean(sizes),
        "entries": [entry for entry, _ in made],
    }
    note(f"sealed in {time.perf_counter() - started:.0f} s, median {result['median']:.0f} bytes")
    about.write_text(json.dumps(result))
    return result


def seal_producer(
    folder: Path,
    number: int,
    count: int,
    size: int,
    seed: int,
    invent: Callable[[str, int], History],
) -> tuple[dict[str, str], list[int]]:
    """Seal one producer's events; give its key's entry and the size of each event."""
    name = f"producer-{number}"
    signer = generate_key(folder / f"{name}.pem")
    sealer = Sealer(signer, deployment=DEPLOYMENT, producer=name)
    chain, sizes, waiting = sealer.open_epoch(None), list[int](), list[bytes]()
    with contextlib.closing(EmbeddedLogWriter(folder / "log", name)) as log:
        for event in invent(name, seed).events(count):
            waiting.append(encode_event(event))
            sizes.append(len(waiting[-1]))
            if len(waiting) == size:
                value, chain = sealer.seal(chain, waiting)
                log.append(name, value)
                waiting = []
        if waiting:
            log.append(name, sealer.seal(chain, waiting)[0])
    public = signer.public
    return {
        "keyid": signer.keyid,
        "algorithm": public.algorithm,
        "public": public.hex,
        "producer": name,
    }, sizes


# --- measuring --------------------------------------------------------------------------------


def run_apart(way: str, folder: Path, slow: int) -> dict[str, Any]:
    """Measure one way in a process of its own."""
    note(f"measuring: {way}")
    command = [sys.executable, __file__, "--measure", way, "--folder", str(folder)]
    command += ["--slow", str(slow)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    rate, cost = answer["events"] / answer["seconds"], answer["cpu"] / answer["events"]
    note(f"{way}: {rate:,.0f} events/s, {cost * 1e6:.1f} us of processor time for each")
    return answer


def measure(way: str, folder: Path, slow: int) -> dict[str, Any]:
    """Verify, or materialise into a fresh store, and say how long each part took."""
    entries = json.loads((folder / "about.json").read_text())["entries"]
    keyring = Keyring(
        version=1,
        expires=now_us() + 10**15,
        deployment=DEPLOYMENT,
        entries=tuple(KeyEntry(**entry) for entry in entries),
    )
    reader = EmbeddedLogReader(folder / "log")
    spent: Spent = Counter()
    started = time.perf_counter()
    cpu = time.process_time()
    if way == "verify":
        events = verify_all(reader, keyring)
    else:
        events = materialise_all(way, folder / f"store-{way}", reader, keyring, spent, slow)
    return {
        "events": events,
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "spent": {part: spent[part, "seconds"] for part, what in spent if what == "seconds"},
        "spent_cpu": {part: spent[part, "cpu"] for part, what in spent if what == "cpu"},
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def verify_all(reader: EmbeddedLogReader, keyring: Keyring) -> int:
    """Check signature, header, root and chain of every batch; decode nothing."""
    chains, events = Chains(), 0
    while records := reader.poll(512, 0):
        for record in records:
            batch = verify_batch(
                record.value, keyring, deployment=DEPLOYMENT, at=now_us(), log_key=record.key
            )
            if not chains.admit(batch.header, batch.header_sha256):
                raise SystemExit("a batch came twice")
            events += len(batch.events)
    return events


def materialise_all(
    way: str, folder: Path, reader: EmbeddedLogReader, keyring: Keyring, spent: Spent, slow: int
) -> int:
    """Materialise the log into a fresh store, and time its parts; one by one only *slow* events."""
    shutil.rmtree(folder, ignore_errors=True)
    if way == "one-by-one":
        libraries.avro = None
    events = 0
    with timed(spent), Store(folder / "lineseal.duckdb", deployment=DEPLOYMENT) as store:
        materialiser = Materialiser(store, reader, lambda: keyring, DEPLOYMENT)
        while not (report := materialiser.step()).idle:
            if report.rejects:
                raise SystemExit(f"refused: {report.rejects}")
            events += report.events
            print(f"\r  {events:,} events", end="", file=sys.stderr)
            if way == "one-by-one" and events >= slow:
                break
        print(file=sys.stderr)
        closing = contextlib.ExitStack()
        closing.enter_context(stopped(spent, "commit"))
    closing.close()
    return events


@contextlib.contextmanager
def timed(spent: Spent) -> Iterator[None]:
    """Time the parts of the pipeline by wrapping the functions that are them."""
    parts: list[tuple[str, Any, str]] = [
        ("read", EmbeddedLogReader, "poll"),
        ("verify", delivery, "judge_record"),
        ("decode", judge, "decode"),
        ("guard", judge, "_keep"),
        ("apply", judge, "to_tables"),
        ("decode, guard", delivery, "judge_events"),
        ("apply", delivery, "apply"),
        ("write rows", commit.TableWriter, "insert_all"),
        ("graph", commit, "resolve"),
        ("sorted copies", commit, "update_copies"),
        ("findings", commit, "update_chain_findings"),
        ("findings", commit, "update_key_findings"),
        ("findings", commit, "finding_entries"),
        ("findings", materialise, "open_findings"),
        ("sealed log", commit, "append_entries"),
        ("commit", Materialiser, "_seal_commit"),
    ]
    with contextlib.ExitStack() as stack:
        for part, owner, name in parts:
            original = getattr(owner, name)
            setattr(owner, name, stopwatch(original, part, spent))
            stack.callback(setattr, owner, name, original)
        yield


def stopwatch(function: Callable[..., Any], part: str, spent: Spent) -> Callable[..., Any]:
    """Wrap *function* so that its time is added to *part*; a generator is run to its end."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with stopped(spent, part):
            result = function(*args, **kwargs)
            return list(result) if part == "decode" else result

    return wrapped


@contextlib.contextmanager
def stopped(spent: Spent, part: str) -> Iterator[None]:
    """Add what the block takes to *part*."""
    started, cpu = time.perf_counter(), time.process_time()
    try:
        yield
    finally:
        spent[part, "seconds"] += time.perf_counter() - started
        spent[part, "cpu"] += time.process_time() - cpu


# --- saying it --------------------------------------------------------------------------------


def write_results(
    arguments: argparse.Namespace,
    made: dict[str, Any],
    answers: dict[str, dict[str, Any]],
    load: tuple[float, float],
) -> None:
    """Write the committed page of results."""
    columns, slow, verify = (answers[way] for way in ("columns", "one-by-one", "verify"))
    rate = {way: a["events"] / a["seconds"] for way, a in answers.items()}
    lines = [
        "# Log to store",
        "",
        (
            f"`.venv/bin/python bench/ingest.py --events {arguments.events}"
            f" --batch {arguments.batch} --seed {arguments.seed} --slow {arguments.slow}`"
        ),
        "",
        (
            f"{machine()}; load of the machine (5 minutes) {load[0]:.1f} before and {load[1]:.1f} "
            f"after: what others take makes seconds longer. {made['events']:,} events of all "
            f"bodies from {PRODUCERS} producers in batches of {arguments.batch}, median "
            f"{made['median']:.0f} bytes, mean {made['mean']:.0f}. Every guard on; rows, graph and "
            "positions in one transaction."
        ),
        "",
        "| what | events | events/s | budget | s | CPU s | CPU µs/event | peak memory |",
        "|---|---|---|---|---|---|---|---|",
        row("log to store, in columns", rate["columns"], "50,000", columns),
        row("log to store, one by one (no pyruhvro)", rate["one-by-one"], "printed", slow),
        row("verify only: signature, header, root, chain", rate["verify"], "100,000", verify),
        "",
        f"In columns is {rate['columns'] / rate['one-by-one']:.1f} times as fast.",
        "",
        "| CPU µs/event | in columns | share | one by one | share |",
        "|---|---|---|---|---|",
        *shares(columns, slow),
        "",
    ]
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text("\n".join(lines))
    print("\n".join(lines))


def row(what: str, rate: float, budget: str, answer: dict[str, Any]) -> str:
    """Render one way as a row."""
    return (
        f"| {what} | {answer['events']:,} | {rate:,.0f} | {budget} | {answer['seconds']:.1f} "
        f"| {answer['cpu']:.1f} | {answer['cpu'] / answer['events'] * 1e6:.1f} "
        f"| {answer['rss']:.0f} MB |"
    )


def shares(columns: dict[str, Any], slow: dict[str, Any]) -> list[str]:
    """Render which part took how much of the processor; the rest is what no part covers."""
    parts = ["read", "verify", "decode", "guard", "decode, guard", "apply"]
    parts += ["write rows", "graph", "sorted copies", "findings", "sealed log", "commit"]
    lines: list[str] = []
    for part in parts:
        cells = [cell(a["spent_cpu"].get(part, 0), a) for a in (columns, slow)]
        lines.append(f"| {part} | {' | '.join(cells)} |")
    rest = [cell(a["cpu"] - sum(a["spent_cpu"].values()), a) for a in (columns, slow)]
    return [*lines, f"| the rest | {' | '.join(rest)} |"]


def cell(seconds: float, answer: dict[str, Any]) -> str:
    """Render processor time for each event, and as a share."""
    return f"{seconds / answer['events'] * 1e6:.1f} | {seconds / answer['cpu']:.0%}"


def machine() -> str:
    """Describe this machine."""
    return (
        f"{multiprocessing.cpu_count()} cores, Linux {platform.release()}, Python "
        f"{platform.python_version()}, DuckDB {duckdb.__version__}"
    )


def note(text: str) -> None:
    """Say something to whoever waits."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
