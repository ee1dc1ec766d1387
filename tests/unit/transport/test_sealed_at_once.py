"""Many events at once are sealed by who accepts them, where nobody has to wait for that.

What is promised: durable, whole and in order as ever, with one write; what was pending before is
sealed before; a key service, a sealer at work, a failing key, a full outbox or disk, an interrupt
and a signal handler find things as if it did not exist.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.transport.test_outbox_faults import MoodySigner
from tests.unit.transport.world import (
    SIGNER,
    ask,
    check_chains,
    crash,
    events,
    open_outbox,
    records_in,
    sealed_in,
    verified,
)

from lineseal.schemas.errors import LogError, OutboxForged, OutboxFull
from lineseal.schemas.limits import MAX_BATCH_BYTES, MAX_EVENT_BYTES
from lineseal.signing.signers import KeySigner
from lineseal.transport.embedded.forking import FORK_GATE
from lineseal.transport.embedded.lock import Marks

PATIENCE_SECONDS = 60.0
MANY = 600


class CallingSigner(KeySigner):
    """Signs like SIGNER, and calls somebody first, once."""

    def __init__(self, *, local: bool = True) -> None:
        self.public = SIGNER.public
        self.row_key = SIGNER.row_key if local else None
        self.calls = 0
        self.first: Callable[[], object] | None = None

    def sign(self, payload: bytes) -> bytes:
        """Call, then sign."""
        self.calls += 1
        first, self.first = self.first, None
        if first is not None:
            first()
        return SIGNER.sign(payload)


def test_they_are_sealed_and_durable_when_accept_returns(tmp_path: Path) -> None:
    """What a crash then leaves holds signed batches, and no row was ever written for them."""
    with open_outbox(tmp_path / "live") as outbox:
        said: list[str] = []
        connection: sqlite3.Connection = outbox._database._connection
        connection.set_trace_callback(said.append)
        outbox.accept(events(1500))
        left = crash(tmp_path / "live", tmp_path / "crashed")
        assert outbox.pending_count == 0
        assert outbox.seal_pending() == 0
        connection.set_trace_callback(None)

    batches = verified(records_in(left))

    assert [batch.header.count for batch in batches] == [1024, 476]
    assert sealed_in(left) == sealed_in(tmp_path / "live") == events(1500)
    assert not [text for text in said if "INTO pending" in text]
    assert said.count("COMMIT") == 1
    assert ask(left / outbox.path.name, "SELECT sealed_row, next_position FROM meta") == [(0, 2)]


def test_large_events_are_many_and_keep_a_batchs_bytes(tmp_path: Path) -> None:
    """A batch of events of 60 KiB holds fifteen."""
    large = [bytes([number]) * MAX_EVENT_BYTES for number in range(40)]
    with open_outbox(tmp_path) as outbox:
        outbox.accept(large)
        assert outbox.pending_count == 0

    batches = verified(records_in(tmp_path))

    assert sealed_in(tmp_path) == large
    assert max(sum(map(len, batch.events)) for batch in batches) <= MAX_BATCH_BYTES


def test_few_events_wait_for_others(tmp_path: Path) -> None:
    """Else every small call would make a batch of its own."""
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(511))
        assert outbox.pending_count == 511


def test_what_was_pending_before_is_sealed_before(tmp_path: Path) -> None:
    """By this process or by a crashed one, and so do the many wait behind it."""
    with open_outbox(tmp_path / "live") as outbox:
        outbox.accept(events(2, "crashed"))
        left = crash(tmp_path / "live", tmp_path / "crashed")
    with open_outbox(left) as outbox:
        outbox.accept(events(MANY, "behind"))
        assert outbox.pending_count == 2 + MANY
        outbox.seal_pending()
        outbox.accept([b"one"])
        outbox.accept(events(MANY, "more"))
        assert outbox.pending_count == 1 + MANY

    said = [*events(2, "crashed"), *events(MANY, "behind"), b"one", *events(MANY, "more")]
    assert sealed_in(left) == said


def test_both_ways_make_one_chain(tmp_path: Path) -> None:
    """In turns, in two epochs."""
    said: list[bytes] = []
    for epoch in range(2):
        with open_outbox(tmp_path) as outbox:
            for turn in range(4):
                said += events(MANY, f"{epoch} {turn}")
                outbox.accept(said[-MANY:])
                said.append(f"{epoch} {turn}".encode())
                outbox.accept(said[-1:])
                assert outbox.seal_pending() == 1

    batches = verified(records_in(tmp_path))

    assert sealed_in(tmp_path) == said
    assert len(check_chains(batches)) == 2
    genesis = [batch.header.genesis for batch in batches if batch.header.genesis is not None]
    assert genesis[1].prev_epoch == batches[0].header.epoch


def test_accept_asks_no_key_service(tmp_path: Path) -> None:
    """It may be slow, or away."""
    signer = CallingSigner(local=False)
    with open_outbox(tmp_path, signer=signer) as outbox:
        outbox.accept(events(MANY))
        assert signer.calls == 0
        assert outbox.pending_count == MANY

    assert sealed_in(tmp_path) == events(MANY)


def test_a_key_that_fails_leaves_them_pending(tmp_path: Path) -> None:
    """Half way as well: all of them are sealed later, each once."""
    signer = MoodySigner(1)
    with open_outbox(tmp_path, signer=signer) as outbox:
        outbox.accept(events(1500))
        assert outbox.pending_count == 1500
        signer.patience = 9

    assert sealed_in(tmp_path) == events(1500)
    assert len(check_chains(verified(records_in(tmp_path)))) == 1


def test_short_memory_leaves_them_pending(tmp_path: Path) -> None:
    """As does whatever else a signer raises."""
    signer = CallingSigner()

    def fail() -> None:
        raise MemoryError

    with open_outbox(tmp_path, signer=signer) as outbox:
        signer.first = fail
        outbox.accept(events(MANY))
        assert outbox.pending_count == MANY

    assert sealed_in(tmp_path) == events(MANY)


def test_accept_waits_for_no_sealer(tmp_path: Path) -> None:
    """While another thread signs, they are pending behind what it seals."""
    signer = CallingSigner()
    signing, go = threading.Event(), threading.Event()
    with open_outbox(tmp_path, signer=signer) as outbox:

        def hold() -> None:
            signing.set()
            assert go.wait(PATIENCE_SECONDS)

        outbox.accept([b"first"])
        signer.first = hold
        sealing = threading.Thread(target=outbox.seal_pending)
        sealing.start()
        assert signing.wait(PATIENCE_SECONDS)
        outbox.accept(events(MANY))
        pending = outbox.pending_count
        go.set()
        sealing.join()

    assert pending == 1 + MANY
    assert sealed_in(tmp_path) == [b"first", *events(MANY)]


def test_others_accept_while_they_are_signed(tmp_path: Path) -> None:
    """From another thread, few or many; neither is lost and the chain is one."""
    signer = CallingSigner()
    with open_outbox(tmp_path, signer=signer) as outbox:

        def meanwhile() -> None:
            for more in (events(3, "few"), events(MANY, "many")):
                thread = threading.Thread(target=outbox.accept, args=(more,))
                thread.start()
                thread.join(PATIENCE_SECONDS)

        signer.first = meanwhile
        outbox.accept(events(MANY))
        assert outbox.pending_count == 3 + MANY

    assert sealed_in(tmp_path) == [*events(MANY), *events(3, "few"), *events(MANY, "many")]
    assert len(check_chains(verified(records_in(tmp_path)))) == 1


def test_a_signal_handler_meanwhile_is_served_or_refused(tmp_path: Path) -> None:
    """It runs in the same thread, which must not wait for itself."""
    signer = CallingSigner()
    with open_outbox(tmp_path, signer=signer) as outbox:

        def handler() -> None:
            outbox.accept(events(MANY, "handler"))
            for call in (outbox.seal_pending, outbox.close):
                with pytest.raises(LogError, match="signal handler"):
                    call()

        signer.first = handler
        outbox.accept(events(MANY))

    assert sealed_in(tmp_path) == [*events(MANY), *events(MANY, "handler")]


def test_a_fork_waits_until_they_are_stored(tmp_path: Path) -> None:
    """Signing and storing happen inside the gate."""
    signer = CallingSigner()
    inside: list[bool] = []
    with open_outbox(tmp_path, signer=signer) as outbox:
        signer.first = lambda: inside.append(threading.get_ident() in FORK_GATE._depths)
        outbox.accept(events(MANY))

    assert inside == [True]


def test_what_does_not_fit_is_refused_whole(tmp_path: Path) -> None:
    """The cap counts them before they are signed, and a closed outbox takes none."""
    size = sum(map(len, events(MANY)))
    with open_outbox(tmp_path, max_bytes=2 * size) as outbox:
        outbox.accept(events(MANY))
        with pytest.raises(OutboxFull):
            outbox.accept(events(MANY, "too many"))
    with pytest.raises(LogError):
        outbox.accept(events(MANY))

    assert sealed_in(tmp_path) == events(MANY)


def test_the_cap_counts_what_others_accepted_meanwhile(tmp_path: Path) -> None:
    """It is looked at again when they are stored."""
    signer = CallingSigner()
    size = sum(map(len, events(MANY)))
    with open_outbox(tmp_path, max_bytes=size, signer=signer) as outbox:

        def meanwhile() -> None:
            thread = threading.Thread(target=outbox.accept, args=([b"meanwhile"],))
            thread.start()
            thread.join(PATIENCE_SECONDS)

        signer.first = meanwhile
        with pytest.raises(OutboxFull):
            outbox.accept(events(MANY))

    assert sealed_in(tmp_path) == [b"meanwhile"]


def test_a_full_disk_refuses_them_whole(tmp_path: Path) -> None:
    """Nothing is stored, and the chain goes on where it was."""
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(MANY, "before"))
        connection = outbox._database._connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(OutboxFull):
            outbox.accept(events(MANY))
        connection.execute("PRAGMA max_page_count = 1000000")
        outbox.accept(events(MANY, "after"))
        assert outbox.pending_count == 0

    assert sealed_in(tmp_path) == [*events(MANY, "before"), *events(MANY, "after")]
    assert len(check_chains(verified(records_in(tmp_path)))) == 1


@pytest.mark.parametrize("committed", [True, False])
def test_an_interrupt_neither_repeats_nor_forks_a_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, committed: bool
) -> None:
    """Before the commit nothing is stored; after it all of it is, and the chain goes on behind."""

    def interrupt(*_values: object) -> None:
        raise KeyboardInterrupt

    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(MANY, "before"))
        with monkeypatch.context() as patch:
            if committed:
                patch.setattr(outbox._held, "note", interrupt)
            else:
                patch.setattr(outbox._database, "_say_state", interrupt)
            with pytest.raises(KeyboardInterrupt):
                outbox.accept(events(MANY))
        outbox.accept(events(MANY, "after"))
        assert outbox.pending_count == 0

    stored = events(MANY) if committed else []
    said = [*events(MANY, "before"), *stored, *events(MANY, "after")]
    assert sealed_in(tmp_path) == said
    assert len(check_chains(verified(records_in(tmp_path)))) == 1


def test_two_openings_seal_at_once_beside_each_other(tmp_path: Path) -> None:
    """Each in its own file and epoch."""
    with open_outbox(tmp_path) as one, open_outbox(tmp_path) as other:
        for turn in range(2):
            one.accept(events(MANY, f"one {turn}"))
            other.accept(events(MANY, f"other {turn}"))

    batches = verified(records_in(tmp_path))

    assert len(check_chains(batches)) == 2
    assert len(set(sealed_in(tmp_path))) == 4 * MANY


def test_an_old_copy_of_the_file_is_a_finding(tmp_path: Path) -> None:
    """The marks beside it know the batches that are gone, without any row's number."""
    with open_outbox(tmp_path / "live") as outbox:
        outbox.accept(events(MANY))
        old = crash(tmp_path / "live", tmp_path / "old")
        outbox.accept(events(MANY, "gone"))
        new = crash(tmp_path / "live", tmp_path / "new")
    for path in old.glob("*.sqlite*"):
        path.replace(new / path.name)
    (new / f"{outbox.path.name}-shm").unlink(missing_ok=True)

    with open_outbox(new) as outbox:
        assert outbox._database.marks == Marks(2, 0, 0)
        outbox.accept(events(MANY, "new"))

    genesis = [b.header.genesis.reason for b in verified(records_in(new)) if b.header.genesis]
    assert genesis == ["opened", "rolled back"]


def test_a_row_that_somebody_put_in_is_told_at_the_end(tmp_path: Path) -> None:
    """Though no row of our own was ever read."""
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(MANY))
        ask(outbox.path, "INSERT INTO pending VALUES (0, 0, x'00', x'61')")

    losses = [b.header.loss for b in verified(records_in(tmp_path)) if b.header.loss]

    assert sealed_in(tmp_path) == events(MANY)
    assert [(loss.count, loss.reason) for loss in losses] == [(1, OutboxForged.code)]
