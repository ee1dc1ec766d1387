"""A commit that only goes on is told from one that may change a finding.

What is promised: where the short look says that nothing can have changed, computing everything
finds nothing else; what may matter is never called quiet. Source: ADR-0012.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
from tests.integration.chain_world import RUNNING, batches, final, fork, head, put, skip
from tests.simulator import Pipeline, Producer

QUIET = files("lineseal.consumers").joinpath("sql", "findings", "0_quiet.sql").read_text("utf-8")


def goes_on(pipeline: Pipeline, producer: Producer) -> None:
    """Send the next two batches."""
    put(pipeline, producer, *batches(producer, 2))


def ends(pipeline: Pipeline, producer: Producer) -> None:
    """Send the final batch."""
    put(pipeline, producer, final(producer))


def leaves_one_out(pipeline: Pipeline, producer: Producer) -> None:
    """Drop a batch."""
    put(pipeline, producer, batches(producer, 2)[1])


def forks(pipeline: Pipeline, producer: Producer) -> None:
    """Send two different batches of one number."""
    one, two = fork(producer)
    put(pipeline, producer, *one, *two)


def goes_on_from_another(pipeline: Pipeline, producer: Producer) -> None:
    """Name a header that nobody has."""
    skip(producer, head_sha256=64 * "0")
    put(pipeline, producer, *batches(producer, 1))


def counts_wrongly(pipeline: Pipeline, producer: Producer) -> None:
    """Leave out events."""
    skip(producer, next_seq=999)
    put(pipeline, producer, *batches(producer, 1))


def opens(pipeline: Pipeline, producer: Producer) -> None:
    """Begin another epoch."""
    producer.chain = producer.sealer.open_epoch(head(producer))
    put(pipeline, producer, *batches(producer, 1))


def says_the_future(pipeline: Pipeline, producer: Producer) -> None:
    """Claim an event of tomorrow."""
    producer.emit(RUNNING, run_id="x", event_time=pipeline.clock() + 86_400_000_000)


@pytest.mark.parametrize(
    ("quiet", "change"),
    [
        (True, goes_on),
        (True, ends),
        (False, leaves_one_out),
        (False, forks),
        (False, goes_on_from_another),
        (False, counts_wrongly),
        (False, opens),
        (False, says_the_future),
    ],
)
def test_only_what_goes_on_is_quiet(
    tmp_path: Path, quiet: bool, change: Callable[[Pipeline, Producer], None]
) -> None:
    """Whatever else arrives is looked at closely."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    put(pipeline, producer, *batches(producer, 2))
    pipeline.materialise()
    change(pipeline, producer)

    report = pipeline.materialise()

    ((said,),) = pipeline.query(
        QUIET.replace("$ingest_time", "(SELECT max(ingest_time) FROM batch)")
    )
    assert said is quiet
    assert not (quiet and report.opened)
