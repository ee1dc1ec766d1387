"""Says, under signature, how far a store has come with each producer's epochs.

A receipt names for an epoch the last batch behind which nothing is missing, and the hash of its
header. Headers are chained, so that one hash covers every batch before it: a producer that has
the batch with that hash in its outbox knows that all of it up to there is in the store. Signed by
a key with the role ``log``; nothing but a receipt lets an outbox be pruned.

It is a DSSE envelope with a JSON payload. Source: DESIGN 2; reference, attack A16 and part 4.4.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from lineseal.schemas.errors import (
    BadSignature,
    Malformed,
    OutOfScope,
    TooLarge,
    WrongDeployment,
)
from lineseal.schemas.limits import MAX_RECORD_BYTES
from lineseal.signing.envelope import pae, read_envelope, sign_envelope, strict_json
from lineseal.signing.keyring import Keyring
from lineseal.signing.signers import KeySigner

RECEIPT_PAYLOAD_TYPE: Final = "application/vnd.lineseal.receipt.v1+json"
RECEIPT_ROLE: Final = "log"
MAX_HEADS: Final = 400
"""Heads of one receipt: with the longest names they still fit one log record."""
_HEX_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class EpochHead:
    """Say how far one epoch is in the store.

    Attributes:
        producer: Whose epoch.
        epoch: Its id.
        batch_seq: The last batch behind which none is missing, from 0.
        header_sha256: The hash of that batch's header, 64 hex characters.

    """

    producer: str
    epoch: str
    batch_seq: int
    header_sha256: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Hold one receipt; *at* is when the store said so, microseconds UTC."""

    deployment: str
    at: int
    heads: tuple[EpochHead, ...]


def sign_receipt(receipt: Receipt, signer: KeySigner) -> bytes:
    """Sign *receipt*, of at most ``MAX_HEADS`` heads, for the topic ``receipts``.

    Raises:
        KeyUnusable: The signer cannot sign.

    """
    payload = {
        "deployment": receipt.deployment,
        "at": receipt.at,
        "heads": [
            [head.producer, head.epoch, head.batch_seq, head.header_sha256]
            for head in receipt.heads
        ],
    }
    data = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return sign_envelope(RECEIPT_PAYLOAD_TYPE, data, [signer])


def read_receipt(value: bytes, keyring: Keyring, *, deployment: str) -> Receipt:
    """Verify a record of the topic ``receipts``, then decode it.

    Raises:
        ContractError: It is none, of another deployment, or not signed by a valid key with the
            role ``log``.

    """
    if len(value) > MAX_RECORD_BYTES:
        raise TooLarge(f"the receipt is {len(value)} bytes, more than {MAX_RECORD_BYTES}")
    try:
        envelope = read_envelope(value)
    except ValueError as error:
        raise Malformed(f"this is no receipt: {error}") from error
    if envelope.payload_type != RECEIPT_PAYLOAD_TYPE or len(envelope.signatures) != 1:
        raise Malformed("this is no receipt: another payload type, or not one signature")
    (signature,) = envelope.signatures
    entry = keyring.entry(signature.keyid)
    if RECEIPT_ROLE not in entry.roles:
        raise OutOfScope(f"key {entry.keyid} has not the role {RECEIPT_ROLE}")
    if not entry.key.verifies(signature.sig, pae(envelope.payload_type, envelope.payload)):
        raise BadSignature(f"the receipt's signature does not verify under key {entry.keyid}")
    receipt = _decode(envelope.payload)
    keyring.authorise(entry.keyid, producer=entry.producer, at=receipt.at)
    if receipt.deployment != deployment:
        raise WrongDeployment(f"the receipt is of another deployment than {deployment!r}")
    return receipt


def _decode(payload: bytes) -> Receipt:
    try:
        document = strict_json(payload)
        heads = tuple(_head(item) for item in document["heads"])
        return Receipt(_text(document["deployment"]), _number(document["at"]), heads)
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed(f"this is no receipt: {type(error).__name__}") from error


def _head(item: Sequence[Any]) -> EpochHead:
    producer, epoch, batch_seq, sha256 = item
    if len(_text(sha256)) != _HEX_CHARACTERS:
        raise ValueError("no hash")
    return EpochHead(_text(producer), _text(epoch), _number(batch_seq), sha256)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is expected")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("a number from 0 is expected")
    return value
