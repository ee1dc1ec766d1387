"""Delivers the worked case twice, into two stores, and asks both.

One store gets every batch in the order it was sealed. The other gets the same batches backwards,
a third of them twice, seven to a commit. Every question is asked of both and must be answered
alike.

Deliveries: A on the 10th (all that was sealed by then but for E9), B on the 14th (the rest, and
to the second store some of A again), C on the 16th (E9, which fills the gap in the chain of aux).
On the 17th the key of night is revoked, as stolen since the 5th at noon: D. We look at noon of
the 10th, 14th, 16th and 18th.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
from tests.integration.chain_world import watch
from tests.integration.worked.story import Story, t
from tests.simulator import Entry, Pipeline

from lineseal.commandline.output import Answer, to_json

LATE = "E9"
AFTER_A, AFTER_B, AFTER_C = (f"2026-01-{day}T12:00:00Z" for day in (10, 14, 16))


class World:
    """Two stores of one story."""

    def __init__(self, folder: Path) -> None:
        """Tell and deliver."""
        story = Story(folder / "told")
        self.night = story.who["night"].signer
        batches = [(label, at, entry) for label, (at, entry) in story.mail.items()]
        first = [entry for label, at, entry in batches if at < t(10) and label != LATE]
        second = [entry for _, at, entry in batches if at >= t(10)]
        late = story.mail[LATE][1]
        ordered = [first, second, [late]]
        disordered = [
            [*reversed(first), *first[::3]],
            [*reversed(second), *first[::4], *second[::2]],
            [late, late],
        ]
        self.stores = [
            self._deliver(story, folder / name, parts, limit)
            for name, parts, limit in (("ordered", ordered, 512), ("disordered", disordered, 7))
        ]

    def _deliver(
        self, story: Story, folder: Path, parts: Sequence[Sequence[Entry]], limit: int
    ) -> Pipeline:
        store = Pipeline(folder)
        store.entries = dict(story.pipeline.entries)
        store.keyring_version = story.pipeline.keyring_version
        for part, day in zip(parts, (10, 14, 16), strict=True):
            store.log.entries += part
            store.clock.now = t(day)
            report = store.materialise(limit=limit)
            assert not report.rejects, report
        store.clock.now = t(17)
        store.change_key(
            self.night, compromised_since=t(5, 12), revoked_at=t(17), revoked_reason="stolen"
        )
        watch(store)
        store.clock.now = t(18)
        return store

    def ask(self, question: Callable[..., Answer], *arguments: Any, **options: Any) -> Answer:
        """Ask both stores; the answers must be the same to the letter."""
        answers: list[Answer] = []
        for store in self.stores:
            with duckdb.connect(str(store.store_path), read_only=True) as connection:
                answers.append(question(connection, *arguments, **options))
        ordered, disordered = answers
        assert to_json(ordered.to_dict()) == to_json(disordered.to_dict())
        return ordered

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Read the store that got everything in order."""
        return self.stores[0].query(sql)


def clock() -> int:
    """Look at it all on the 18th at noon."""
    return t(18, 12)


def at(day: int, hour: float = 0) -> str:
    """Print a moment as answers do."""
    moment = dt.datetime(2026, 1, day, tzinfo=dt.UTC) + dt.timedelta(hours=hour)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
