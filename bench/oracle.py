"""Compares the product with the brute-force oracle over many random histories.

    .venv/bin/python bench/oracle.py --histories 10000

Prints progress and every disagreement with its seed, writes ``bench/results/oracle.md``, and exits
with 1 when there was one. A history can be asked again with ``--first-seed SEED --histories 1``.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.property.oracle_check import Disagreement, check  # noqa: E402
from tests.unit.queries.graph_builder import empty_store  # noqa: E402


def main() -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description="Compare trace and impact with the oracle.")
    parser.add_argument("--histories", type=int, default=10_000)
    parser.add_argument("--first-seed", type=int, default=0)
    arguments = parser.parse_args()
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    began = time.monotonic()
    store = empty_store()
    for number in range(arguments.histories):
        seed = arguments.first_seed + number
        try:
            counts += check(store, seed)
        except Disagreement as error:
            wrong.append(str(error))
            sys.stderr.write(f"{error}\n")
        if number % 100 == 99:
            seconds = time.monotonic() - began
            sys.stderr.write(f"{number + 1} histories, {seconds:.0f} s, {len(wrong)} wrong\n")
            _write(arguments, counts, wrong, seconds)
    _write(arguments, counts, wrong, time.monotonic() - began)
    sys.stdout.write(f"{dict(counts)}, {len(wrong)} disagreements\n")
    return 1 if wrong else 0


def _write(
    arguments: argparse.Namespace, counts: Counter[str], wrong: list[str], seconds: float
) -> None:
    rows = "\n".join(f"| {name} | {count:,} |" for name, count in sorted(counts.items()))
    text = f"""# trace, impact and verdicts against the brute-force oracle

Command: `.venv/bin/python bench/oracle.py --histories {arguments.histories} --first-seed \
{arguments.first_seed}`. Machine: {platform.machine()}, Python {platform.python_version()}, \
{seconds:.0f} s.

| what | count |
|---|---|
{rows}
| disagreements | {len(wrong)} |
"""
    details = "".join(f"\n```text\n{item}\n```\n" for item in wrong[:20])
    (ROOT / "bench" / "results" / "oracle.md").write_text(text + details, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
