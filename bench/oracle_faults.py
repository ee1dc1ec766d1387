"""Tells how many random histories it takes the oracle to notice faults put into the product.

    .venv/bin/python bench/oracle_faults.py --histories 300

Writes ``bench/results/oracle_faults.md``; exits with 1 when a fault was not noticed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import pytest  # noqa: E402
from tests.property.answer_check import Disagreement  # noqa: E402
from tests.property.faults import FAULTS, Patch  # noqa: E402
from tests.property.oracle_check import check, open_store, stores  # noqa: E402

PAGE = ROOT / "bench" / "results" / "oracle_faults.md"
HEAD = """# Faults that the oracle notices

Each was put into the product, and random histories were compared until product and oracle said
different things; without a fault they said the same of all. A store holds up to 64 histories, the
smallest first, so they are counted in such steps.

| fault | noticed within so many histories | first in |
|---|---|---|
"""


def main() -> int:
    """Try every fault."""
    parser = argparse.ArgumentParser(description="Put faults into the product.")
    parser.add_argument("--histories", type=int, default=300)
    parser.add_argument("--first-seed", type=int, default=2_000_000)
    parser.add_argument("--only", default="", help="Faults whose names contain this.")
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.histories)
    needless = _notice(lambda _: None, seeds)
    if needless[0]:
        sys.stderr.write(f"without any fault: {needless}\n")
        return 1
    sys.stderr.write(f"without any fault nothing is noticed in {len(seeds)} histories\n")
    rows, missed = "", 0
    for name, fault in FAULTS.items():
        if arguments.only in name:
            noticed, where = _notice(fault, seeds)
            missed += noticed is None
            rows += f"| {name} | {noticed or 'not noticed'} | {where} |\n"
            sys.stderr.write(f"{name}: {noticed or 'not noticed'} {where}\n")
    if not arguments.only:
        command = f"`.venv/bin/python {' '.join(['bench/oracle_faults.py', *sys.argv[1:]])}`"
        PAGE.write_text(f"{HEAD}{rows}\nCommand: {command}.\n", "utf-8")
    return 1 if missed else 0


def _notice(fault: Patch, seeds: range) -> tuple[int | None, str]:
    asked = 0
    with pytest.MonkeyPatch.context() as patch, open_store() as connection:
        fault(patch)
        for together in sorted(stores(seeds), key=len):
            asked += len(together)
            try:
                check(connection, together, fast=True)
            except Disagreement as error:
                return asked, str(error).split("\n", 1)[0].split(": ", 1)[1].split(":")[0]
            except Exception as error:  # noqa: BLE001 - a question without an answer is noticed, too
                return asked, f"a crash: {type(error).__name__}"
    return None, ""


if __name__ == "__main__":
    sys.exit(main())
