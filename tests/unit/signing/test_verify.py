"""A stolen, damaged or foreign batch never passes, and says why by its code.

What is promised: a value that passes holds exactly the events that a key of the keyring, valid
at that moment and enrolled for that producer, sealed for this deployment. Whatever the bytes,
only errors of the contract leave the verifier. Source: DESIGN 4.2, 7; attacks A1 to A11, A23.

Evidence: one example for every code; every single byte of a sealed value flipped; random bytes
and random mutations; random headers under a good signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineseal.schemas.codec import encode_header
from lineseal.schemas.errors import (
    BadIdentifier,
    BadSignature,
    ContractError,
    KeyExpired,
    KeyNotYetValid,
    KeyRevoked,
    Malformed,
    NonCanonical,
    NoSignature,
    OutOfRange,
    OutOfScope,
    RootMismatch,
    TooLarge,
    TooManyItems,
    TrailingBytes,
    UnknownKey,
    UnknownSchema,
    WrongDeployment,
    WrongType,
)
from lineseal.schemas.model import (
    BATCH_PAYLOAD_TYPE,
    BatchSignature,
    SignedBatch,
)
from lineseal.signing.envelope import pae
from lineseal.signing.frame import FRAME_MAGIC, decode_frame, encode_frame
from lineseal.signing.keyring import Keyring
from lineseal.signing.keys import ECDSA_P256
from lineseal.signing.merkle import leaf_hash, merkle_root
from lineseal.signing.signers import KeySigner

from .world import (
    DEPLOYMENT,
    EVENTS,
    NOW,
    ed25519_signer,
    entry_for,
    frame_of,
    keyring_of,
    p256_signer,
    resealed,
    sealed,
    signed_bytes,
    verify,
)

SIGNER = ed25519_signer()
VALUE = sealed()
GOOD = verify(VALUE)


def ring(**changes: Any) -> Keyring:
    """Return the keyring with changes to the one entry."""
    return keyring_of(entry_for(SIGNER, **changes))


def signed_with(message: bytes) -> bytes:
    """Return VALUE with a signature by the right key over *message*."""
    signature = BatchSignature(keyid=SIGNER.keyid, sig=SIGNER.sign(message))
    return frame_of(VALUE, signatures=(signature,))


def non_canonical_header() -> bytes:
    """Return a header whose first number is a padded varint."""
    header = GOOD.header_bytes
    return bytes([header[0] | 0x80, 0]) + header[1:]


def test_a_sealed_batch_is_believed() -> None:
    """Everything the caller needs comes back, exact to the byte."""
    batch = decode_frame(VALUE)

    assert GOOD.events == EVENTS
    assert GOOD.leaves == tuple(leaf_hash(event) for event in EVENTS)
    assert GOOD.header_bytes == batch.header
    assert GOOD.header_sha256 == hashlib.sha256(batch.header).hexdigest()
    assert GOOD.header.merkle_root == merkle_root(GOOD.leaves).hex()
    assert (GOOD.payload_type, GOOD.keyid) == (BATCH_PAYLOAD_TYPE, SIGNER.keyid)
    assert GOOD.signature == batch.signatures[0].sig
    assert GOOD.entry == entry_for(SIGNER)


CODES: dict[str, tuple[type[ContractError], Callable[[], object]]] = {
    "TOO_LARGE": (TooLarge, lambda: verify(VALUE + bytes(1024 * 1024))),
    "TOO_MANY_ITEMS": (TooManyItems, lambda: verify(frame_of(VALUE, events=(b"",) * 1025))),
    "MALFORMED": (Malformed, lambda: verify(VALUE[:-1])),
    "MALFORMED header": (Malformed, lambda: verify(signed_bytes(b"\x02"))),
    "TRAILING_BYTES": (TrailingBytes, lambda: verify(VALUE + b"\0")),
    "TRAILING_BYTES header": (
        TrailingBytes,
        lambda: verify(signed_bytes(GOOD.header_bytes + b"\0")),
    ),
    "NON_CANONICAL": (NonCanonical, lambda: verify(FRAME_MAGIC + b"\x82\0t\0\0\0")),
    "NON_CANONICAL header": (NonCanonical, lambda: verify(signed_bytes(non_canonical_header()))),
    "WRONG_TYPE": (WrongType, lambda: verify(frame_of(VALUE, payload_type="application/json"))),
    "NO_SIGNATURE": (NoSignature, lambda: verify(frame_of(VALUE, signatures=()))),
    "UNKNOWN_KEY": (UnknownKey, lambda: verify(sealed(signer=ed25519_signer(2)))),
    "BAD_SIGNATURE": (BadSignature, lambda: verify(signed_with(b"something else"))),
    "BAD_SIGNATURE without PAE": (BadSignature, lambda: verify(signed_with(GOOD.header_bytes))),
    "BAD_SIGNATURE other type": (
        BadSignature,
        lambda: verify(signed_with(pae("application/json", GOOD.header_bytes))),
    ),
    "RANGE": (OutOfRange, lambda: verify(resealed(replace(GOOD.header, format=2)))),
    "IDENTIFIER": (
        BadIdentifier,
        lambda: verify(
            signed_bytes(
                encode_header(GOOD.header).replace(
                    DEPLOYMENT.encode(), b"\t" + DEPLOYMENT.encode()[1:]
                )
            )
        ),
    ),
    "WRONG_DEPLOYMENT": (WrongDeployment, lambda: verify(sealed(deployment="elsewhere"))),
    "SCOPE log key": (OutOfScope, lambda: verify(VALUE, log_key="another")),
    "SCOPE producer": (OutOfScope, lambda: verify(VALUE, ring(producer="another"))),
    "SCOPE role": (OutOfScope, lambda: verify(VALUE, ring(roles=frozenset({"log", "detect"})))),
    "KEY_NOT_YET_VALID": (KeyNotYetValid, lambda: verify(VALUE, ring(not_before=9), at=8)),
    "KEY_EXPIRED": (KeyExpired, lambda: verify(VALUE, ring(not_after=9), at=9)),
    "KEY_REVOKED": (KeyRevoked, lambda: verify(VALUE, ring(revoked_at=9), at=9)),
    "UNKNOWN_SCHEMA": (
        UnknownSchema,
        lambda: verify(resealed(replace(GOOD.header, schema_sha256="ab" * 32))),
    ),
    "ROOT_MISMATCH event": (
        RootMismatch,
        lambda: verify(frame_of(VALUE, events=(*EVENTS[:-1], b"another"))),
    ),
    "ROOT_MISMATCH order": (RootMismatch, lambda: verify(frame_of(VALUE, events=EVENTS[::-1]))),
    "ROOT_MISMATCH missing": (RootMismatch, lambda: verify(frame_of(VALUE, events=EVENTS[:-1]))),
    "ROOT_MISMATCH count": (RootMismatch, lambda: verify(resealed(replace(GOOD.header, count=2)))),
}


@pytest.mark.parametrize("case", CODES)
def test_every_code_has_its_cause(case: str) -> None:
    """The error is exactly of the class, and carries the code, that the case names."""
    error, attempt = CODES[case]

    with pytest.raises(error) as caught:
        attempt()

    assert type(caught.value) is error
    assert caught.value.code == case.split(maxsplit=1)[0]


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
@pytest.mark.parametrize("signer", [SIGNER, p256_signer()], ids=["ed25519", "p256"])
def test_a_flipped_byte_anywhere_is_refused(signer: KeySigner, mask: int) -> None:
    """Every byte of a sealed value: frame, header, key id, signature and events."""
    value, keyring = sealed(signer=signer), keyring_of(entry_for(signer))

    for place in range(len(value)):
        damaged = bytearray(value)
        damaged[place] ^= mask
        with pytest.raises(ContractError):
            verify(bytes(damaged), keyring)


def test_a_value_cut_anywhere_is_refused() -> None:
    """No prefix of a sealed value passes."""
    for length in range(len(VALUE)):
        with pytest.raises(ContractError):
            verify(VALUE[:length])


@given(st.binary(max_size=600))
def test_random_bytes_are_refused(data: bytes) -> None:
    """With and without the first two bytes of a frame."""
    with pytest.raises(ContractError):
        verify(data)
    with pytest.raises(ContractError):
        verify(FRAME_MAGIC + data)


@given(st.data())
def test_a_mutation_means_the_same_or_is_refused(data: st.DataObject) -> None:
    """Cut, repeated, inserted or replaced bytes: the very same result or an error of ours."""
    start = data.draw(st.integers(0, len(VALUE)))
    end = data.draw(st.integers(start, len(VALUE)))
    middle = data.draw(st.binary(max_size=20) | st.just(VALUE[start:end] * 2))
    mutated = VALUE[:start] + middle + VALUE[end:]

    try:
        result = verify(mutated)
    except ContractError:
        return
    assert result == GOOD


@given(st.binary(max_size=300))
def test_a_random_header_under_a_good_signature_is_refused(header: bytes) -> None:
    """A producer that holds a key can sign anything; it does no harm."""
    with pytest.raises(ContractError):
        verify(signed_bytes(header))


@given(st.data())
def test_a_mutated_header_under_a_good_signature_is_no_crash(data: st.DataObject) -> None:
    """Close to a real header: still only errors of ours, or a batch that adds up."""
    header = bytearray(GOOD.header_bytes)
    for _ in range(data.draw(st.integers(1, 3))):
        header[data.draw(st.integers(0, len(header) - 1))] = data.draw(st.integers(0, 255))

    try:
        batch = verify(signed_bytes(bytes(header), EVENTS))
    except ContractError:
        return
    assert batch.header.merkle_root == merkle_root(batch.leaves).hex()


def test_p256_batches_are_believed_too() -> None:
    """The keyring says which algorithm."""
    signer = p256_signer()

    batch = verify(sealed(signer=signer), keyring_of(entry_for(signer)))

    assert batch.entry.algorithm == ECDSA_P256


def test_the_algorithm_comes_from_the_keyring() -> None:
    """A signature of one algorithm under the key id of another key is just bad."""
    signer = p256_signer()
    message = pae(BATCH_PAYLOAD_TYPE, GOOD.header_bytes)
    forged = BatchSignature(keyid=SIGNER.keyid, sig=signer.sign(message))

    with pytest.raises(BadSignature):
        verify(frame_of(VALUE, signatures=(forged,)), keyring_of(*map(entry_for, (SIGNER, signer))))


def _double_signed(*signatures: BatchSignature) -> bytes:
    return encode_frame(
        SignedBatch(
            payload_type=BATCH_PAYLOAD_TYPE,
            header=GOOD.header_bytes,
            signatures=signatures,
            events=EVENTS,
        )
    )


def test_one_good_signature_among_several_is_enough() -> None:
    """During a rotation two keys may sign; a foreign or bad one beside them changes nothing."""
    other, stranger = ed25519_signer(2), ed25519_signer(3)
    message = pae(BATCH_PAYLOAD_TYPE, GOOD.header_bytes)
    good = BatchSignature(keyid=SIGNER.keyid, sig=SIGNER.sign(message))
    unknown = BatchSignature(keyid=stranger.keyid, sig=stranger.sign(message))
    bad = BatchSignature(keyid=SIGNER.keyid, sig=bytes(64))
    foreign = BatchSignature(keyid=other.keyid, sig=other.sign(message))
    keyring = keyring_of(entry_for(SIGNER), entry_for(other, producer="another"))

    for beside in (unknown, bad, foreign):
        for both in ((beside, good), (good, beside)):
            assert verify(_double_signed(*both), keyring) == replace(GOOD, signatures=both)


def test_without_a_good_signature_the_nearest_reason_is_given() -> None:
    """Unknown and bad gives bad; bad and out of scope gives out of scope."""
    other, stranger = ed25519_signer(2), ed25519_signer(3)
    message = pae(BATCH_PAYLOAD_TYPE, GOOD.header_bytes)
    unknown = BatchSignature(keyid=stranger.keyid, sig=stranger.sign(message))
    bad = BatchSignature(keyid=SIGNER.keyid, sig=bytes(64))
    foreign = BatchSignature(keyid=other.keyid, sig=other.sign(message))
    keyring = keyring_of(entry_for(SIGNER), entry_for(other, producer="another"))

    with pytest.raises(BadSignature):
        verify(_double_signed(unknown, bad), keyring)
    with pytest.raises(OutOfScope):
        verify(_double_signed(bad, foreign), keyring)


def test_verification_takes_the_callers_clock() -> None:
    """Last year's record judged at its own time gives last year's answer."""
    keyring = ring(not_before=NOW - 10, not_after=NOW + 10, revoked_at=NOW + 5)

    assert verify(VALUE, keyring, at=NOW) == replace(
        GOOD, entry=keyring.entry(SIGNER.keyid), judged_at=NOW
    )
    with pytest.raises(KeyRevoked):
        verify(VALUE, keyring, at=NOW + 5)
