"""Whatever goes wrong under an outbox, it never says "accepted" falsely and never forks.

What is promised: what does not fit is refused as a whole; what the signer or the disk refused
stays pending; an interrupted store is looked up, not guessed; what a disk changed is counted as
lost, never signed; positions are not given out twice. Source: DESIGN 5; faults F17 to F24, F57.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
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

from lineseal.schemas.errors import (
    KeyUnusable,
    LinesealError,
    LogError,
    OutboxFull,
    UnknownKey,
)
from lineseal.schemas.model import Loss
from lineseal.signing.keys import PublicKey
from lineseal.signing.signers import KeySigner
from lineseal.transport.embedded import EmbeddedLogReader, EmbeddedLogWriter
from lineseal.transport.embedded.lock import Marks
from lineseal.transport.embedded.outbox import DAMAGE_REASON

LOSS = Loss(count=1, first_at=1, last_at=1, reason="disk full")


class MoodySigner(KeySigner):
    """Signs like SIGNER until its patience ends, and again when it is given more."""

    def __init__(self, patience: int) -> None:
        self.public: PublicKey = SIGNER.public
        self.row_key = SIGNER.row_key
        self.patience = patience

    def sign(self, payload: bytes) -> bytes:
        """Sign, or fail as a key service does that cannot be reached."""
        if self.patience == 0:
            raise KeyUnusable("the key service does not answer")
        self.patience -= 1
        return SIGNER.sign(payload)


def test_a_failing_signer_leaves_events_pending(tmp_path: Path) -> None:
    """And when it signs again, nothing is missing and the chain has no hole."""
    signer = MoodySigner(0)
    with open_outbox(tmp_path, signer=signer) as outbox:
        outbox.accept(events(3))
        with pytest.raises(KeyUnusable):
            outbox.seal_pending()
        assert outbox.pending_count == 3

        signer.patience = 10
        outbox.accept([b"more"])
        assert outbox.seal_pending() == 1

    assert [*events(3), b"more"] == sealed_in(tmp_path)
    assert len(check_chains(verified(records_in(tmp_path)))) == 1


def test_a_signer_that_fails_half_way_does_not_repeat_a_loss(tmp_path: Path) -> None:
    """What was told in a batch that is written must not be told again."""
    signer = MoodySigner(1)
    with open_outbox(tmp_path, signer=signer) as outbox:
        for start in range(0, 1500, 500):
            outbox.accept(events(1500)[start : start + 500])
        assert outbox.seal_pending(loss=LOSS) == 1
        assert outbox.pending_count == 1500 - 1024
        signer.patience = 10

    assert events(1500) == sealed_in(tmp_path)
    assert [b.header.loss for b in verified(records_in(tmp_path))] == [LOSS, None]


def test_closing_with_a_failing_signer_releases_the_file(tmp_path: Path) -> None:
    """The events wait in it for the next opening."""
    outbox = open_outbox(tmp_path, signer=MoodySigner(0))
    outbox.accept(events(2))
    with pytest.raises(KeyUnusable):
        outbox.close()
    outbox.close()

    with open_outbox(tmp_path) as next_opening:
        assert next_opening.path == outbox.path

    assert events(2) == sealed_in(tmp_path)


def test_a_batch_of_a_strange_key_convinces_nobody(tmp_path: Path) -> None:
    """An outbox opened with the wrong signer writes batches, but none verifies."""
    stranger = KeySigner.from_private_key(Ed25519PrivateKey.from_private_bytes(b"\1" * 32))
    with open_outbox(tmp_path, signer=stranger) as outbox:
        outbox.accept(events(1))

    with pytest.raises(UnknownKey):
        verified(records_in(tmp_path))


def test_over_its_cap_an_outbox_takes_nothing(tmp_path: Path) -> None:
    """All of a call or nothing; what fits is still taken."""
    with open_outbox(tmp_path, max_bytes=2000) as outbox:
        outbox.accept([bytes(900)])
        with pytest.raises(OutboxFull):
            outbox.accept([b"small", bytes(1100)])
        assert outbox.pending_count == 1
        outbox.accept([bytes(1100)])
        with pytest.raises(OutboxFull):
            outbox.accept([b"x"])

    assert [bytes(900), bytes(1100)] == sealed_in(tmp_path)


def test_sealed_batches_count_towards_the_cap(tmp_path: Path) -> None:
    """They stay in the file until they are pruned, over openings too."""
    for _ in range(2):
        with open_outbox(tmp_path, max_bytes=4000) as outbox:
            outbox.accept([bytes(1300)])
    with open_outbox(tmp_path, max_bytes=4000) as outbox, pytest.raises(OutboxFull):
        outbox.accept([bytes(1300)])


def test_a_full_disk_refuses_and_keeps_what_it_had(tmp_path: Path) -> None:
    """SQLite's own limit of pages stands for the disk: the same error, the same recovery."""
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(3))
        connection: sqlite3.Connection = outbox._database._connection
        connection.execute("PRAGMA max_page_count = 8")
        with pytest.raises(OutboxFull, match="disk is full"):
            outbox.accept([bytes(60_000)])
        assert outbox.pending_count == 3

        connection.execute("PRAGMA max_page_count = 100000")
        outbox.accept([b"more"])

    assert [*events(3), b"more"] == sealed_in(tmp_path)


def test_an_interrupt_after_the_commit_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C between the commit and its note in memory neither repeats nor forks a batch."""

    def interrupt(marks: Marks) -> None:
        raise KeyboardInterrupt

    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(2))
        with monkeypatch.context() as patch:
            patch.setattr(outbox._held, "note", interrupt)
            with pytest.raises(KeyboardInterrupt):
                outbox.seal_pending()
        outbox.accept([b"more"])
        assert outbox.seal_pending() == 1

    assert [*events(2), b"more"] == sealed_in(tmp_path)
    assert len(check_chains(verified(records_in(tmp_path)))) == 1


def test_an_interrupt_inside_a_transaction_takes_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What accept did not return for may be missing; what follows is stored as ever."""

    def interrupt(data: bytes) -> int:
        raise KeyboardInterrupt

    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(2))
        with monkeypatch.context() as patch:
            patch.setattr("lineseal.transport.embedded.database.zlib.crc32", interrupt)
            with pytest.raises(KeyboardInterrupt):
                outbox.accept([b"interrupted"])
        outbox.accept([b"more"])

    assert [*events(2), b"more"] == sealed_in(tmp_path)


def test_an_event_the_disk_changed_is_lost_not_signed(tmp_path: Path) -> None:
    """Its bytes are kept apart, its loss is sealed, the others go on."""
    with open_outbox(tmp_path / "live") as outbox:
        outbox.accept(events(5))
        left = crash(tmp_path / "live", tmp_path / "crashed")
    database = left / outbox.path.name
    ask(database, "UPDATE pending SET event = ? WHERE seq = 2", b"evont 1")
    ask(database, "UPDATE pending SET event = CAST('text' AS TEXT) WHERE seq = 4")
    with open_outbox(left):
        pass

    (batch,) = verified(records_in(left))

    assert list(batch.events) == [b"event 0", b"event 2", b"event 4"]
    assert batch.header.loss is not None
    assert (batch.header.loss.count, batch.header.loss.reason) == (2, DAMAGE_REASON)
    assert ask(database, "SELECT seq, event FROM damaged") == [(2, b"evont 1"), (4, "text")]


@pytest.mark.parametrize("row", [1, 3, 5])
def test_an_event_that_vanished_is_counted_as_lost(tmp_path: Path, row: int) -> None:
    """Rows are numbered without gaps, so a missing one is noticed, also at either end."""
    with open_outbox(tmp_path / "live") as outbox:
        outbox.accept(events(5))
        left = crash(tmp_path / "live", tmp_path / "crashed")
        ask(left / outbox.path.name, "DELETE FROM pending WHERE seq = ?", row)
        if row == 5:
            ask(left / outbox.path.name, "INSERT INTO pending VALUES (6, 1, x'', x'')")
    with open_outbox(left):
        pass

    (batch,) = verified(records_in(left))

    assert [e for n, e in enumerate(events(5), 1) if n != row] == list(batch.events)
    assert batch.header.loss is not None
    assert batch.header.loss.count == (2 if row == 5 else 1)


def after_damage(folder: Path, name: str, damaged: bytes | bytearray) -> tuple[list[bytes], int]:
    """Open *folder* with the file *name* damaged; return what was sealed and the reports."""
    keep = {path: path.read_bytes() for path in folder.iterdir()}
    (folder / name).write_bytes(damaged)
    reports = 0
    try:
        with open_outbox(folder) as after:
            reports += ".0.sqlite" not in after.path.name
    except LogError:
        reports += 1
    reader = EmbeddedLogReader(folder)
    batches = verified(reader.poll(100, 0.0))
    reports += len(reader.damaged)
    reader.close()
    reports += sum(b.header.loss.count for b in batches if b.header.loss is not None)
    for path in folder.iterdir():
        path.unlink()
    for path, content in keep.items():
        path.write_bytes(content)
    return [event for batch in batches for event in batch.events], reports


def test_no_flipped_bit_goes_unnoticed(tmp_path: Path) -> None:
    """Each event is sealed as it was, counted as lost, or the file is reported as damaged."""
    accepted = events(40, "an event that is long enough to be hit")
    with open_outbox(tmp_path / "live") as outbox:
        outbox.accept(accepted)
        outbox._database._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        left = crash(tmp_path / "live", tmp_path / "crashed")
    name = outbox.path.name
    (left / f"{name}-shm").unlink(missing_ok=True)
    original = (left / name).read_bytes()
    chance = random.Random(8)  # noqa: S311 - the same damage in every run
    for _ in range(150):
        flipped = bytearray(original)
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        sealed, reports = after_damage(left, name, flipped)

        assert set(sealed) <= set(accepted)
        assert sealed == accepted or reports


def test_no_damage_to_the_write_ahead_log_goes_unnoticed(tmp_path: Path) -> None:
    """SQLite drops the log's tail without a word; the marks beside it tell that it is gone."""
    accepted = events(60, "an event that is long enough to be hit")
    with open_outbox(tmp_path / "live") as outbox:
        for event in accepted:
            outbox.accept([event])
        left = crash(tmp_path / "live", tmp_path / "crashed")
    name = f"{outbox.path.name}-wal"
    (left / f"{outbox.path.name}-shm").unlink()
    original = (left / name).read_bytes()
    chance = random.Random(9)  # noqa: S311 - the same damage in every run
    for turn in range(120):
        where = chance.randrange(len(original))
        damaged = bytearray(original)
        damaged[where] ^= 1 << chance.randrange(8)
        sealed, reports = after_damage(left, name, damaged if turn % 2 else original[:where])

        assert sealed == accepted[: len(sealed)]
        assert len(sealed) + reports == len(accepted)


def test_a_damaged_file_does_not_stop_its_producer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes on in another one, and says so."""
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(1))
    outbox.path.write_bytes(b"not a database" * 1000)

    with open_outbox(tmp_path) as other:
        assert other.path.name.endswith(".1.sqlite")

    assert "is damaged" in caplog.text


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    """The message names it."""
    (tmp_path / "log").write_text("a file")

    with pytest.raises(LogError, match="cannot make the folder"):
        open_outbox(tmp_path / "log" / "events")
    with pytest.raises(LogError, match="cannot make the folder"):
        EmbeddedLogWriter(tmp_path / "log", "alerts")


def test_every_error_says_whether_to_try_again() -> None:
    """A full disk may have room later; a damaged file is not repaired by waiting."""
    assert OutboxFull.retryable
    assert issubclass(OutboxFull, LinesealError)
