"""Seals for a producer: events into a signed, chained batch.

A ``Sealer`` holds the key, a ``Chain`` the place in the epoch; ``seal`` takes a chain and gives
the bytes for the log with the chain for the next batch. It keeps no state, so whoever stores
the bytes and the new chain in one transaction can never fork. Source: DESIGN 4.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lineseal.schemas.codec import EVENT_SCHEMA_SHA256, encode_header
from lineseal.schemas.errors import TooLarge, TooManyItems
from lineseal.schemas.ids import new_uuid7, now_us
from lineseal.schemas.limits import (
    MAX_BATCH_EVENTS,
    MAX_EVENT_BYTES,
    MAX_HEADER_BYTES,
    MAX_RECORD_BYTES,
)
from lineseal.schemas.model import (
    BATCH_FORMAT,
    BATCH_PAYLOAD_TYPE,
    BatchFlags,
    BatchHeader,
    BatchSignature,
    Genesis,
    Loss,
    SignedBatch,
)
from lineseal.signing.envelope import pae
from lineseal.signing.frame import encode_frame
from lineseal.signing.header import NO_PREVIOUS
from lineseal.signing.merkle import leaf_hash, merkle_root
from lineseal.signing.signers import KeySigner


@dataclass(frozen=True, slots=True)
class Chain:
    """Say where the next batch goes.

    Attributes:
        epoch: UUID of this opening of an outbox.
        next_batch_seq: Number of the next batch, from 0.
        next_seq: Number of the next event in the epoch, from 0.
        head_sha256: SHA-256 of the last header, 64 hex characters; zeros before the first.
        genesis: What the first batch says about the epoch before; None once it is sealed.

    """

    epoch: str
    next_batch_seq: int
    next_seq: int
    head_sha256: str
    genesis: Genesis | None


@dataclass(frozen=True, slots=True)
class ChainHead:
    """Name the last batch of an epoch: its number and its header's SHA-256 (64 hex)."""

    epoch: str
    batch_seq: int
    header_sha256: str


class Sealer:
    """Seals batches for one producer under one key."""

    def __init__(
        self,
        signer: KeySigner,
        *,
        deployment: str,
        producer: str,
        row_keys: Sequence[bytes] | None = None,
        clock: Callable[[], int] = now_us,
    ) -> None:
        """Seal as *producer* of *deployment*; *clock* gives microseconds UTC.

        Events that wait for the sealer are authenticated under the first of *row_keys* and
        believed under any; by default there is the one that the private key gives, if it is here.
        """
        self._signer = signer
        own = () if signer.row_key is None else (signer.row_key,)
        self.row_keys: Sequence[bytes] = own if row_keys is None else row_keys
        self._deployment = deployment
        self._producer = producer
        self._clock = clock

    @property
    def is_local(self) -> bool:
        """Return True when the private key is in memory: no service has to be asked to sign."""
        return self._signer.row_key is not None

    def open_epoch(self, previous: ChainHead | None, reason: str = "opened") -> Chain:
        """Start a chain in a fresh epoch that names *previous*, the head before it."""
        genesis = Genesis(reason=reason)
        if previous is not None:
            genesis = Genesis(
                prev_epoch=previous.epoch,
                prev_batch_seq=previous.batch_seq,
                prev_header_sha256=previous.header_sha256,
                reason=reason,
            )
        return Chain(new_uuid7(self._clock()), 0, 0, NO_PREVIOUS, genesis)

    def seal(
        self,
        chain: Chain,
        events: Sequence[bytes],
        *,
        flags: BatchFlags = BatchFlags.NONE,
        loss: Loss | None = None,
    ) -> tuple[bytes, Chain]:
        """Seal *events*, each the exact bytes of an encoded event, as the next batch.

        Genesis and loss flags follow from the arguments; a batch without events that is not
        final is a heartbeat.

        Returns:
            The value for the log, at most 1 MiB, and the chain for the batch after it.

        Raises:
            TooManyItems: More than 1,024 events.
            TooLarge: An event, the header or the whole value is over its limit.
            BadIdentifier: Deployment or producer is not fit to be a name.
            KeyUnusable: The signer failed.

        """
        _check_events(events)
        header = self._header(chain, events, flags, loss)
        data = encode_header(header)
        if len(data) > MAX_HEADER_BYTES:
            raise TooLarge(f"the header is {len(data)} bytes, more than {MAX_HEADER_BYTES}")
        signature = self._signer.sign(pae(BATCH_PAYLOAD_TYPE, data))
        value = encode_frame(
            SignedBatch(
                payload_type=BATCH_PAYLOAD_TYPE,
                header=data,
                signatures=(BatchSignature(keyid=self._signer.keyid, sig=signature),),
                events=tuple(events),
            )
        )
        if len(value) > MAX_RECORD_BYTES:
            raise TooLarge(f"the batch is {len(value)} bytes, more than {MAX_RECORD_BYTES}")
        return value, _after(chain, len(events), data)

    def _header(
        self, chain: Chain, events: Sequence[bytes], flags: BatchFlags, loss: Loss | None
    ) -> BatchHeader:
        genesis = None
        if chain.next_batch_seq == 0:
            genesis = chain.genesis or Genesis()
            flags |= BatchFlags.GENESIS
        if loss is not None:
            flags |= BatchFlags.LOSS
        if not events and BatchFlags.FINAL not in flags:
            flags |= BatchFlags.HEARTBEAT
        return BatchHeader(
            format=BATCH_FORMAT,
            deployment=self._deployment,
            producer=self._producer,
            epoch=chain.epoch,
            batch_seq=chain.next_batch_seq,
            first_seq=chain.next_seq,
            count=len(events),
            prev_header_sha256=chain.head_sha256,
            merkle_root=merkle_root([leaf_hash(event) for event in events]).hex(),
            schema_sha256=EVENT_SCHEMA_SHA256,
            created_at=self._clock(),
            flags=int(flags),
            genesis=genesis,
            loss=loss,
        )


def _check_events(events: Sequence[bytes]) -> None:
    if len(events) > MAX_BATCH_EVENTS:
        raise TooManyItems(f"{len(events)} events, more than {MAX_BATCH_EVENTS} in a batch")
    largest = max(map(len, events), default=0)
    if largest > MAX_EVENT_BYTES:
        raise TooLarge(f"an event is {largest} bytes, more than {MAX_EVENT_BYTES}")


def _after(chain: Chain, count: int, header: bytes) -> Chain:
    return Chain(
        chain.epoch,
        chain.next_batch_seq + 1,
        chain.next_seq + count,
        hashlib.sha256(header).hexdigest(),
        None,
    )
