"""What the tests of chain findings share: one producer's batches, and what the store found."""

from __future__ import annotations

import dataclasses
from typing import Any

from tests.simulator import Entry, MemoryReader, Pipeline, Producer

from lineseal.consumers.materialise import Materialiser
from lineseal.consumers.report import StepReport
from lineseal.schemas.model import BatchFlags, RunEvent, RunState
from lineseal.signing.sealer import ChainHead

RUNNING = RunEvent(state=RunState.RUNNING)
Found = tuple[str, str, str | None, int | None, int | None]
"""code, producer, epoch, first and last batch."""


def found(pipeline: Pipeline) -> list[Found]:
    """Return what is open now, without what depends on the time of arrival."""
    return pipeline.query(
        "SELECT code, producer, epoch, first_batch_seq, last_batch_seq FROM finding"
        " WHERE closed_at IS NULL AND code <> 'CLOCK' ORDER BY ALL"
    )


def codes(pipeline: Pipeline) -> list[str]:
    """Return the codes of what is open now, once for each row."""
    return [row[0] for row in found(pipeline)]


def batches(producer: Producer, count: int) -> list[bytes]:
    """Seal *count* batches of one event each."""
    return [
        producer.seal(producer.event(RUNNING, run_id=f"{producer.chain.epoch}-{number}"))
        for number in range(count)
    ]


def put(pipeline: Pipeline, producer: Producer, *values: bytes) -> None:
    """Append sealed batches to the log."""
    pipeline.log.entries += [Entry(producer.name, value) for value in values]


def fork(producer: Producer, count: int = 1) -> tuple[list[bytes], list[bytes]]:
    """Seal *count* batches twice from the same place, with different events."""
    before = producer.chain
    first = batches(producer, count)
    producer.chain, after = before, producer.chain
    second = batches(producer, count)
    producer.chain = after
    return first, second


def skip(producer: Producer, **changes: Any) -> None:
    """Change the place in the chain, as a hostile or broken producer can."""
    producer.chain = dataclasses.replace(producer.chain, **changes)


def head(producer: Producer) -> ChainHead:
    """Return where the producer's chain stands."""
    chain = producer.chain
    return ChainHead(chain.epoch, chain.next_batch_seq - 1, chain.head_sha256)


def final(producer: Producer) -> bytes:
    """Seal the epoch's last batch."""
    return producer.seal(flags=BatchFlags.FINAL)


def watch(pipeline: Pipeline) -> StepReport:
    """Compare the store with keyring and clock, as an idle materialiser does."""
    with pipeline.open_store() as store:
        materialiser = Materialiser(
            store, MemoryReader(pipeline.log), pipeline.keyring, pipeline.deployment, pipeline.clock
        )
        return materialiser.watch()
