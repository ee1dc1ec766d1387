"""However a job ends, forks or runs out of disk: what ``emit`` accepted arrives, the rest is told.

What is promised: every event whose id the job has seen is in the log exactly once; the job's exit
status is the one it has without an emitter; what had to be refused is counted under signature,
also on a full disk. Source: DESIGN 5; faults F17, F52 to F54. ``bench/exits.py`` writes the table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.stress.exits import NotHere, Result, prepare, run_case
from tests.stress.jobs import DISKS, EXITS, FORKS, Case
from tests.unit.producers.world import said_in

from lineseal.settings import Home

SIDE_BY_SIDE = 4
"""Jobs that run at once: most of them wait for something, most of the time."""
CASES = (*EXITS, *FORKS, *DISKS)
BIG = next(case for case in EXITS if "60 KiB" in case.name)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return an empty folder for each case."""
    return {case.name: tmp_path_factory.mktemp("case") for case in CASES}


@pytest.fixture(scope="module")
def results(
    folders: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Generator[dict[str, Future[Result]]]:
    """Start all cases that were asked for; each test takes its own result."""
    asked = {str(item.name) for item in request.session.items}
    prepared = prepare(tmp_path_factory.mktemp("prepared"))
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {
            case.name: pool.submit(run_case, case, prepared, folders[case.name])
            for case in CASES
            if case is BIG or any(f"[{case.name}]" in name for name in asked)
        }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_accepted_is_lost_and_the_status_is_the_jobs_own(
    case: Case, results: dict[str, Future[Result]]
) -> None:
    """One way to end, with and without an emitter."""
    try:
        result = results[case.name].result()
    except NotHere as reason:
        pytest.skip(str(reason))

    assert result.faults(case) == [], result.errors


def test_a_run_above_60_kib_arrives_in_parts(
    results: dict[str, Future[Result]], folders: dict[str, Path]
) -> None:
    """Every one of its 1,500 inputs, once, spread over several events."""
    result = results[BIG.name].result()

    said = said_in(Home(folders[BIG.name] / ".lineseal"))
    runs = [one.body for one in said if one.body_name == "run"]
    inputs = Counter(use["artifact"]["name"] for run in runs for use in run["inputs"])

    assert result.other >= 4, "START, at least two parts, COMPLETE"
    assert set(inputs) == {f"part-{n:04}-" + "x" * 60 for n in range(1500)}
    assert set(inputs.values()) == {1}
