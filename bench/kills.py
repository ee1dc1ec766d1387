"""Answers whether kill -9 or a failing system call can lose, double or tear what was accepted.

    python bench/kills.py [--kills 240] [--minutes 30] [--only KILL|EIO|ENOSPC]

First random kills of emitter, relay and materialiser, counted by the phase they hit; then, with
strace, KILL, EIO and ENOSPC at every call of emitter and materialiser that touches their files.
Writes ``bench/results/kills.md``; the exit status is 1 when a promise was broken. With ``--only``
there are no random kills, and only the last section of the report, for that fault, is replaced.
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
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.stress.injection import ERRORS, Injection, why_no_strace  # noqa: E402
from tests.stress.kills import AIMS, Tally, random_kills  # noqa: E402

PER_HOME = len(AIMS)
_ONLY = "\n## Only "
INJECTED = (
    "strace makes one call that touches a file of the home fail, or kills the process there.\n"
    "Points: such calls in one run; runs: how many were tried; not reached: of these, how many\n"
    "runs did not come to the call, or came in another thread to one of the same number that\n"
    "touches no file of the home, and so show nothing. That the call failed, or that the process\n"
    "was killed, is read from the trace. After each, the next job and the next materialiser run,\n"
    "and what was lost, doubled or torn is counted.\n\n"
    "| victim | call | fault | points | runs | not reached | broken |\n"
    "|---|---|---|---:|---:|---:|---:|\n"
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


def _run(injection: Injection, call: str, point: int, error: str) -> list[str] | None:
    """Run one injection; one that strace did not make counts as broken, and the others go on."""
    try:
        return injection.run(call, point, error)
    except RuntimeError as wrong:
        return [str(wrong)]


def inject(kind: str, minutes: float, errors: Sequence[str]) -> tuple[str, int]:
    """Make one call fail per run of one kind of victim, and return the report's lines."""
    deadline = time.monotonic() + 60 * minutes
    runs: Counter[tuple[str, str]] = Counter()
    missed: Counter[tuple[str, str]] = Counter()
    bad: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        injection = Injection(kind, Path(folder))
        plan = [(c, n, e) for c, found in injection.points.items() for n in found for e in errors]
        # In random order, so that a run cut short by its time is a fair sample.
        random.Random(kind).shuffle(plan)  # noqa: S311
        for number, (call, point, error) in enumerate(plan):
            if time.monotonic() > deadline:
                break
            faults = _run(injection, call, point, error)
            runs[call, error] += 1
            missed[call, error] += faults is None
            bad[call, error] += bool(faults)
            for fault in faults or ():
                print(f"{kind} {call} {error} {point}: {fault}", file=sys.stderr)
            if number % 20 == 0:
                print(f"{kind}: {number}/{len(plan)} injections", file=sys.stderr)
        text = "".join(
            f"| {kind} | {call} | {error} | {len(injection.points[call])} "
            f"| {runs[call, error]} | {missed[call, error]} | {bad[call, error]} |\n"
            for call in sorted(injection.points)
            for error in errors
        )
    return text, bad.total()


def where() -> str:
    """Describe the machine and its load."""
    return (
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.0f} at the end."
    )


def only(error: str, minutes: float, results: Path, reason: str | None) -> int:
    """Inject one fault alone and write it as the report's last section."""
    if reason:
        print(reason, file=sys.stderr)
        return 1
    with ProcessPoolExecutor(2) as pool:
        parts = [pool.submit(inject, k, minutes, (error,)) for k in ("emit", "materialise")]
        injected = [part.result() for part in parts]
    before = results.read_text() if results.exists() else "# Kills\n"
    section = (
        f"{_ONLY}{error}\n\nWritten by `python bench/kills.py --only {error} --minutes "
        f"{minutes:g}` on {where()}\n\n{INJECTED}{''.join(line for line, _ in injected)}"
    )
    results.write_text(before.split(f"{_ONLY}{error}\n")[0] + section)
    print(section)
    return 1 if sum(count for _, count in injected) else 0


def main() -> int:
    """Run both parts and write the report."""
    parser = argparse.ArgumentParser(description="Kill, and count what was lost.")
    parser.add_argument("--kills", type=int, default=240)
    parser.add_argument("--minutes", type=float, default=30, help="most time for each injection")
    parser.add_argument("--kill-minutes", type=float, default=60, help="most time for the kills")
    parser.add_argument("--only", choices=ERRORS, help="this fault alone, no random kills")
    arguments = parser.parse_args()
    results = ROOT / "bench" / "results" / "kills.md"
    results.parent.mkdir(exist_ok=True)
    reason = why_no_strace()
    if arguments.only is not None:
        return only(arguments.only, arguments.minutes, results, reason)
    with ProcessPoolExecutor(3) as pool:
        random_part = pool.submit(kill_at_random, arguments.kills, arguments.kill_minutes)
        victims = () if reason else ("emit", "materialise")
        parts = [pool.submit(inject, kind, arguments.minutes, ERRORS) for kind in victims]
        killed, broken = random_part.result()
        injected = [part.result() for part in parts]
    lines = "".join(line for line, _ in injected)
    broken += sum(count for _, count in injected)
    text = (
        "# Kills\n\nWritten by `python bench/kills.py` with "
        f"`--kills {arguments.kills} --minutes {arguments.minutes:g} --kill-minutes "
        f"{arguments.kill_minutes:g}` on {where()}\n\n{killed}"
        "## One failing system call per run\n\n"
        + (f"Not run: {reason}.\n" if reason else INJECTED + lines)
    )
    results.write_text(text)
    print(text)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
