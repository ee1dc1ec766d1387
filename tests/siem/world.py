"""A feed with records in it and a courier on a clock that a test moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lineseal.consumers.forward.courier import Courier, Step
from lineseal.consumers.forward.feed import Feed, SinkState
from lineseal.consumers.forward.health import raise_parked
from lineseal.consumers.sinks.base import Sink
from lineseal.consumers.sinks.open import open_sink
from lineseal.settings import Home, SinkSettings
from tests.siem.documents import accepted

START = 1_767_225_600_000_000


class World:
    """One feed, one sink; ``now`` only moves when a pause is asked for."""

    def __init__(self, folder: Path, records: int = 10, **settings: Any) -> None:
        """Fill a feed with *records* and open the sink that *settings* describe."""
        self.folder = folder
        self.now = START
        self.slept = 0.0
        self.feed = Feed(folder / "forward.sqlite")
        self.add(records)
        self.sink: Sink = open_sink("x", SinkSettings(**settings), Home(folder))
        self.courier = self.new_courier()

    def add(self, records: int) -> None:
        """Append decisions with uids of their own."""
        head = self.feed.head
        numbers = range(head, head + records)
        self.feed.append([("override", accepted("override", number=n)) for n in numbers], self.now)

    def new_courier(self) -> Courier:
        """Return a courier as a process that starts anew has it."""

        def parked(name: str, reason: str, at: int) -> None:
            raise_parked(self.feed, "prod", name, reason, at)

        return Courier("x", self.sink, self.feed, lambda: self.now, parked)

    def step(self) -> Step:
        """Do one step and let the pause it asks for pass at once."""
        step = self.courier.step()
        self.now += int(step.pause * 1_000_000)
        self.slept += step.pause
        return step

    def drain(self, limit: int = 1000) -> None:
        """Step until there is nothing to do, or the sink is parked."""
        for _ in range(limit):
            if self.step().idle or self.state.parked:
                return
        raise AssertionError("it does not come to an end")

    @property
    def state(self) -> SinkState:
        """Return how the sink stands."""
        return self.feed.states()[0]

    @property
    def uids(self) -> list[str]:
        """Return every uid of the feed."""
        return [uid for _, uid in self.feed.uids(1, self.feed.head)]

    def close(self) -> None:
        """Close everything."""
        self.courier.close()
        self.feed.close()
