"""Answers whether bytes from the log may be believed, and under whose key.

Order: sizes and frame, payload type, signature, header, deployment, scope and window, Merkle
root. Nothing but the frame is parsed before a signature verified; the algorithm comes from the
keyring. Every failure is a ``ContractError``. Source: DESIGN 4.2, 7; attack table A1 to A11.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lineseal.schemas.codec import ALLOWED_EVENT_SCHEMAS, decode_header
from lineseal.schemas.errors import (
    BadSignature,
    ContractError,
    NoSignature,
    OutOfNameScope,
    OutOfScope,
    RootMismatch,
    UnknownKey,
    UnknownSchema,
    WrongDeployment,
    WrongType,
)
from lineseal.schemas.model import (
    BATCH_PAYLOAD_TYPE,
    DECIDED_BY,
    HUMAN_BODIES,
    ActorKind,
    BatchHeader,
    BatchSignature,
    Origin,
    SignedBatch,
)
from lineseal.signing.envelope import pae
from lineseal.signing.frame import decode_frame
from lineseal.signing.header import check_header
from lineseal.signing.keyring import KeyEntry, Keyring
from lineseal.signing.merkle import leaf_hash, merkle_root
from lineseal.signing.names import first_outside

SEALING_ROLES: Final = frozenset({"emit", "override", "gateway"})


@dataclass(frozen=True, slots=True)
class VerifiedBatch:
    """Hold a batch whose signature, scope and root were verified.

    Attributes:
        header: The decoded header.
        header_bytes: Exactly the signed bytes.
        header_sha256: Their SHA-256, 64 hex characters: the batch's name in the chain.
        payload_type: The DSSE payload type.
        keyid: The key that signed, 64 hex characters.
        signature: Its signature, as received.
        signatures: All signatures the batch carries, whoever made them.
        entry: What the keyring says about that key.
        judged_at: The moment its key was judged at, microseconds UTC.
        events: The exact bytes of each event, not decoded yet.
        leaves: The leaf hash of each event, 32 bytes.

    """

    header: BatchHeader
    header_bytes: bytes
    header_sha256: str
    payload_type: str
    keyid: str
    signature: bytes
    signatures: tuple[BatchSignature, ...]
    entry: KeyEntry
    judged_at: int
    events: tuple[bytes, ...]
    leaves: tuple[bytes, ...]


def verify_batch(
    value: bytes,
    keyring: Keyring,
    *,
    deployment: str,
    at: int,
    log_key: str,
    by: int | None = None,
    seen_at: Callable[[str], int | None] | None = None,
) -> VerifiedBatch:
    """Verify the value of a log record.

    Args:
        value: The bytes as read from the log.
        keyring: The keys to trust.
        deployment: The deployment this consumer serves.
        at: Moment of judgement, microseconds UTC: the first recorded broker or ingest time.
        log_key: The record's key; must equal the signed producer.
        by: The moment by which the key has to be valid, by default *at*.
        seen_at: Tells when the batch whose header has that SHA-256 was accepted before; then
            that is the moment of judgement, if it is earlier.

    Raises:
        TooLarge, TooManyItems, Malformed, TrailingBytes, NonCanonical: The frame or header is
            not one; OutOfRange, BadIdentifier: a value in the header is not possible.
        WrongType: The payload is not a batch header.
        NoSignature, UnknownKey, BadSignature: Nothing proves who sealed it.
        WrongDeployment: It was sealed for another deployment.
        OutOfScope: The key does not speak for this producer, or the log says another one.
        KeyNotYetValid, KeyExpired, KeyRevoked: The key does not count at *at*.
        UnknownSchema: The events' schema is not on the allow-list.
        RootMismatch: The events are not the ones that were sealed.

    """
    batch = decode_frame(value)
    if batch.payload_type != BATCH_PAYLOAD_TYPE:
        raise WrongType("the payload type is not that of a batch header")
    proven = _proven(batch, keyring)
    header = decode_header(batch.header)
    check_header(header)
    if header.deployment != deployment:
        raise WrongDeployment("the batch was sealed for another deployment")
    if header.producer != log_key:
        raise OutOfScope("the log's key is not the producer in the signed header")
    header_sha256 = hashlib.sha256(batch.header).hexdigest()
    seen = None if seen_at is None else seen_at(header_sha256)
    if seen is not None:
        at, by = min(at, seen), seen
    entry, signature = _authorised(proven, keyring, header.producer, at, by)
    if header.schema_sha256 not in ALLOWED_EVENT_SCHEMAS:
        raise UnknownSchema(f"no event schema has the SHA-256 {header.schema_sha256}")
    leaves = tuple([leaf_hash(event) for event in batch.events])
    if header.count != len(leaves) or merkle_root(leaves).hex() != header.merkle_root:
        raise RootMismatch("the events do not hash to the root in the signed header")
    return VerifiedBatch(
        header=header,
        header_bytes=batch.header,
        header_sha256=header_sha256,
        payload_type=batch.payload_type,
        keyid=entry.keyid,
        signature=signature,
        signatures=batch.signatures,
        entry=entry,
        judged_at=at,
        events=batch.events,
        leaves=leaves,
    )


def check_event_scope(batch: VerifiedBatch, body: str, record: dict[str, Any]) -> bool:
    """Check that the batch's key may say this event, and whether it proves who acted.

    Args:
        batch: The verified batch that holds the event.
        body: Name of the event's body, from ``decode_event``.
        record: The whole event, from ``decode_event``.

    Returns:
        True when the actor is proven: a person under their own override key, or the producer
        itself as service or system. A person named under another key is only asserted: False.
        A human decision (``DECIDED_BY``) is proven only when the person it names as deciding is
        that very actor: a service cannot decide for alice, nor can bob.

    Raises:
        OutOfNameScope: It is about an artifact that the key may not write.
        OutOfScope: The event names another producer, its kind is not allowed for the key, or
            its origin does not fit the key's roles.

    """
    entry, producer = batch.entry, batch.header.producer
    if record["producer"] != producer:
        raise OutOfScope("the event names another producer than its batch")
    if not may_send(entry, body):
        raise OutOfScope(f"key {entry.keyid} may not send the kind {body!r}")
    if not may_originate(entry.roles, record["origin"], body):
        raise OutOfScope(f"the roles of key {entry.keyid} do not allow this origin and kind")
    if entry.writes:
        outside = first_outside(entry.writes, body, record)
        if outside is not None:
            raise OutOfNameScope(f"key {entry.keyid} may not write or decide about {outside}")
    actor = record["actor"]
    human = actor["kind"] == ActorKind.HUMAN
    if body in DECIDED_BY and not (human and record["body"][body][DECIDED_BY[body]] == actor["id"]):
        return False
    if human:
        return "override" in entry.roles and entry.actor == actor["id"]
    return bool(actor["id"] == producer)


def may_send(entry: KeyEntry, body: str) -> bool:
    """Tell whether a key's enrolment names this kind of event, or none at all."""
    return not entry.event_kinds or body in entry.event_kinds


def may_originate(roles: frozenset[str], origin: str, body: str) -> bool:
    """Tell whether a key with these roles may say *body* with this origin."""
    if origin == Origin.GATEWAY:
        return "gateway" in roles
    if origin == Origin.IMPORT and "gateway" in roles:
        return True
    return "emit" in roles or ("override" in roles and body in HUMAN_BODIES)


def _proven(batch: SignedBatch, keyring: Keyring) -> list[BatchSignature]:
    """Return the signatures that verify under the key they name."""
    if not batch.signatures:
        raise NoSignature("the batch carries no signature")
    message = pae(batch.payload_type, batch.header)
    known = [s for s in batch.signatures if keyring.knows(s.keyid)]
    if not known:
        raise UnknownKey(f"key {batch.signatures[0].keyid} is not in the keyring")
    proven = [s for s in known if keyring.entry(s.keyid).key.verifies(s.sig, message)]
    if not proven:
        raise BadSignature(f"the signature does not verify under key {known[0].keyid}")
    return proven


def _authorised(
    proven: Sequence[BatchSignature], keyring: Keyring, producer: str, at: int, by: int | None
) -> tuple[KeyEntry, bytes]:
    """Return the first key that may speak, or raise why the first one may not."""
    refusals: list[ContractError] = []
    for signature in proven:
        try:
            entry = keyring.authorise(signature.keyid, producer=producer, at=at, by=by)
            if entry.roles & SEALING_ROLES:
                return entry, signature.sig
            raise OutOfScope(f"key {entry.keyid} has no role that seals events")
        except ContractError as error:
            refusals.append(error)
    raise refusals[0]
