"""What breaks the contract is kept with its bytes and a reason, and never stops the rest.

What is promised: for every way to be wrong there is one stable code; the exact bytes of what was
refused stand in ``reject``; no row comes of them; the record after is processed; one bad event
costs only itself. Source: DESIGN 10; attack table A1 to A25, F34 to F37, F47.

Evidence: one attack for each code, written as a change of the log or of the keyring, and one
property: any changed byte of a sealed batch.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.attacks import (
    ATTACKS,
    BAD_EVENTS,
    RUNNING,
    event_of_garbage,
    one_batch,
    parts,
    resealed,
    signed,
    stripped_signature,
)
from tests.simulator import SECOND, START, Entry, Pipeline, Producer, artifact

from lineseal.schemas.model import (
    BatchFlags,
)
from lineseal.signing.merkle import leaf_hash, merkle_root


@pytest.mark.parametrize(
    ("code", "attack"), ATTACKS, ids=[f"{c}-{attack.__name__}" for c, attack in ATTACKS]
)
def test_a_refused_record_keeps_its_bytes_and_the_next_is_processed(
    tmp_path: Path, code: str, attack: Callable[[Producer], bytes]
) -> None:
    """One reject with the right code and the exact bytes; what follows is accepted."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    value = attack(producer)
    accepted_before = len(pipeline.log.entries)
    pipeline.log.append(producer.name, value)
    follower = pipeline.producer("follower")
    follower.emit(RUNNING, run_id="after")

    report = pipeline.materialise()

    assert {code: 1} == report.rejects
    assert accepted_before + 1 == report.batches
    ((position, raw, raw_sha256, event_index),) = pipeline.query(
        "SELECT position, raw, raw_sha256, event_index FROM reject"
    )
    assert (accepted_before, value) == (position, raw)
    assert hashlib.sha256(value).hexdigest() == raw_sha256
    assert event_index is None
    assert [("memory", accepted_before + 2)] == pipeline.query("SELECT * FROM position")
    assert pipeline.query("SELECT count(*) FROM event WHERE run_id = 'after'") == [(1,)]


def test_a_stranger_is_named_only_as_the_log_names_it(tmp_path: Path) -> None:
    """Without a signature that verifies, the producer column stays empty."""
    pipeline = Pipeline(tmp_path)
    pipeline.log.append("trainer", stripped_signature(pipeline.producer("trainer")))

    pipeline.materialise()

    assert pipeline.query("SELECT log_key, producer FROM reject") == [("trainer", None)]


def test_a_late_batch_of_a_finished_epoch_is_welcome(tmp_path: Path) -> None:
    """Only batches after the final one are a replay, not earlier ones that come late."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    producer.emit(RUNNING, run_id="run-1")
    producer.emit(RUNNING, run_id="run-2")
    producer.finish()
    first, late, final = pipeline.log.entries
    pipeline.log.entries = [first, final, late]

    report = pipeline.materialise(limit=1)

    assert report.batches == 3
    assert report.rejects == {}


def test_a_key_revoked_later_does_not_touch_what_the_log_stored_before(tmp_path: Path) -> None:
    """Validity is judged when the log stored the record, if the log says so."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    revoked_at = START + 50 * SECOND
    early = Entry("trainer", producer.seal(), logged_at=revoked_at - 1)
    late = Entry("trainer", producer.seal(), logged_at=revoked_at)
    pipeline.log.entries = [early, late]
    pipeline.change_key(producer.signer, revoked_at=revoked_at)
    pipeline.clock.advance(100)

    report = pipeline.materialise()

    assert report.batches == 1
    assert report.rejects == {"KEY_REVOKED": 1}


@pytest.mark.parametrize(
    ("code", "make"), BAD_EVENTS, ids=[f"{c}-{make.__name__}" for c, make in BAD_EVENTS]
)
def test_a_bad_event_in_a_good_batch_costs_only_itself(
    tmp_path: Path, code: str, make: Callable[[Producer], bytes]
) -> None:
    """Its neighbours are accepted; its bytes, batch and place in the batch are kept."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    bad = make(producer)
    epoch = producer.chain.epoch
    good = [producer.event(RUNNING, run_id=f"good-{number}") for number in range(2)]
    producer.send(good[0], bad, good[1])

    report = pipeline.materialise()

    assert (1, 2, {code: 1}) == (report.batches, report.events, report.rejects)
    assert [(code, "trainer", epoch, 0, 1, bad)] == pipeline.query(
        "SELECT code, producer, epoch, batch_seq, event_index, raw FROM reject"
    )
    assert pipeline.query("SELECT run_id, event_index FROM event ORDER BY event_index") == [
        ("good-0", 0),
        ("good-1", 2),
    ]
    assert pipeline.query("SELECT kind FROM log_entry ORDER BY log_index") == [
        ("BATCH",),
        ("REJECT",),
    ]


def test_a_key_may_only_send_its_kinds(tmp_path: Path) -> None:
    """An event of another kind is refused, not the batch."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer", event_kinds=frozenset({"run"}))
    producer.register(artifact("dataset:lake/tx@1"))

    report = pipeline.materialise()

    assert (report.batches, report.events, report.rejects) == (1, 0, {"SCOPE": 1})


def test_a_bad_event_delivered_twice_is_one_reject(tmp_path: Path) -> None:
    """The whole batch is a duplicate the second time, its refused event too."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    producer.send(event_of_garbage(producer))
    pipeline.log.entries *= 2

    report = pipeline.materialise()

    assert (report.batches, report.duplicates, report.rejects) == (1, 1, {"MALFORMED": 1})


# --- any byte -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pipeline, bytes, bytes]:
    """Seal one batch with two events and one after it."""
    pipeline = Pipeline(tmp_path_factory.mktemp("sealed"))
    producer = pipeline.producer("trainer")
    value = producer.seal(
        producer.event(RUNNING, run_id="run-1"), producer.event(RUNNING, run_id="run-2")
    )
    return pipeline, value, producer.seal(flags=BatchFlags.FINAL)


@settings(max_examples=40)
@given(data=st.data())
def test_any_changed_byte_is_refused(
    sealed: tuple[Pipeline, bytes, bytes], data: st.DataObject
) -> None:
    """One changed byte anywhere: one reject with those bytes, no event, the next goes on."""
    pipeline, value, following = sealed
    position = data.draw(st.integers(0, len(value) - 1), label="position")
    change = data.draw(st.integers(1, 255), label="change")
    changed = bytearray(value)
    changed[position] ^= change
    pipeline.log.entries = [Entry("trainer", bytes(changed)), Entry("trainer", following)]
    with tempfile.TemporaryDirectory() as folder:
        pipeline.store_path = Path(folder) / "store.duckdb"

        report = pipeline.materialise()

        assert (report.batches, report.events, report.rejected) == (1, 0, 1)
        assert [(bytes(changed),)] == pipeline.query("SELECT raw FROM reject")
        assert pipeline.query("SELECT count(*) FROM event") == [(0,)]


def test_every_batch_sealed_by_hand_here_would_be_accepted_unchanged(tmp_path: Path) -> None:
    """The helpers of this file seal correctly: what is refused above is the attack."""
    pipeline = Pipeline(tmp_path)
    producer = pipeline.producer("trainer")
    value = one_batch(producer)
    batch, header = parts(value)
    assert merkle_root([leaf_hash(event) for event in batch.events]).hex() == header.merkle_root
    pipeline.log.append("trainer", resealed(producer, value))
    pipeline.log.append("trainer", signed(producer.signer, batch.header, batch.events))

    report = pipeline.materialise()

    assert (report.batches, report.duplicates, report.rejects) == (1, 1, {})
