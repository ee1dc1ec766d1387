"""The small record a batch's signature covers (DESIGN 4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

from lineseal.schemas.model._types import Identifier

BATCH_FORMAT = 1
BATCH_PAYLOAD_TYPE = "application/vnd.lineseal.batch.v1+avro"


class BatchFlags(IntFlag):
    """What is special about a batch."""

    NONE = 0
    GENESIS = 1
    HEARTBEAT = 2
    FINAL = 4
    LOSS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Genesis:
    """Name the head of the epoch before this one; all null for a producer's first epoch."""

    prev_epoch: str | None = None
    prev_batch_seq: int | None = None
    prev_header_sha256: str | None = None
    reason: str = "opened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Count events a producer had to drop; both times in microseconds, both included."""

    count: int
    first_at: int
    last_at: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchHeader:
    """Seal a batch: the DSSE payload.

    ``epoch`` is a UUID of one opening of an outbox; ``batch_seq`` counts from 0 in it;
    ``first_seq`` is the sequence number of the first event in the epoch, from 0.
    Hashes are 64 lower-case hex characters. ``created_at`` is in microseconds UTC.
    """

    format: int
    deployment: Identifier
    producer: Identifier
    epoch: Identifier
    batch_seq: int
    first_seq: int
    count: int
    prev_header_sha256: str
    merkle_root: str
    schema_sha256: str
    created_at: int
    flags: int
    genesis: Genesis | None = None
    loss: Loss | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSignature:
    """One signature over the header: key id (64 hex characters) and signature bytes."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedBatch:
    """What a log record's value holds after the two frame bytes."""

    payload_type: str
    header: bytes
    signatures: tuple[BatchSignature, ...]
    events: tuple[bytes, ...]
