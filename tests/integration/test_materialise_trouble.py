"""A materialiser meets trouble: deliveries again, keyrings, clocks, rivals, faults of ours.

What is promised: what arrives again is known; a keyring that cannot be trusted stops everything
with the store unchanged; commits keep their order whatever the clock does; whoever is refused
the store loses nothing. Source: DESIGN 4.3, 7; fault list F30, F48, F50, F51.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pytest
from tests.integration.loads import RUNNING, assert_consistent, big_batches
from tests.simulator import START, MemoryReader, Pipeline

from lineseal.consumers.follow import materialise_once
from lineseal.consumers.materialise import MAX_STEP_BYTES, Materialiser
from lineseal.schemas.errors import BrokerTruncation, KeyringError, KeyringRollback, StoreBusy
from lineseal.transport.base import LogRecord


class AnewReader(MemoryReader):
    """A reader that finds an older copy of the file: it starts again at the first record."""

    def seek(self, positions: Mapping[str, int]) -> None:
        """Read everything, whatever *positions* say."""
        del positions
        super().seek({})


def test_records_delivered_again_are_known(tmp_path: Path) -> None:
    """At-least-once: batches and rejects of another delivery leave no second trace."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    producer.emit(RUNNING, run_id="run-1")
    pipeline.log.append("trainer", b"garbage")
    pipeline.materialise()
    producer.emit(RUNNING, run_id="run-2")
    with pipeline.open_store() as store:
        materialiser = Materialiser(
            store, AnewReader(pipeline.log), pipeline.keyring, pipeline.deployment, pipeline.clock
        )
        report = materialiser.step()

    assert (report.records, report.batches, report.duplicates, report.rejects) == (3, 1, 2, {})
    assert pipeline.query("SELECT * FROM position") == [("memory", 3)]
    assert pipeline.query("SELECT count(*) FROM log_entry") == [(3,)]


def test_the_same_garbage_at_another_place_is_another_reject(tmp_path: Path) -> None:
    """Only one and the same record counts once."""
    pipeline = Pipeline(tmp_path)
    for _ in range(2):
        pipeline.log.append("trainer", b"garbage")

    report = pipeline.materialise()

    assert report.rejects == {"MALFORMED": 2}


def test_a_fault_of_ours_loses_nothing(tmp_path: Path) -> None:
    """An exception that is no verdict about the bytes leaves the store as it was."""
    pipeline = Pipeline(tmp_path)
    pipeline.producer("trainer").emit(RUNNING, run_id="run-1")
    readings = iter([START, None, START])

    def broken_clock() -> int:
        reading = next(readings)
        if reading is None:
            raise RuntimeError("the clock is broken")
        return reading

    with pipeline.open_store() as store:
        materialiser = Materialiser(
            store, MemoryReader(pipeline.log), pipeline.keyring, pipeline.deployment, broken_clock
        )
        with pytest.raises(RuntimeError, match="clock"):
            materialiser.step()
        assert store.positions() == {}
        readings = iter([START, START])

        report = materialiser.step()

    assert report.batches == 1
    assert assert_consistent(pipeline) == 1


def test_a_clock_set_back_keeps_the_order_of_commits(tmp_path: Path) -> None:
    """Ingest times only ever grow, so that --known-at stays exact."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    for number in range(3):
        producer.emit(RUNNING, run_id=f"run-{number}")
        pipeline.materialise()
        pipeline.clock.advance(-7200)

    times = [time for (time,) in pipeline.query("SELECT ingest_time FROM batch ORDER BY position")]
    assert sorted(set(times)) == times


def test_two_materialisers_that_take_turns_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Who finds that another went on reads the positions again."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    producer.emit(RUNNING, run_id="run-1")
    with pipeline.open_store() as store:
        materialiser = Materialiser(
            store, MemoryReader(pipeline.log), pipeline.keyring, pipeline.deployment, pipeline.clock
        )
        materialiser.step()
        producer.emit(RUNNING, run_id="run-2")
        store.release()
        pipeline.materialise()
        producer.emit(RUNNING, run_id="run-3")

        report = materialiser.step()

        assert (report.batches, report.duplicates) == (1, 0)
    assert assert_consistent(pipeline) == 3


def test_an_older_keyring_stops_the_materialiser(tmp_path: Path) -> None:
    """A version that went down is an attack or a mistake: nothing is processed."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    producer.emit(RUNNING, run_id="run-1")
    pipeline.materialise()
    producer.emit(RUNNING, run_id="run-2")
    pipeline.keyring_version -= 1

    with pytest.raises(KeyringRollback):
        pipeline.materialise()

    assert assert_consistent(pipeline) == 1


def test_a_keyring_that_grew_from_an_old_one_stops_the_materialiser(tmp_path: Path) -> None:
    """A revocation is not undone by an old keyring that got enough new versions."""
    pipeline = Pipeline(tmp_path)
    revoked, other = pipeline.producer("trainer"), pipeline.producer("other")
    old, version = dict(pipeline.entries), pipeline.keyring_version
    pipeline.change_key(revoked.signer, revoked_at=START)
    other.emit(RUNNING, run_id="run-1")
    pipeline.materialise()
    revoked.emit(RUNNING, run_id="run-2")
    pipeline.entries, pipeline.keyring_version = old, version
    pipeline.enrol(pipeline.new_key(), "new-1")
    pipeline.enrol(pipeline.new_key(), "new-2")

    with pytest.raises(KeyringRollback, match="trusted longer"):
        pipeline.materialise()

    assert assert_consistent(pipeline) == 1


def test_a_keyring_of_another_deployment_stops_the_materialiser(tmp_path: Path) -> None:
    """Keys of a test installation do not count in production."""
    pipeline = Pipeline(tmp_path)
    pipeline.producer("trainer").emit(RUNNING, run_id="run-1")
    with pipeline.open_store() as store:
        materialiser = Materialiser(
            store,
            MemoryReader(pipeline.log),
            lambda: dataclasses.replace(pipeline.keyring(), deployment="test"),
            pipeline.deployment,
            pipeline.clock,
        )
        with pytest.raises(KeyringError, match="test"):
            materialiser.step()


def test_an_expired_keyring_warns_and_goes_on(tmp_path: Path) -> None:
    """Evidence is not dropped because somebody forgot to sign."""
    pipeline = Pipeline(tmp_path)
    pipeline.producer("trainer").emit(RUNNING, run_id="run-1")
    pipeline.keyring_expires = START

    report = pipeline.materialise()

    assert report.batches == 1
    assert [text.partition(";")[0] for text in report.warnings] == ["the keyring has expired"]


def test_a_new_key_counts_from_the_next_step(tmp_path: Path) -> None:
    """The keyring is asked again in every step."""
    pipeline = Pipeline(tmp_path)
    first = pipeline.producer("first")
    first.emit(RUNNING, run_id="run-1")
    with pipeline.open_store() as store:
        materialiser = Materialiser(
            store, MemoryReader(pipeline.log), pipeline.keyring, pipeline.deployment, pipeline.clock
        )
        materialiser.step()
        pipeline.producer("second").emit(RUNNING, run_id="run-2")

        report = materialiser.step()

    assert (report.batches, report.rejects) == (1, {})


def test_a_store_that_somebody_reads_makes_the_step_wait_not_lose(tmp_path: Path) -> None:
    """StoreBusy is retryable: the records come with the next call."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    producer.emit(RUNNING, run_id="run-1")
    store = pipeline.open_store()
    materialiser = Materialiser(
        store, MemoryReader(pipeline.log), pipeline.keyring, pipeline.deployment, pipeline.clock
    )
    materialiser.step()
    store.release()
    producer.emit(RUNNING, run_id="run-2")
    with duckdb.connect(str(pipeline.store_path), read_only=True), pytest.raises(StoreBusy):
        materialiser.step()

    report = materialiser.step()

    store.release()
    assert report.batches == 1
    assert assert_consistent(pipeline) == 2


class GappyReader(MemoryReader):
    """A log that lost its first two records, and says which one it is."""

    identity = "cluster/topic-1"

    def poll(self, limit: int, timeout: float) -> Sequence[LogRecord]:
        """Tell of the gap until somebody seeks behind it."""
        if self._positions.get("memory", 0) < 2:
            raise BrokerTruncation(
                "the broker deleted records 0 to 1", stream="memory", first=0, last=1, resume=2
            )
        return super().poll(limit, timeout)


def test_a_gap_in_the_log_is_recorded_and_then_passed(tmp_path: Path) -> None:
    """What the log lost is a finding with its range; what follows is processed."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    for number in range(4):
        producer.emit(RUNNING, run_id=f"run-{number}")
    with pipeline.open_store() as store:
        materialiser = Materialiser(
            store, GappyReader(pipeline.log), pipeline.keyring, pipeline.deployment, pipeline.clock
        )
        report = materialise_once(materialiser)

    assert (report.batches, report.rejects) == (2, {"BROKER_TRUNCATION": 1})
    assert pipeline.query("SELECT code, detail, stream, position FROM reject") == [
        ("BROKER_TRUNCATION", "the broker deleted records 0 to 1", "memory", 0)
    ]
    assert pipeline.query("SELECT next_position FROM position") == [(4,)]
    assert pipeline.query("SELECT value FROM store_fact WHERE name = 'log_identity'") == [
        ("cluster/topic-1",)
    ]


def test_batches_larger_than_a_step_are_taken_one_after_the_other(tmp_path: Path) -> None:
    """The bytes of a step are bounded, whatever the limit on records."""
    pipeline = Pipeline(tmp_path)
    big_batches(pipeline.producer("trainer"), MAX_STEP_BYTES // 700_000 + 1)

    pipeline.materialise()

    assert pipeline.query("SELECT count(DISTINCT ingest_time) FROM batch") == [(2,)]
