"""With too little memory a materialiser takes smaller steps, and loses nothing when it has to stop.

What is promised: when DuckDB runs out of memory over a step, the next one takes half as much, until
it fits; when one record does not fit, the step says why and the store is as it was. The memory of a
real store is limited here; nothing is pretended. Source: fault list F58.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.loads import assert_consistent, big_batches
from tests.simulator import MemoryReader, Pipeline

from lineseal.consumers.materialise import Materialiser
from lineseal.consumers.store import Store
from lineseal.schemas.errors import StoreError

BATCHES = 24
ENOUGH_FOR_SOME, ENOUGH_FOR_NONE = "20MB", "12MB"


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """Give a store with nothing in it, and a log of 17 MB."""
    pipeline = Pipeline(tmp_path)
    pipeline.materialise()
    big_batches(pipeline.producer("trainer"), BATCHES)
    return pipeline


def steps(pipeline: Pipeline, memory: str) -> list[int]:
    """Materialise with *memory* for DuckDB; return how many batches each step stored."""
    stored: list[int] = []
    with Store(pipeline.store_path, deployment=pipeline.deployment, memory_limit=memory) as store:
        reader, clock = MemoryReader(pipeline.log), pipeline.clock
        materialiser = Materialiser(store, reader, pipeline.keyring, pipeline.deployment, clock)
        while not (report := materialiser.step()).idle:
            stored.append(report.batches)
    return stored


def test_a_step_that_does_not_fit_into_memory_is_halved_until_it_does(pipeline: Pipeline) -> None:
    """Several smaller commits, each record once."""
    stored = steps(pipeline, ENOUGH_FOR_SOME)

    assert stored[0] == 0, "the first step fits: the test shows nothing"
    assert sum(stored) == BATCHES
    assert len([count for count in stored if count]) > 1
    assert assert_consistent(pipeline) == BATCHES


def test_a_record_that_does_not_fit_into_memory_stops_with_the_reason(pipeline: Pipeline) -> None:
    """Nothing of it is stored; with more memory all is."""
    with pytest.raises(StoreError, match=r"(?i)memory"):
        steps(pipeline, ENOUGH_FOR_NONE)
    before = pipeline.query("SELECT count(*) FROM position")

    stored = steps(pipeline, "1GB")

    assert before == [(0,)]
    assert stored == [BATCHES]
    assert assert_consistent(pipeline) == BATCHES
