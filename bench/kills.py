"""Answers whether kill -9 or a failing system call can lose, double or tear what was accepted.

    python bench/kills.py [--kills 240] [--minutes 30]

First random kills of emitter, relay and materialiser, counted by the phase they hit; then, with
strace, KILL, EIO and ENOSPC at every call of emitter and materialiser that touches their files.
Writes ``bench/results/kills.md``; the exit status is 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.stress.injection import ERRORS, Injection, why_no_strace  # noqa: E402
from tests.stress.kills import AIMS, Tally, random_kills  # noqa: E402

PER_HOME = len(AIMS)
INJECTED = (
    "strace makes one call that touches a file of the home fail, or kills the process there.\n"
    "Points: such calls in one run; runs: how many of them were made to fail. After each, the\n"
    "next job and the next materialiser run, and the same is counted as above.\n\n"
    "| victim | call | fault | points | runs | broken |\n|---|---|---|---:|---:|---:|\n"
)


def kill_at_random(kills: int, minutes: float) -> tuple[str, int]:
    """Kill *kills* times or for *minutes*, a round of aims per home; return the report's part."""
    tally = Tally()
    deadline = time.monotonic() + 60 * minutes
    for start in range(0, kills, PER_HOME):
        if time.monotonic() > deadline:
            break
        print(f"random kills: {start}/{kills}, broken so far: {tally.broken}", file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            random_kills(Path(folder), tally, min(PER_HOME, kills - start), seed=start)
    text = f"## {tally.kills.total()} random kills\n\n| victim | phase | kills |\n|---|---|---:|\n"
    for (victim, phase), count in sorted(tally.kills.items()):
        text += f"| {victim} | {phase} | {count} |\n"
    text += (
        f"\nAccepted events: {tally.accepted}. Lost: {tally.lost}. Doubled: {tally.doubled}.\n"
        f"Stores whose rows and positions differ: {tally.torn}. Batches not shipped, or shipped\n"
        f"and never sealed: {tally.unshipped}. Stores that nothing could open:\n"
        f"{tally.unopenable}; that Lineseal made anew by itself: {tally.remade}.\n"
        "Batches set aside after three kills before the same one, kept, and judged again at the "
        f"end:\n{tally.set_aside}.\n\n"
    )
    return text, tally.broken


def inject(kind: str, minutes: float) -> tuple[str, int]:
    """Make one call fail per run of one kind of victim, and return the report's lines."""
    deadline = time.monotonic() + 60 * minutes
    runs: Counter[tuple[str, str]] = Counter()
    bad: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        injection = Injection(kind, Path(folder))
        plan = [(c, n, e) for c, found in injection.points.items() for n in found for e in ERRORS]
        # In random order, so that a run cut short by its time is a fair sample.
        random.Random(kind).shuffle(plan)  # noqa: S311
        for number, (call, point, error) in enumerate(plan):
            if time.monotonic() > deadline:
                break
            faults = injection.run(call, point, error)
            runs[call, error] += 1
            bad[call, error] += bool(faults)
            for fault in faults:
                print(f"{kind} {call} {error} {point}: {fault}", file=sys.stderr)
            if number % 20 == 0:
                print(f"{kind}: {number}/{len(plan)} injections", file=sys.stderr)
        text = "".join(
            f"| {kind} | {call} | {error} | {len(injection.points[call])} "
            f"| {runs[call, error]} | {bad[call, error]} |\n"
            for call in sorted(injection.points)
            for error in ERRORS
        )
    return text, bad.total()


def main() -> int:
    """Run both parts and write the report."""
    parser = argparse.ArgumentParser(description="Kill, and count what was lost.")
    parser.add_argument("--kills", type=int, default=240)
    parser.add_argument("--minutes", type=float, default=30, help="most time for each injection")
    parser.add_argument("--kill-minutes", type=float, default=60, help="most time for the kills")
    arguments = parser.parse_args()
    reason = why_no_strace()
    with ProcessPoolExecutor(3) as pool:
        random_part = pool.submit(kill_at_random, arguments.kills, arguments.kill_minutes)
        victims = () if reason else ("emit", "materialise")
        parts = [pool.submit(inject, kind, arguments.minutes) for kind in victims]
        killed, broken = random_part.result()
        injected = [part.result() for part in parts]
    lines = "".join(line for line, _ in injected)
    broken += sum(count for _, count in injected)
    text = (
        "# Kills\n\nWritten by `python bench/kills.py` with "
        f"`--kills {arguments.kills} --minutes {arguments.minutes:g} --kill-minutes "
        f"{arguments.kill_minutes:g}` on {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}, {os.cpu_count()} cores, load "
        f"{os.getloadavg()[0]:.0f} at the end.\n\n{killed}## One failing system call per run\n\n"
        + (f"Not run: {reason}.\n" if reason else INJECTED + lines)
    )
    results = ROOT / "bench" / "results" / "kills.md"
    results.parent.mkdir(exist_ok=True)
    results.write_text(text)
    print(text)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
