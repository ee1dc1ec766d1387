"""Brings a random history into a store the long way: sealed, shuffled, doubled, materialised.

What ``random_histories.fill`` writes into the tables is here said by producers with keys and chains
of their own; what it leaves out is lost, what it gives twice is delivered twice, whole batches too.
"""

from __future__ import annotations

import random
from pathlib import Path

from tests.property.graph_oracle import Use
from tests.property.random_histories import Batch, History, Record, kind_of
from tests.simulator import SECOND, START, Clock, Entry, Pipeline, Producer

from lineseal.schemas.codec import encode_event
from lineseal.schemas.model import (
    Actor,
    ActorKind,
    Artifact,
    ArtifactUse,
    BatchFlags,
    Event,
    Kind,
    Loss,
    Origin,
    Registration,
    RunEvent,
    RunState,
    Subject,
    body_of,
)
from lineseal.signing.sealer import Chain, ChainHead


class StillClock(Clock):
    """A clock that only moves when it is told to."""

    def __call__(self) -> int:
        """Return the time in microseconds UTC."""
        return self.now

    def set(self, seconds: int) -> None:
        """Move to *seconds* after the start."""
        self.now = START + seconds * SECOND


def is_deliverable(history: History) -> bool:
    """Tell whether all of a history can be sealed: records that are refused are not."""
    return not history.rejects


def deliver(folder: Path, history: History, rng: random.Random) -> Path:
    """Seal a history, deliver it commit by commit in any order, and return the store."""
    pipeline, clock = Pipeline(folder), StillClock()
    pipeline.clock = clock
    sealed = _seal(pipeline, clock, history)
    before: list[Entry] = []
    for commit in history.commits:
        arrived = [
            Entry(batch.producer, value)
            for batch, value in zip(history.batches, sealed, strict=True)
            if batch.ingest == commit
        ]
        again = rng.sample(before, min(2, len(before))) + rng.sample(arrived, min(1, len(arrived)))
        delivered = arrived + again
        rng.shuffle(delivered)
        pipeline.log.entries += delivered
        clock.set(commit)
        report = pipeline.materialise()
        assert not report.rejects, report.rejects
        assert report.batches == len(arrived)
        before += arrived
    return pipeline.store_path


def _seal(pipeline: Pipeline, clock: StillClock, history: History) -> list[bytes]:
    producers: dict[str, Producer] = {}
    heads: dict[tuple[str, int], ChainHead] = {}
    before: dict[tuple[str, int], Chain] = {}
    sealed: list[bytes] = []
    for batch in history.batches:
        if batch.producer not in producers:
            producers[batch.producer] = pipeline.producer(batch.producer)
        producer = producers[batch.producer]
        clock.set(batch.created)
        if batch.seq == 0 and not batch.branch:
            previous = None if batch.after is None else heads[batch.after]
            producer.chain = producer.sealer.open_epoch(previous, batch.reason)
        said = [
            encode_event(_event(record, batch))
            for record in history.records
            if (record.epoch, record.seq, record.branch) == (batch.epoch, batch.seq, batch.branch)
        ]
        flags = BatchFlags.FINAL if batch.final else BatchFlags.NONE
        loss = Loss(count=batch.lost, first_at=0, last_at=0, reason="full") if batch.lost else None
        if batch.branch:
            chain = before[batch.epoch, batch.seq]
            sealed.append(producer.sealer.seal(chain, said, flags=flags, loss=loss)[0])
            continue
        before[batch.epoch, batch.seq] = producer.chain
        sealed.append(producer.seal(*said, flags=flags, loss=loss))
        chain = producer.chain
        heads[batch.epoch, batch.seq] = ChainHead(chain.epoch, batch.seq, chain.head_sha256)
    return sealed


def _event(record: Record, batch: Batch) -> Event:
    said = record.said
    uses = {
        direction: tuple(
            ArtifactUse(artifact=_artifact(use)) for use in said.uses if use.direction == direction
        )
        for direction in ("input", "output")
    }
    body: RunEvent | Registration = RunEvent(
        state=RunState.RUNNING, inputs=uses["input"], outputs=uses["output"]
    )
    if said.run is None:
        subject = Subject(type="artifact", artifact=_artifact(said.uses[0]))
        body = Registration(subject=subject, opaque=record.opaque)
    return Event(
        event_id=said.event_id,
        event_time=START + said.at * SECOND,
        producer=batch.producer,
        actor=Actor(kind=ActorKind.SERVICE, id=batch.producer),
        origin=Origin.IMPORT if said.imported else Origin.EMITTER,
        run_id=None if said.run is None else said.run[1],
        body=body_of(body),
    )


def _artifact(use: Use) -> Artifact:
    kind = Kind(kind_of(use.name))
    return Artifact(
        kind=kind, namespace="lake", name=use.name, version=use.version, digest=use.digest
    )
