"""A small world to seal in: keys in memory, a keyring that knows them, and sample events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lineseal.schemas.codec import encode_header
from lineseal.schemas.model import (
    BATCH_PAYLOAD_TYPE,
    BatchHeader,
    BatchSignature,
    SignedBatch,
)
from lineseal.signing.envelope import pae
from lineseal.signing.frame import decode_frame, encode_frame
from lineseal.signing.keyring import KeyEntry, Keyring
from lineseal.signing.sealer import Sealer
from lineseal.signing.signers import KeySigner
from lineseal.signing.verify import VerifiedBatch, verify_batch

NOW = 1_800_000_000_000_000
DEPLOYMENT = "test-lab"
PRODUCER = "fraud/train"
EVENTS = (b"first", b"second event", b"x" * 300)


def ed25519_signer(seed: int = 1) -> KeySigner:
    """Return the same Ed25519 signer for the same *seed*."""
    return KeySigner.from_private_key(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def p256_signer() -> KeySigner:
    """Return a new ECDSA P-256 signer."""
    return KeySigner.from_private_key(generate_ec_key(SECP256R1()))


def entry_for(signer: KeySigner, **changes: Any) -> KeyEntry:
    """Return a keyring entry for *signer*, of PRODUCER and valid for ever unless changed."""
    values: dict[str, Any] = {
        "keyid": signer.keyid,
        "algorithm": signer.public.algorithm,
        "public": signer.public.hex,
        "producer": PRODUCER,
    }
    return KeyEntry(**(values | changes))


def keyring_of(*entries: KeyEntry, **changes: Any) -> Keyring:
    """Return a keyring with these entries."""
    values: dict[str, Any] = {
        "version": 1,
        "expires": NOW * 2,
        "deployment": DEPLOYMENT,
        "entries": entries,
    }
    return Keyring(**(values | changes))


def sealer_of(signer: KeySigner, **changes: Any) -> Sealer:
    """Return a sealer for PRODUCER whose clock stands still."""
    values: dict[str, Any] = {
        "deployment": DEPLOYMENT,
        "producer": PRODUCER,
        "clock": lambda: NOW,
    }
    return Sealer(signer, **(values | changes))


def sealed(
    events: Sequence[bytes] = EVENTS, signer: KeySigner | None = None, **changes: Any
) -> bytes:
    """Return the value of a first batch."""
    sealer = sealer_of(signer or ed25519_signer(), **changes)
    value, _ = sealer.seal(sealer.open_epoch(None), events)
    return value


def resealed(header: BatchHeader, signer: KeySigner | None = None) -> bytes:
    """Return a value whose *header* is signed as it is, however wrong it may be."""
    return signed_bytes(encode_header(header), EVENTS, signer)


def signed_bytes(
    header: bytes, events: Sequence[bytes] = (), signer: KeySigner | None = None
) -> bytes:
    """Return a value with these signed header bytes, which need not be a header at all."""
    signer = signer or ed25519_signer()
    signature = signer.sign(pae(BATCH_PAYLOAD_TYPE, header))
    return encode_frame(
        SignedBatch(
            payload_type=BATCH_PAYLOAD_TYPE,
            header=header,
            signatures=(BatchSignature(keyid=signer.keyid, sig=signature),),
            events=tuple(events),
        )
    )


def frame_of(value: bytes, **changes: Any) -> bytes:
    """Return *value* with fields of its frame replaced."""
    batch = decode_frame(value)
    values: dict[str, Any] = {
        "payload_type": batch.payload_type,
        "header": batch.header,
        "signatures": batch.signatures,
        "events": batch.events,
    }
    return encode_frame(SignedBatch(**(values | changes)))


def verify(value: bytes, keyring: Keyring | None = None, **changes: Any) -> VerifiedBatch:
    """Verify *value* as the consumer of DEPLOYMENT does, one second after NOW."""
    values: dict[str, Any] = {
        "deployment": DEPLOYMENT,
        "at": NOW + 1_000_000,
        "log_key": PRODUCER,
    }
    return verify_batch(
        value, keyring or keyring_of(entry_for(ed25519_signer())), **(values | changes)
    )
