"""What a sealer writes is a chain that a verifier accepts, batch after batch.

What is promised: each batch names the one before by its hash; numbers count without gaps; flags
follow from what is sealed; a value that would be refused for its size is never made; sealing
keeps no state, so the same chain can be used again after a failed commit. Source: DESIGN 4.2.

Evidence: chains verified by the consumer's own verifier, and every limit.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.schemas.codec import EVENT_SCHEMA_SHA256
from lineseal.schemas.errors import BadIdentifier, TooLarge, TooManyItems
from lineseal.schemas.limits import MAX_BATCH_EVENTS, MAX_EVENT_BYTES, MAX_RECORD_BYTES
from lineseal.schemas.model import BatchFlags, Genesis, Loss
from lineseal.signing.header import NO_PREVIOUS
from lineseal.signing.merkle import inclusion_path, root_from_path
from lineseal.signing.sealer import ChainHead

from .world import (
    DEPLOYMENT,
    EVENTS,
    NOW,
    PRODUCER,
    ed25519_signer,
    entry_for,
    keyring_of,
    p256_signer,
    sealer_of,
    verify,
)

LOSS = Loss(count=3, first_at=NOW - 10, last_at=NOW, reason="disk full")


def test_a_batch_says_who_what_and_where() -> None:
    """Every field of the first header."""
    sealer = sealer_of(ed25519_signer())
    chain = sealer.open_epoch(None)

    header = verify(sealer.seal(chain, EVENTS)[0]).header

    assert (header.deployment, header.producer) == (DEPLOYMENT, PRODUCER)
    assert (header.format, header.created_at) == (1, NOW)
    assert (header.batch_seq, header.first_seq, header.count) == (0, 0, len(EVENTS))
    assert header.epoch == chain.epoch
    assert header.prev_header_sha256 == NO_PREVIOUS
    assert header.schema_sha256 == EVENT_SCHEMA_SHA256
    assert BatchFlags(header.flags) == BatchFlags.GENESIS
    assert header.genesis == Genesis()


@given(st.lists(st.lists(st.binary(max_size=40), max_size=5), min_size=1, max_size=6))
def test_batches_form_a_chain(batches: list[list[bytes]]) -> None:
    """Each header names the one before it, and events are numbered on and on."""
    sealer = sealer_of(ed25519_signer())
    chain = sealer.open_epoch(None)
    previous, seq = NO_PREVIOUS, 0

    for number, events in enumerate(batches):
        value, chain = sealer.seal(chain, events)
        batch = verify(value)
        assert batch.events == tuple(events)
        assert (batch.header.batch_seq, batch.header.first_seq) == (number, seq)
        assert batch.header.prev_header_sha256 == previous
        assert (batch.header.genesis is not None) == (number == 0)
        previous, seq = batch.header_sha256, seq + len(events)

    assert (chain.next_batch_seq, chain.next_seq) == (len(batches), seq)
    assert (chain.head_sha256, chain.genesis) == (previous, None)


def test_sealing_keeps_no_state() -> None:
    """The same chain gives the same batch again, byte for byte: a retry is no fork."""
    sealer = sealer_of(ed25519_signer())
    chain = sealer.open_epoch(None)

    assert sealer.seal(chain, EVENTS) == sealer.seal(chain, EVENTS)


def test_a_new_epoch_names_the_head_before_it() -> None:
    """Fresh UUIDv7, and the genesis of its first batch says where the last one ended."""
    sealer = sealer_of(ed25519_signer())
    first = sealer.open_epoch(None)
    second = sealer.open_epoch(ChainHead(first.epoch, 7, "ab" * 32), "restarted")

    genesis = verify(sealer.seal(second, EVENTS)[0]).header.genesis

    assert first.epoch != second.epoch
    assert {uuid.UUID(chain.epoch).version for chain in (first, second)} == {7}
    assert genesis == Genesis(
        prev_epoch=first.epoch,
        prev_batch_seq=7,
        prev_header_sha256="ab" * 32,
        reason="restarted",
    )


@pytest.mark.parametrize(
    ("events", "arguments", "expected"),
    [
        ((b"e",), {}, BatchFlags.NONE),
        ((), {}, BatchFlags.HEARTBEAT),
        ((), {"flags": BatchFlags.FINAL}, BatchFlags.FINAL),
        ((b"e",), {"flags": BatchFlags.FINAL}, BatchFlags.FINAL),
        ((b"e",), {"loss": LOSS}, BatchFlags.LOSS),
        ((), {"loss": LOSS}, BatchFlags.LOSS | BatchFlags.HEARTBEAT),
        ((), {"loss": LOSS, "flags": BatchFlags.FINAL}, BatchFlags.LOSS | BatchFlags.FINAL),
    ],
)
def test_flags_follow_from_what_is_sealed(
    events: tuple[bytes, ...], arguments: dict[str, Any], expected: BatchFlags
) -> None:
    """Heartbeat, final and loss, alone and together, in a batch that is not the first."""
    sealer = sealer_of(ed25519_signer())
    _, chain = sealer.seal(sealer.open_epoch(None), EVENTS)

    header = verify(sealer.seal(chain, events, **arguments)[0]).header

    assert BatchFlags(header.flags) == expected
    assert header.loss == arguments.get("loss")


def test_p256_seals_as_well() -> None:
    """The algorithm is the key's affair."""
    signer = p256_signer()
    sealer = sealer_of(signer)

    value, _ = sealer.seal(sealer.open_epoch(None), EVENTS)

    assert verify(value, keyring_of(entry_for(signer))).keyid == signer.keyid


def test_a_single_event_can_be_proven() -> None:
    """Leaf, path and header root fit together."""
    sealer = sealer_of(ed25519_signer())
    batch = verify(sealer.seal(sealer.open_epoch(None), EVENTS)[0])

    path = inclusion_path(batch.leaves, 1)

    root = root_from_path(batch.leaves[1], 1, batch.header.count, path)
    assert root.hex() == batch.header.merkle_root


def test_limits_hold_before_anything_is_sealed() -> None:
    """Too many or too large: refused here, not by the consumer."""
    sealer = sealer_of(ed25519_signer())
    chain = sealer.open_epoch(None)

    with pytest.raises(TooManyItems):
        sealer.seal(chain, [b""] * (MAX_BATCH_EVENTS + 1))
    with pytest.raises(TooLarge, match="an event"):
        sealer.seal(chain, [bytes(MAX_EVENT_BYTES + 1)])
    with pytest.raises(TooLarge, match="the batch"):
        sealer.seal(chain, [bytes(MAX_EVENT_BYTES)] * (MAX_RECORD_BYTES // MAX_EVENT_BYTES + 1))
    with pytest.raises(TooLarge, match="the header"):
        sealer.seal(sealer.open_epoch(None, "r" * 8000), EVENTS)
    with pytest.raises(BadIdentifier):
        sealer_of(ed25519_signer(), producer="").seal(chain, EVENTS)


def test_the_largest_batch_is_accepted() -> None:
    """1,024 events, and the byte cap an outbox keeps, pass the verifier."""
    sealer = sealer_of(ed25519_signer())
    chain = sealer.open_epoch(None)

    many = verify(sealer.seal(chain, [b"e"] * MAX_BATCH_EVENTS)[0])
    large = verify(sealer.seal(chain, [bytes(MAX_EVENT_BYTES)] * 16)[0])

    assert (len(many.events), len(large.events)) == (MAX_BATCH_EVENTS, 16)
