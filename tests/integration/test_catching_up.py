"""A materialiser that is far behind takes more in one transaction, and still stops at a gap.

What is promised: what the log gave before it failed is committed first; then the failure is
found again from there, and nothing is skipped or taken twice. Source: DESIGN 7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from tests.integration.loads import RUNNING, assert_consistent
from tests.simulator import MemoryReader, Pipeline

from lineseal.consumers import materialise
from lineseal.consumers.follow import materialise_once
from lineseal.consumers.materialise import Materialiser
from lineseal.schemas.errors import LogGap
from lineseal.transport.base import LogRecord


class Broken(MemoryReader):
    """A log that gives two records at once, and has lost what follows position 4."""

    _at = 0

    def seek(self, positions: Mapping[str, int]) -> None:
        """Read on from *positions*."""
        self._at = positions.get("memory", 0)
        super().seek(positions)

    def poll(self, limit: int, timeout: float) -> Sequence[LogRecord]:
        """Return at most two records, or raise where they are lost."""
        if self._at == 4:
            raise LogGap("records 4 to 5 are lost", stream="memory", first=4, last=5, resume=6)
        records = super().poll(min(limit, 2), timeout)
        self._at += len(records)
        return records


def test_a_gap_found_while_catching_up_comes_after_what_was_read_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four records in one transaction, then the gap, then the rest."""
    monkeypatch.setattr(materialise, "_BEHIND_BYTES", 1)
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    for number in range(8):
        producer.emit(RUNNING, run_id=f"run-{number}")

    with pipeline.open_store() as store:
        report = materialise_once(
            Materialiser(
                store,
                Broken(pipeline.log),
                pipeline.keyring,
                pipeline.deployment,
                pipeline.clock,
            )
        )

    assert (report.batches, report.rejected) == (6, 1)
    assert pipeline.query(
        "SELECT count(*) FROM batch GROUP BY ingest_time ORDER BY ingest_time"
    ) == [(4,), (2,)]
    assert pipeline.query("SELECT next_position FROM position") == [(8,)]


def test_a_log_with_much_waiting_is_taken_in_one_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it at once, as long as the log gives enough each time."""
    monkeypatch.setattr(materialise, "_BEHIND_BYTES", 1)
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    for number in range(4):
        producer.emit(RUNNING, run_id=f"run-{number}")

    pipeline.materialise()

    assert assert_consistent(pipeline) == 4
    assert pipeline.query("SELECT count(DISTINCT ingest_time) FROM batch") == [(1,)]


class ThreeAtOnce(MemoryReader):
    """A log that gives three records at once."""

    def poll(self, limit: int, timeout: float) -> Sequence[LogRecord]:
        """Return at most three records."""
        return super().poll(min(limit, 3), timeout)


def test_what_a_full_step_left_over_is_taken_with_what_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in a transaction of its own: each costs much beside its rows."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    for number in range(8):
        producer.emit(RUNNING, run_id=f"run-{number}")
    size = max(len(record.value) for record in pipeline.log.records())
    monkeypatch.setattr(materialise, "_BEHIND_BYTES", 1)
    monkeypatch.setattr(materialise, "MAX_STEP_BYTES", 2 * size + size // 2)
    reader = ThreeAtOnce(pipeline.log)

    with pipeline.open_store() as store:
        materialise_once(
            Materialiser(store, reader, pipeline.keyring, pipeline.deployment, pipeline.clock)
        )

    assert (
        pipeline.query("SELECT count(*) FROM batch GROUP BY ingest_time ORDER BY ingest_time")
        == [(2,)] * 4
    )


class Growing(MemoryReader):
    """A log into which somebody writes whenever it is read."""

    grow: Callable[[], object]

    def poll(self, limit: int, timeout: float) -> Sequence[LogRecord]:
        """Return one record, and one more is there."""
        self.grow()
        return super().poll(min(limit, 1), timeout)


def test_a_log_that_never_stops_growing_is_read_to_where_it_ended(tmp_path: Path) -> None:
    """A job of every night ends, whatever goes on meanwhile; the next one reads on."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    for number in range(3):
        producer.emit(RUNNING, run_id=f"run-{number}")
    reader = Growing(pipeline.log)
    reader.grow = lambda: producer.emit(RUNNING, run_id="later")

    with pipeline.open_store() as store:
        report = materialise_once(
            Materialiser(store, reader, pipeline.keyring, pipeline.deployment, pipeline.clock),
            {"memory": 3},
        )

    assert report.batches == 3
    assert pipeline.query("SELECT count(*) FROM event") == [(3,)]
