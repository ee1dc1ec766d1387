"""Nobody but the producer can have an event signed, not even by writing into its outbox.

What is promised: a row inserted, changed, moved, brought from another file or put back after it was
sealed is never signed; it is counted under signature as OUTBOX_FORGED and kept. A state that its
producer did not write is not gone on from. Rotating the key loses nothing. Source: ADR-0021.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.unit.transport.world import (
    DEPLOYMENT,
    PRODUCER,
    SIGNER,
    ask,
    crash,
    events,
    open_outbox,
    records_in,
    sealed_in,
    verified,
)

from lineseal.schemas.errors import OutboxForged
from lineseal.schemas.model import Loss
from lineseal.signing.keys import PublicKey
from lineseal.signing.sealer import Sealer
from lineseal.signing.signers import KeySigner
from lineseal.transport.embedded import Outbox, adopt_orphans
from lineseal.transport.embedded.macs import FileMacs

INSERT = "INSERT INTO pending VALUES (?, ?, ?, ?)"
NEW_SIGNER = KeySigner.from_private_key(Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\1"))


def left_behind(folder: Path, count: int = 3, signer: KeySigner = SIGNER) -> Path:
    """Accept *count* events, crash, and return the outbox file."""
    outbox = open_outbox(folder / "live", signer=signer)
    outbox.accept(events(count))
    left = crash(folder / "live", folder / "left")
    outbox.close()
    return left / outbox.path.name


def told(folder: Path, public: PublicKey = SIGNER.public) -> list[Loss]:
    """Return the losses that the batches of *folder* tell."""
    losses = (batch.header.loss for batch in verified(records_in(folder), public))
    return [loss for loss in losses if loss is not None]


def a_forged(row: int, data: bytes = b"forged", mac: bytes = bytes(16)) -> tuple[Any, ...]:
    """Return a row as somebody who knows the layout, and not the key, would write it."""
    return row, zlib.crc32(data), mac, data


@pytest.mark.parametrize("mac", [bytes(16), b"", "text", None])
def test_a_row_somebody_inserted_is_not_signed(
    tmp_path: Path, mac: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told as a loss, kept as it was, and warned about; the others are sealed."""
    file = left_behind(tmp_path)
    ask(file, "INSERT INTO pending VALUES (?, ?, coalesce(?, x''), ?)", *a_forged(4, mac=mac))
    adopt_orphans(file.parent, PRODUCER, Sealer(SIGNER, deployment=DEPLOYMENT, producer=PRODUCER))

    (loss,) = told(file.parent)

    assert sealed_in(file.parent) == events(3)
    assert (loss.count, loss.reason) == (1, OutboxForged.code)
    assert ask(file, "SELECT seq, event FROM damaged") == [(4, b"forged")]
    assert "[OUTBOX_FORGED]" in caplog.text


def test_a_row_somebody_changed_is_not_signed(tmp_path: Path) -> None:
    """With a checksum that fits."""
    file = left_behind(tmp_path)
    ask(file, "UPDATE pending SET event = x'61', crc = ? WHERE seq = 2", zlib.crc32(b"a"))
    with open_outbox(file.parent):
        pass

    assert sealed_in(file.parent) == [events(3)[0], events(3)[2]]
    assert [(loss.count, loss.reason) for loss in told(file.parent)] == [(1, OutboxForged.code)]


def test_rows_that_changed_places_are_not_signed(tmp_path: Path) -> None:
    """The order of events is theirs too."""
    file = left_behind(tmp_path)
    for old, new in ((1, 99), (2, 1), (99, 2)):
        ask(file, "UPDATE pending SET seq = ? WHERE seq = ?", new, old)
    with open_outbox(file.parent):
        pass

    assert sealed_in(file.parent) == [events(3)[2]]
    assert [loss.count for loss in told(file.parent)] == [2]


def test_rows_of_another_file_of_the_producer_are_not_signed(tmp_path: Path) -> None:
    """A code names the file it is for."""
    first, second = open_outbox(tmp_path / "live"), open_outbox(tmp_path / "live")
    second.accept(events(1, "second"))
    left = crash(tmp_path / "live", tmp_path / "left")
    first.close()
    second.close()
    rows = ask(left / second.path.name, "SELECT * FROM pending")
    ask(left / first.path.name, INSERT, *rows[0])
    ask(left / second.path.name, "DELETE FROM pending")
    adopt_orphans(left, PRODUCER, Sealer(SIGNER, deployment=DEPLOYMENT, producer=PRODUCER))

    assert sealed_in(left) == []
    assert {loss.reason for loss in told(left)} >= {OutboxForged.code}


def test_a_row_put_back_after_it_was_sealed_is_not_signed_again(tmp_path: Path) -> None:
    """Nor is it when the file is made to say that it was not sealed yet."""
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(2))
        saved = ask(outbox.path, "SELECT * FROM pending")
    for number, lie in enumerate(
        ["UPDATE meta SET sealed_row = 2", "UPDATE meta SET sealed_row = 0"]
    ):
        ask(outbox.path, lie)
        ask(outbox.path, INSERT, *saved[0])
        with open_outbox(tmp_path) as outbox:
            outbox.accept(events(1, f"new {number}"))

    assert sealed_in(tmp_path) == [*events(2), *events(1, "new 0"), *events(1, "new 1")]
    assert {loss.reason for loss in told(tmp_path)} == {OutboxForged.code}


def test_a_state_somebody_else_wrote_is_not_gone_on_from(tmp_path: Path) -> None:
    """No epoch names a head that its producer did not seal; the next one says "rolled back"."""
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(1))
    ask(outbox.path, "UPDATE meta SET head_sha256 = ?", "0" * 64)
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(1, "after"))
    with open_outbox(tmp_path) as outbox:
        outbox.accept(events(1, "later"))

    geneses = [b.header.genesis for b in verified(records_in(tmp_path)) if b.header.genesis]

    assert [g.reason for g in geneses] == ["opened", "rolled back", "opened"]
    assert geneses[1].prev_header_sha256 is None
    assert sealed_in(tmp_path)[1:] == [*events(1, "after"), *events(1, "later")]


def test_more_forged_rows_than_a_batch_holds_are_all_refused(tmp_path: Path) -> None:
    """Batch after batch, until nothing of them is left."""
    file = left_behind(tmp_path)
    for row in range(4, 1504):
        ask(file, INSERT, *a_forged(row))
    with open_outbox(file.parent):
        pass

    assert sealed_in(file.parent) == events(3)
    assert sum(loss.count for loss in told(file.parent)) == 1500


def test_what_waits_under_the_old_key_is_sealed_under_the_new_one(tmp_path: Path) -> None:
    """When the old key's secret is at hand; without it, the rows are told as lost."""
    file = left_behind(tmp_path)
    copy = crash(file.parent, tmp_path / "copy")
    new, old = NEW_SIGNER.row_key, SIGNER.row_key
    assert new is not None
    assert old is not None
    for folder, keys in ((file.parent, (new, old)), (copy, (new,))):
        adopt_orphans(
            folder,
            PRODUCER,
            Sealer(NEW_SIGNER, deployment=DEPLOYMENT, producer=PRODUCER, row_keys=keys),
        )

    batches = verified(records_in(file.parent), NEW_SIGNER.public)

    assert [event for batch in batches for event in batch.events] == events(3)
    assert told(file.parent, NEW_SIGNER.public) == []
    assert [loss.count for loss in told(copy, NEW_SIGNER.public)] == [3]


def test_a_key_that_gives_no_secret_still_seals(tmp_path: Path) -> None:
    """Then checksums are all there is, as before."""
    sealer = Sealer(SIGNER, deployment=DEPLOYMENT, producer=PRODUCER, row_keys=())
    with Outbox.open(tmp_path, PRODUCER, sealer, max_bytes=1 << 30) as outbox:
        outbox.accept(events(2))
        ask(outbox.path, INSERT, *a_forged(3, mac=b""))

    assert sealed_in(tmp_path) == events(2)
    assert told(tmp_path) == []


@pytest.mark.parametrize("keys", [(b"k" * 32,), (b"k" * 32, b"o" * 32)])
def test_a_code_is_for_one_file_row_and_event(keys: Sequence[bytes]) -> None:
    """Changing any of them, or the key, changes it; a state's is never a row's."""
    macs = FileMacs(keys, "a.0.sqlite")
    mac = macs.of_row(7, b"event")

    assert macs.fits_row(7, b"event", mac)
    assert not macs.fits_row(8, b"event", mac)
    assert not macs.fits_row(7, b"evens", mac)
    assert not macs.fits_row(7, b"event", None)
    assert not FileMacs(keys, "a.1.sqlite").fits_row(7, b"event", mac)
    assert not FileMacs((b"x" * 32,), "a.0.sqlite").fits_row(7, b"event", mac)
    assert macs.of_state() != macs.of_row(0, b"()")


def test_either_kind_of_private_key_gives_a_secret_of_its_own() -> None:
    """The same one each time."""
    curve = generate_private_key(SECP256R1())
    found = [KeySigner.from_private_key(curve).row_key for _ in range(2)]

    assert found[0] == found[1]
    assert len({found[0], SIGNER.row_key, NEW_SIGNER.row_key}) == 3
    assert all(key is not None and len(key) == 32 for key in found)
