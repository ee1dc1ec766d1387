"""Every attack on completeness is a finding with the exact range, and nothing is dropped.

What is promised: rows A12 to A19 of the attack table. What verified stays in the store whatever
is wrong with its chain; ``finding`` says what is wrong, since when, and closes by itself when it
is no longer so. Source: DESIGN 4.2; ADR-0012.
"""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from tests.integration.chain_world import (
    RUNNING,
    batches,
    codes,
    final,
    fork,
    found,
    head,
    put,
    skip,
    watch,
)
from tests.simulator import SECOND, START, Entry, Pipeline, Producer

HUGE = 2**62


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """Return an empty pipeline."""
    return Pipeline(tmp_path)


@pytest.fixture
def producer(pipeline: Pipeline) -> Producer:
    """Return its one producer."""
    return pipeline.producer("trainer")


def test_a12_the_same_batch_again_is_only_a_duplicate(
    pipeline: Pipeline, producer: Producer
) -> None:
    """Also after the final batch: nothing new was said."""
    sealed = [*batches(producer, 2), final(producer)]
    put(pipeline, producer, *sealed, *sealed)

    report = pipeline.materialise()

    assert (report.batches, report.duplicates, report.opened) == (3, 3, {})
    assert found(pipeline) == []


def test_a12_a_new_batch_after_the_final_one_is_a_replay(
    pipeline: Pipeline, producer: Producer
) -> None:
    """Also when the final batch itself arrives last."""
    epoch = producer.chain.epoch
    sealed = [*batches(producer, 1), final(producer), *batches(producer, 2)]
    put(pipeline, producer, sealed[0], sealed[2], sealed[3], sealed[1])

    report = pipeline.materialise(limit=1)

    assert list(report.opened.values()) == ["REPLAY"]
    assert report.is_finding
    assert found(pipeline) == [("REPLAY", "trainer", epoch, 2, 3)]
    assert pipeline.query("SELECT batch_seq, code FROM untrusted_batch ORDER BY batch_seq") == [
        (2, "REPLAY"),
        (3, "REPLAY"),
    ]


def test_a13_both_branches_of_a_fork_are_kept_and_the_key_is_suspended(
    pipeline: Pipeline, producer: Producer
) -> None:
    """What came before counts; both branches and what the key seals later do not."""
    epoch = producer.chain.epoch
    before = batches(producer, 2)
    one, other = fork(producer, 2)
    later = batches(producer, 1)
    put(pipeline, producer, *before, *one, *other, *later)

    report = pipeline.materialise()

    assert (report.batches, report.rejects) == (7, {})
    assert found(pipeline) == [("FORK", "trainer", epoch, 2, 3)]
    doubtful = pipeline.query("SELECT batch_seq FROM untrusted_batch ORDER BY batch_seq")
    assert [number for (number,) in doubtful] == [2, 2, 3, 3, 4]
    assert pipeline.query("SELECT count(*) FROM event") == [(7,)]


def test_a13_a_later_epoch_of_a_suspended_key_is_kept_but_not_trusted(
    pipeline: Pipeline, producer: Producer
) -> None:
    """Until an operator decides that the fork was harmless."""
    one, other = fork(producer)
    put(pipeline, producer, *one, *other, final(producer))
    producer.reopen(crashed=True)
    put(pipeline, producer, *batches(producer, 1))
    pipeline.materialise()
    ((identity,),) = pipeline.query("SELECT finding_id FROM finding WHERE code = 'FORK'")
    doubtful = pipeline.query("SELECT count(*) FROM untrusted_batch")

    pipeline.change_key(producer.signer, settled=frozenset({identity}))
    report = watch(pipeline)

    assert doubtful == [(4,)]
    assert report.closed == {identity}
    assert codes(pipeline) == []
    assert pipeline.query("SELECT count(*) FROM untrusted_batch WHERE known_to IS NULL") == [(0,)]


def test_a13_a_branch_that_never_arrives_is_seen_in_what_the_next_batch_names(
    pipeline: Pipeline, producer: Producer
) -> None:
    """``prev_header_sha256`` is compared with the predecessor that was received."""
    epoch = producer.chain.epoch
    one, _ = fork(producer)
    before = producer.chain
    other = producer.chain.head_sha256
    skip(producer, head_sha256="ab" * 32)
    following = batches(producer, 1)
    put(pipeline, producer, *one, *following)

    pipeline.materialise()

    assert other == before.head_sha256
    assert found(pipeline) == [("FORK", "trainer", epoch, 0, 0)]


def test_a14_a_dropped_batch_is_a_gap_that_closes_when_it_arrives_late(
    pipeline: Pipeline, producer: Producer
) -> None:
    """With the exact range; both moments stay known."""
    epoch = producer.chain.epoch
    sealed = batches(producer, 6)
    put(pipeline, producer, sealed[0], sealed[4], sealed[5])
    pipeline.materialise()
    first = found(pipeline)
    put(pipeline, producer, sealed[2])
    pipeline.materialise()
    second = found(pipeline)
    put(pipeline, producer, sealed[1], sealed[3])

    report = pipeline.materialise()

    assert first == [("GAP", "trainer", epoch, 1, 3)]
    assert second == [("GAP", "trainer", epoch, 1, 1), ("GAP", "trainer", epoch, 3, 3)]
    assert found(pipeline) == []
    assert len(report.closed) == 2
    assert not report.is_finding
    assert pipeline.query(
        "SELECT count(*) FROM finding WHERE closed_at > opened_at AND code = 'GAP'"
    ) == [(3,)]


def test_a15_a_truncated_tail_is_a_gap_once_the_next_epoch_names_it(
    pipeline: Pipeline, producer: Producer
) -> None:
    """The next genesis says how far the epoch before it went."""
    epoch = producer.chain.epoch
    sealed = batches(producer, 4)
    producer.reopen(crashed=True)
    put(pipeline, producer, *sealed[:2], *batches(producer, 1))

    pipeline.materialise()

    assert found(pipeline) == [("GAP", "trainer", epoch, 2, 3)]


def test_a15_silence_is_a_finding_only_where_it_is_not_expected(pipeline: Pipeline) -> None:
    """It needs a wall clock, and closes with the next word."""
    watched = pipeline.producer("watched", expected_every=600 * SECOND)
    put(pipeline, watched, *batches(watched, 1))
    free = pipeline.producer("free")
    put(pipeline, free, *batches(free, 1))
    early = pipeline.materialise()
    pipeline.clock.advance(601)
    late = watch(pipeline)
    silent = found(pipeline)
    put(pipeline, watched, *batches(watched, 1))

    back = pipeline.materialise()

    assert early.opened == {}
    assert list(late.opened.values()) == ["SILENT_PRODUCER"]
    assert silent == [("SILENT_PRODUCER", "watched", None, None, None)]
    assert back.closed == late.opened.keys()
    assert found(pipeline) == []


def test_a16_a_producer_that_is_dropped_from_the_start_is_silent(pipeline: Pipeline) -> None:
    """The keyring says that it should be there; nothing of it ever came."""
    pipeline.producer("dropped", expected_every=600 * SECOND, not_before=START)
    pipeline.clock.advance(601)

    watch(pipeline)

    assert found(pipeline) == [("SILENT_PRODUCER", "dropped", None, None, None)]


@pytest.mark.parametrize("older", [0, 1])
def test_a17_an_outbox_restored_from_an_old_copy_is_a_rollback(
    pipeline: Pipeline, producer: Producer, older: int
) -> None:
    """Its genesis names a head that was left behind, in whichever order they come."""
    sealed = batches(producer, 2)
    copy = head(producer)
    rest = batches(producer, 2)
    producer.chain = producer.sealer.open_epoch(copy)
    epoch = producer.chain.epoch
    restored = batches(producer, 1)
    put(pipeline, producer, *(restored + sealed + rest if older else sealed + rest + restored))

    pipeline.materialise(limit=1)

    assert found(pipeline) == [("OUTBOX_ROLLBACK", "trainer", epoch, 0, 0)]


def test_a17_two_epochs_that_go_on_from_one_head_are_a_rollback(
    pipeline: Pipeline, producer: Producer
) -> None:
    """A copied outbox that two machines opened: the second one is named."""
    sealed = batches(producer, 2)
    copy = head(producer)
    producer.chain = producer.sealer.open_epoch(copy)
    one = batches(producer, 1)
    producer.chain = producer.sealer.open_epoch(copy)
    epoch = producer.chain.epoch
    put(pipeline, producer, *batches(producer, 1), *one, *sealed)

    pipeline.materialise()

    assert found(pipeline) == [("OUTBOX_ROLLBACK", "trainer", epoch, 0, 0)]


def test_a13_two_branches_of_a_genesis_are_a_fork_and_no_rollback(
    pipeline: Pipeline, producer: Producer
) -> None:
    """No other epoch went on from the head that both name: nothing before them is in doubt."""
    sealed = batches(producer, 2)
    producer.chain = producer.sealer.open_epoch(head(producer))
    epoch = producer.chain.epoch
    one, other = fork(producer)
    put(pipeline, producer, *sealed, *one, *other)

    pipeline.materialise()

    assert found(pipeline) == [("FORK", "trainer", epoch, 0, 0)]


def test_a17_numbers_used_again_with_other_content_are_a_fork_or_a_jump(
    pipeline: Pipeline, producer: Producer
) -> None:
    """Events that count from an older number do not follow the batch before."""
    epoch = producer.chain.epoch
    sealed = batches(producer, 3)
    skip(producer, next_seq=1)
    put(pipeline, producer, *sealed, *batches(producer, 1))

    pipeline.materialise()

    assert found(pipeline) == [("COUNTER_JUMP", "trainer", epoch, 3, 3)]


def test_a18_a_poisoned_counter_hides_no_gap_and_takes_no_memory(
    pipeline: Pipeline, producer: Producer
) -> None:
    """One row for the range, one for the jump; a real gap below still opens and closes."""
    epoch = producer.chain.epoch
    sealed = batches(producer, 6)
    skip(producer, next_batch_seq=HUGE, next_seq=HUGE)
    poison = batches(producer, 1)
    put(pipeline, producer, *sealed[:2], *poison)
    tracemalloc.start()
    pipeline.materialise()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    poisoned = found(pipeline)
    put(pipeline, producer, sealed[3], sealed[5])
    pipeline.materialise()
    with_gaps = [row for row in found(pipeline) if row[0] == "GAP"]
    put(pipeline, producer, sealed[2], sealed[4])
    pipeline.materialise()

    assert peak < 20_000_000
    assert poisoned == [
        ("COUNTER_JUMP", "trainer", epoch, HUGE, HUGE),
        ("GAP", "trainer", epoch, 2, HUGE - 1),
    ]
    assert with_gaps == [
        ("GAP", "trainer", epoch, 2, 2),
        ("GAP", "trainer", epoch, 4, 4),
        ("GAP", "trainer", epoch, 6, HUGE - 1),
    ]
    assert ("GAP", "trainer", epoch, 6, HUGE - 1) in found(pipeline)
    assert pipeline.query("SELECT batches, events FROM producer_epoch") == [(7, 7)]


def test_a18_a_genesis_that_names_an_impossible_head_is_a_jump(
    pipeline: Pipeline, producer: Producer
) -> None:
    """The range it claims is a gap; that nobody seals so many batches is told too."""
    sealed = batches(producer, 1)
    skip(producer, next_batch_seq=HUGE)
    producer.reopen(crashed=True)
    put(pipeline, producer, *sealed, *batches(producer, 1))

    pipeline.materialise()

    assert codes(pipeline) == ["COUNTER_JUMP", "FORK", "GAP"] or codes(pipeline) == [
        "COUNTER_JUMP",
        "GAP",
    ]


@pytest.mark.parametrize("seconds", [400, -8 * 86_400])
def test_a19_a_clock_far_from_ours_is_told_and_changes_nothing_else(
    pipeline: Pipeline, producer: Producer, seconds: int
) -> None:
    """Ahead by more than five minutes, or behind by more than seven days."""
    pipeline.clock.advance(30 * 86_400)
    now = pipeline.clock()
    producer.sealer = type(producer.sealer)(
        producer.signer,
        deployment=pipeline.deployment,
        producer=producer.name,
        clock=lambda: now + seconds * SECOND,
    )
    put(pipeline, producer, *batches(producer, 1))

    report = pipeline.materialise()

    assert report.batches == 1
    assert list(report.opened.values()) == ["CLOCK"]


def test_a19_an_event_of_the_future_is_told(pipeline: Pipeline, producer: Producer) -> None:
    """The log's time is compared where the log has one."""
    late = producer.event(RUNNING, run_id="run-1", event_time=START + 1000 * SECOND)
    value = producer.seal(late)
    pipeline.log.entries = [Entry("trainer", value, logged_at=START + 2 * SECOND)]

    report = pipeline.materialise()

    assert list(report.opened.values()) == ["CLOCK"]


def test_a_crashed_epoch_is_a_state_and_no_finding(pipeline: Pipeline, producer: Producer) -> None:
    """UNCLOSED stands with the epoch; nobody is woken for it."""
    put(pipeline, producer, *batches(producer, 2))

    pipeline.materialise()

    assert found(pipeline) == []
    assert pipeline.query("SELECT state FROM producer_epoch") == [("UNCLOSED",)]
