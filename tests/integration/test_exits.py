"""However a job ends, forks or runs out of disk: what ``emit`` accepted arrives, the rest is told.

What is promised: every event whose id the job has seen is in the log exactly once; the job's exit
status is the one it has without an emitter; what had to be refused is counted under signature,
also on a full disk. Source: DESIGN 5; faults F17, F52 to F54. ``bench/exits.py`` writes the table.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.stress.exits import NotHere, run_case
from tests.stress.jobs import DISKS, EXITS, FORKS, Case


@pytest.mark.parametrize("case", [*EXITS, *FORKS, *DISKS], ids=lambda case: case.name)
def test_nothing_accepted_is_lost_and_the_status_is_the_jobs_own(
    case: Case, tmp_path: Path
) -> None:
    """One way to end, with and without an emitter."""
    try:
        result = run_case(case, tmp_path)
    except NotHere as reason:
        pytest.skip(str(reason))

    assert result.faults(case) == [], result.errors


def test_a_run_above_60_kib_arrives_in_parts(tmp_path: Path) -> None:
    """Every one of its 1,500 inputs, spread over several events."""
    case = next(case for case in EXITS if "60 KiB" in case.name)

    result = run_case(case, tmp_path)

    assert result.other >= 4, "START, at least two parts, COMPLETE"
