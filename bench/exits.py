"""Answers whether a job can end, fork or run out of disk in a way that loses an accepted event.

    python bench/exits.py

Runs every case of ``tests/stress/jobs.py`` with and without an emitter and writes
``bench/results/exits.md``. The exit status is 1 when a promise was broken.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.stress.exits import NotHere, prepare, run_case  # noqa: E402
from tests.stress.jobs import DISKS, EXITS, FORKS, Case  # noqa: E402

from lineseal.settings import Home  # noqa: E402

GROUPS = (("Exit paths", EXITS), ("Forks", FORKS), ("Disk", DISKS))
HEAD = (
    "| case | emitted | refused | arrived | doubled | told as lost "
    "| exit status (without emitter) | |\n"
    "|---|---:|---:|---:|---:|---:|---:|---|\n"
)


def row(case: Case, prepared: Home) -> tuple[str, bool]:
    """Run *case* and return its line of the table, and whether all promises were kept."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            result = run_case(case, prepared, Path(folder))
    except NotHere as reason:
        return f"| {case.name} | | | | | | | not run: {reason} |\n", True
    faults = result.faults(case)
    numbers = (result.emitted, result.refused, result.arrived, result.doubled, result.told)
    cells = " | ".join(map(str, numbers))
    verdict = "; ".join(faults) or "kept"
    line = f"| {case.name} | {cells} | {result.status} ({result.plain}) | {verdict} |\n"
    if faults:
        print(line, result.errors, file=sys.stderr)
    return line, not faults


def main() -> int:
    """Run all cases and write the report."""
    text = (
        "# Exit paths, forks and disk faults\n\nWritten by `python bench/exits.py` on "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"{os.cpu_count()} cores.\n\n"
        "Emitted: `emit` returned an id. Refused: it returned none, with a warning. Arrived: in\n"
        "the log after `lineseal outbox seal`, verified and decoded, once. Told as lost: counted\n"
        "in signed headers; a disk that takes nothing at all cannot hold that either, and what\n"
        "was refused in the last 5 seconds before a kill may be untold.\n"
        "The disk cases use a tmpfs of 16 MiB.\n"
    )
    kept = True
    scratch = tempfile.TemporaryDirectory()
    prepared = prepare(Path(scratch.name))
    for name, cases in GROUPS:
        text += f"\n## {name}\n\n{HEAD}"
        for number, case in enumerate(cases, 1):
            print(f"{name} {number}/{len(cases)}: {case.name}", file=sys.stderr)
            line, good = row(case, prepared)
            text, kept = text + line, kept and good
    scratch.cleanup()
    results = ROOT / "bench" / "results" / "exits.md"
    results.parent.mkdir(exist_ok=True)
    results.write_text(text)
    print(text)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
