"""A producer's silence is over when it is heard, and not before.

What is promised: neither the end of its key nor a new one, old batches that come late or a clock
that is far ahead make anybody believe that it said all there was to say. Source: DESIGN 4.2.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.chain_world import found, put, watch
from tests.simulator import SECOND, START, Entry, Pipeline


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """Return an empty pipeline."""
    return Pipeline(tmp_path)


def spans(pipeline: Pipeline) -> list[tuple[int, int | None]]:
    """Return from when to when somebody's silence may hide something, microseconds."""
    return pipeline.query(
        "SELECT epoch_us(span_start), epoch_us(span_end) FROM finding"
        " WHERE closed_at IS NULL AND code = 'SILENT_PRODUCER'"
    )


@pytest.mark.parametrize("change", ["revoked_at", "not_after", "compromised_since"])
@pytest.mark.parametrize(("seconds", "silent"), [(600, False), (601, True)])
def test_silence_does_not_end_with_the_key(
    pipeline: Pipeline, change: str, seconds: int, silent: bool
) -> None:
    """What it sealed before may be lacking as before; after the end of the key nothing can be."""
    watched = pipeline.producer("watched", expected_every=600 * SECOND)
    put(pipeline, watched, watched.seal())
    sealed = pipeline.clock.now
    pipeline.materialise()
    end = sealed + seconds * SECOND
    pipeline.change_key(watched.signer, **{change: end})
    pipeline.clock.now = end + 10 * SECOND
    watch(pipeline)

    ((begin,),) = pipeline.query("SELECT epoch_us(max(created_at)) FROM batch")
    assert spans(pipeline) == ([(begin, end)] if silent else [])


def test_silence_from_the_start_begins_with_the_first_key(pipeline: Pipeline) -> None:
    """A new key of a producer that nobody ever heard makes nothing of before trustworthy."""
    every = 600 * SECOND
    dropped = pipeline.producer("dropped", expected_every=every, not_before=START)
    pipeline.clock.advance(700)
    now = pipeline.clock.now
    pipeline.change_key(dropped.signer, revoked_at=now)
    pipeline.enrol(pipeline.new_key(), "dropped", expected_every=every, not_before=now)
    pipeline.clock.advance(700)

    watch(pipeline)

    assert spans(pipeline) == [(START, None)]


@pytest.mark.parametrize(("ahead", "believed"), [(200, True), (5000, False)])
def test_a_clock_that_is_far_ahead_does_not_shorten_the_silence(
    pipeline: Pipeline, ahead: int, believed: bool
) -> None:
    """Nobody knows then when the newest was sealed: the newest that can be believed counts."""
    watched = pipeline.producer("watched", expected_every=600 * SECOND, not_before=START)
    before = watched.seal()
    sealed = pipeline.clock.now
    pipeline.clock.advance(ahead)
    value = watched.seal()
    arrived = pipeline.clock.now - ahead * SECOND
    pipeline.clock.now = arrived
    pipeline.log.entries += [
        Entry("watched", before, logged_at=sealed),
        Entry("watched", value, logged_at=arrived),
    ]
    pipeline.clock.advance(700)
    pipeline.materialise()

    watch(pipeline)

    ((begin, end),) = spans(pipeline)
    assert end is None
    assert begin == (arrived if believed else sealed)


def test_old_batches_that_arrive_late_are_no_word_of_today(pipeline: Pipeline) -> None:
    """Whoever reads a log after months, or drips what was sealed then, heard nobody speak since."""
    watched = pipeline.producer("watched", expected_every=600 * SECOND)
    put(pipeline, watched, watched.seal())
    pipeline.clock.advance(601)

    pipeline.materialise()
    watch(pipeline)

    assert found(pipeline) == [("SILENT_PRODUCER", "watched", None, None, None)]
