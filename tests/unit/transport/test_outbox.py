"""What an outbox accepted is sealed exactly once, in order, and the chain never forks.

What is promised: ``accept`` is durable when it returns; sealing moves events into signed batches
of at most 1,024 events and 900 KiB, in one transaction; an opening is an epoch that names the
one before it and ends with ``final``, or leaves no trace. Source: DESIGN 2, 4.2, 5.
"""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from tests.unit.transport.world import (
    PRODUCER,
    ROOMY,
    check_chains,
    crash,
    events,
    open_outbox,
    records_in,
    sealed_in,
    sealer,
    verified,
)

from lineseal.schemas.errors import LogError, TooLarge
from lineseal.schemas.limits import MAX_BATCH_BYTES, MAX_EVENT_BYTES
from lineseal.schemas.model import BatchFlags, Loss
from lineseal.transport.embedded import EmbeddedLogReader, Outbox, adopt_orphans

LOSS = Loss(count=3, first_at=10, last_at=20, reason="disk full")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Name a log folder that does not exist yet."""
    return tmp_path / "log" / "events"


def test_accepted_events_survive_a_crash(folder: Path, tmp_path: Path) -> None:
    """They are durable the moment accept returns; the next opening seals them."""
    with open_outbox(folder) as outbox:
        outbox.accept(events(3))
        left = crash(folder, tmp_path / "crashed")
    with open_outbox(left) as next_opening:
        assert next_opening.pending_count == 3

    assert events(3) == sealed_in(left)
    assert verified(records_in(left))[0].header.genesis is not None
    assert {"recovered"} == {
        batch.header.genesis.reason
        for batch in verified(records_in(left))
        if batch.header.genesis is not None
    }


def test_sealing_keeps_every_event_once_and_in_order(folder: Path) -> None:
    """However accepting and sealing alternate."""
    with open_outbox(folder) as outbox:
        for start in range(0, 40, 8):
            outbox.accept(events(40)[start : start + 5])
            outbox.accept(events(40)[start + 5 : start + 8])
            assert outbox.seal_pending() == 1
            assert outbox.pending_count == 0

    batches = verified(records_in(folder))

    assert events(40) == [event for batch in batches for event in batch.events]
    assert len(check_chains(batches)) == 1


def test_a_batch_holds_at_most_1024_events(folder: Path) -> None:
    """More pending events make more batches."""
    with open_outbox(folder) as outbox:
        for start in range(0, 2500, 500):
            outbox.accept(events(2500)[start : start + 500])
        assert outbox.seal_pending() == 3

    batches = verified(records_in(folder))

    assert [batch.header.count for batch in batches] == [1024, 1024, 452, 0]
    assert events(2500) == sealed_in(folder)
    assert len(check_chains(batches)) == 1


def test_a_batch_closes_at_900_kib(folder: Path) -> None:
    """Large events fill a batch before their number does."""
    large = [bytes([number]) * MAX_EVENT_BYTES for number in range(40)]
    with open_outbox(folder) as outbox:
        for start in range(0, 40, 5):
            outbox.accept(large[start : start + 5])

    batches = verified(records_in(folder))

    assert large == sealed_in(folder)
    assert len(batches) == 3
    assert max(sum(map(len, batch.events)) for batch in batches) <= MAX_BATCH_BYTES


def test_an_event_over_its_limit_is_refused(folder: Path) -> None:
    """It could never be sealed, so nothing of that call is accepted."""
    with open_outbox(folder) as outbox:
        with pytest.raises(TooLarge):
            outbox.accept([b"small", bytes(MAX_EVENT_BYTES + 1)])

        assert outbox.pending_count == 0


def test_an_opening_that_writes_nothing_leaves_no_trace(folder: Path) -> None:
    """No batch, no epoch, no link in the chain."""
    with open_outbox(folder) as outbox:
        outbox.accept([])
        assert outbox.seal_pending() == 0
    with open_outbox(folder) as outbox:
        outbox.accept([b"event"])

    (batch,) = verified(records_in(folder))

    assert batch.header.genesis is not None
    assert batch.header.genesis.prev_epoch is None


def test_each_opening_is_an_epoch_that_names_the_one_before(folder: Path) -> None:
    """So that a lost or forgotten opening shows as a gap."""
    for opening in range(3):
        with open_outbox(folder) as outbox:
            outbox.accept(events(2, f"opening {opening}"))
            outbox.seal_pending()

    batches = verified(records_in(folder))

    assert len(check_chains(batches)) == 3
    for before, after in zip(batches[1::2], batches[2::2], strict=False):
        genesis = after.header.genesis
        assert genesis is not None
        assert before.header.epoch == genesis.prev_epoch
        assert before.header.batch_seq == genesis.prev_batch_seq
        assert before.header_sha256 == genesis.prev_header_sha256
        assert genesis.reason == "opened"


def test_closing_ends_the_epoch_with_its_last_batch(folder: Path) -> None:
    """What is pending goes into the final batch itself; a batch on its own only if need be."""
    with open_outbox(folder) as outbox:
        outbox.accept(events(1))
    with open_outbox(folder) as outbox:
        outbox.accept(events(1))
        outbox.seal_pending()

    flags = [BatchFlags(batch.header.flags) for batch in verified(records_in(folder))]

    assert flags == [
        BatchFlags.GENESIS | BatchFlags.FINAL,
        BatchFlags.GENESIS,
        BatchFlags.FINAL,
    ]


def test_a_heartbeat_is_written_only_when_nothing_else_is(folder: Path) -> None:
    """A batch with events is sign of life enough."""
    with open_outbox(folder) as outbox:
        assert outbox.seal_pending(heartbeat=True) == 1
        outbox.accept([b"event"])
        assert outbox.seal_pending(heartbeat=True) == 1

    first, second, _ = verified(records_in(folder))

    assert first.header.flags == BatchFlags.GENESIS | BatchFlags.HEARTBEAT
    assert second.header.flags == BatchFlags.NONE


@pytest.mark.parametrize("pending", [0, 2])
def test_a_loss_is_sealed_once(folder: Path, pending: int) -> None:
    """With the events at hand, or in a batch of its own."""
    with open_outbox(folder) as outbox:
        outbox.accept(events(pending))
        assert outbox.seal_pending(loss=LOSS) == 1

    batches = verified(records_in(folder))

    assert [batch.header.loss for batch in batches] == [LOSS, None]
    assert [pending, 0] == [batch.header.count for batch in batches]


def test_a_sealed_batch_can_be_read_while_its_writer_lives(folder: Path) -> None:
    """The consumer does not wait for a job to end."""
    reader = EmbeddedLogReader(folder)
    with open_outbox(folder) as outbox:
        outbox.accept([b"event"])
        assert not reader.poll(10, 0.0)
        outbox.seal_pending()

        assert len(reader.poll(10, 0.0)) == 1
    reader.close()


def test_every_opening_at_the_same_time_has_its_own_file(folder: Path) -> None:
    """Two processes of one producer never share a file, and a free one is used again."""
    with open_outbox(folder) as first, open_outbox(folder) as second:
        assert [first.path.name, second.path.name] == [
            "fraud%2Ftrain.0.sqlite",
            "fraud%2Ftrain.1.sqlite",
        ]
    with open_outbox(folder) as third:
        assert third.path == first.path


def test_files_belong_to_their_owner_alone(folder: Path) -> None:
    """Folders 0700, files 0600, SQLite's own too."""
    with open_outbox(folder) as outbox:
        outbox.accept([b"event"])
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}

    assert {0o600} == set(modes.values())
    assert len(modes) == 5
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_a_closed_outbox_refuses_and_closes_again(folder: Path) -> None:
    """Nothing may be accepted that nobody would seal."""
    outbox = open_outbox(folder)
    outbox.close()
    outbox.close()

    with pytest.raises(LogError, match="is closed"):
        outbox.accept([b"event"])
    with pytest.raises(LogError, match="is closed"):
        outbox.seal_pending()


def test_orphans_are_sealed_in_every_file_nobody_has_open(folder: Path, tmp_path: Path) -> None:
    """Of this producer; a file in use, and one with nothing pending, stay as they are."""
    with open_outbox(folder) as first, open_outbox(folder) as second, open_outbox(folder):
        first.accept(events(2, "first"))
        second.accept(events(3, "second"))
        left = crash(folder, tmp_path / "crashed")
    stranger = Outbox.open(left, "other", sealer(producer="other"), max_bytes=ROOMY)
    with stranger, open_outbox(left) as holder:
        stranger.accept([b"not an orphan"])
        assert holder.pending_count == 2

        assert adopt_orphans(left, PRODUCER, sealer()) == 1
        assert adopt_orphans(left, PRODUCER, sealer()) == 0

        assert events(3, "second") == sealed_in(left)


def test_adopting_in_a_folder_that_does_not_exist_finds_nothing(folder: Path) -> None:
    """The first run of an installation has no past."""
    assert adopt_orphans(folder, PRODUCER, sealer()) == 0
