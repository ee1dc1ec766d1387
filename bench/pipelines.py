"""Invents the events of pipelines: chains of ten runs that each read two dozen shards.

``history`` invents events whose references rarely meet. Here a run reads what the run before it
wrote and shards that other runs read, too; people and checks speak about what appeared lately.
So a version has an ancestry of up to ten runs and some 250 versions, whatever the store's size.
"""

from __future__ import annotations

from collections import deque

from history import History

from lineseal.schemas.model import Artifact, ArtifactUse, Event, Kind, RunEvent, RunState

HOPS = 10
READS = 24
"""Shards that a run reads, besides what the run before it wrote."""
EDGES_PER_EVENT = 0.4 * (READS + 2) / 1.4
"""Four of ten things that happen are runs; a run is two events."""
_LANES = 20
_RECENT = 250
_READ_BY = 8
"""How many runs read a shard."""


class Pipelines(History):
    """Gives the events of one producer, the same for the same seed."""

    def __init__(self, producer: str, seed: int) -> None:
        """Invent for *producer*, which runs some pipelines side by side."""
        super().__init__(producer, seed)
        self._producer_name = producer
        self._started = _LANES
        self._lanes = [(number, 0) for number in range(_LANES)]
        self._runs = 0
        self._recent = deque([self._shard()], maxlen=_RECENT)

    def _run(self) -> list[Event]:
        place = self._random.randrange(_LANES)
        number, hop = self._lanes[place]
        read = [self._shard() for _ in range(READS)]
        if hop:
            read.append(self._step(number, hop))
        written = self._step(number, hop + 1)
        self._recent.extend(dict.fromkeys([*read, written]))
        self._runs += 1
        self._lanes[place] = (number, hop + 1)
        if hop + 1 == HOPS:
            self._lanes[place] = (self._started, 0)
            self._started += 1
        start = RunEvent(state=RunState.START, inputs=self._uses(read))
        end = RunEvent(
            state=RunState.COMPLETE, outputs=self._uses([written]), metrics=self._metrics(4)
        )
        run_id = self._hex(32)
        return [self._event(body, run_id=run_id) for body in (start, end)]

    def _uses(self, artifacts: list[Artifact]) -> tuple[ArtifactUse, ...]:
        return tuple(
            ArtifactUse(artifact=artifact, rows=self._random.randrange(1 << 24))
            for artifact in dict.fromkeys(artifacts)
        )

    def _step(self, number: int, hop: int) -> Artifact:
        name = f"{self._producer_name}/pipeline{number}"
        return Artifact(kind=Kind.DATASET, namespace="lake", name=name, version=str(hop))

    def _shard(self) -> Artifact:
        # A window that moves on with the runs: each shard is read by some and then no more.
        newest = self._runs * READS // _READ_BY
        number = newest + self._random.randrange(10 * READS)
        name = f"{self._producer_name}/shards{number % 40}"
        return Artifact(kind=Kind.DATASET, namespace="lake", name=name, version=str(number // 40))

    def _artifact(self, kind: Kind = Kind.DATASET) -> Artifact:
        if kind != Kind.DATASET:
            return super()._artifact(kind)
        return self._random.choice(self._recent)
