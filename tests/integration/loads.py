"""Checks and loads that several tests of the materialiser share."""

from __future__ import annotations

import random

from tests.simulator import Pipeline, Producer

from lineseal.schemas.model import Pair, RunEvent, RunState

RUNNING = RunEvent(state=RunState.RUNNING)


def assert_consistent(pipeline: Pipeline) -> int:
    """Check that rows, log entries and positions agree; return the next position."""
    positions = pipeline.query("SELECT next_position FROM position")
    done = positions[0][0] if positions else 0
    batches, numbers, events, counted, entries, missing = pipeline.query(
        "SELECT (SELECT count(*) FROM batch), (SELECT count(DISTINCT header_sha256) FROM batch),"
        " (SELECT count(*) FROM event), (SELECT coalesce(sum(event_count), 0) FROM batch),"
        " (SELECT count(*) FROM log_entry WHERE kind = 'BATCH'),"
        " (SELECT max(log_index) + 1 - count(*) FROM log_entry)"
    )[0]

    assert done == batches == numbers == entries
    assert counted == events
    assert not missing
    return int(done)


def big_batches(producer: Producer, count: int) -> None:
    """Send batches of some 800 KB that do not compress."""
    noise = random.Random(7)  # noqa: S311 - noise, not a secret
    for number in range(count):
        events = [
            RunEvent(
                state=RunState.RUNNING,
                parameters=tuple(Pair(key=k, value=noise.randbytes(3900).hex()) for k in "abcdefg"),
            )
            for _ in range(14)
        ]
        producer.send(
            *(producer.event(event, run_id=f"{number}-{n}") for n, event in enumerate(events))
        )
