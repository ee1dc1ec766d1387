"""Says how a batch lies in a log record: ``0x4C 0x31`` and one canonical Avro ``SignedBatch``.

The parser is written by hand because these bytes are not yet trusted: every length is checked
before anything is sliced, lengths are minimal varints, an array is one block, every byte is
consumed. What it accepts is exactly what ``encode_frame`` writes and what any Avro library
reads with ``signed_batch-v1.avsc``. Source: DESIGN 4.2; attack table A6, A23, A25.
"""

from __future__ import annotations

from functools import lru_cache

from lineseal.schemas.errors import (
    Malformed,
    NonCanonical,
    TooLarge,
    TooManyItems,
    TrailingBytes,
)
from lineseal.schemas.limits import (
    MAX_BATCH_EVENTS,
    MAX_EVENT_BYTES,
    MAX_HEADER_BYTES,
    MAX_PAYLOAD_TYPE_BYTES,
    MAX_RECORD_BYTES,
    MAX_SIGNATURE_BYTES,
    MAX_SIGNATURES,
)
from lineseal.schemas.model import BatchSignature, SignedBatch

FRAME_MAGIC = b"\x4c\x31"
KEYID_CHARACTERS = 64
_HEX = frozenset(b"0123456789abcdef")
_LONG_BITS = 64


def encode_frame(batch: SignedBatch) -> bytes:
    """Encode a batch as the value of a log record. Limits are the caller's to keep."""
    kind = batch.payload_type.encode()
    parts = [FRAME_MAGIC, _long(len(kind)), kind, _long(len(batch.header)), batch.header]
    if batch.signatures:
        parts.append(_long(len(batch.signatures)))
    for signature in batch.signatures:
        keyid = signature.keyid.encode()
        parts += (_long(len(keyid)), keyid, _long(len(signature.sig)), signature.sig)
    parts.append(b"\0")
    if batch.events:
        parts.append(_long(len(batch.events)))
        for event in batch.events:
            parts.append(_long(len(event)))
            parts.append(event)
    parts.append(b"\0")
    return b"".join(parts)


def decode_frame(value: bytes) -> SignedBatch:
    """Decode the value of a log record; nothing is verified yet.

    Raises:
        TooLarge: The record, or a part of it, is over its limit.
        TooManyItems: More than 8 signatures or 1,024 events.
        Malformed: Wrong first bytes, cut short, a negative length, or not text where text is due.
        NonCanonical: A padded varint, or an array in several or sized blocks.
        TrailingBytes: Bytes follow the batch.

    """
    if len(value) > MAX_RECORD_BYTES:
        raise TooLarge(f"the record is {len(value)} bytes, more than {MAX_RECORD_BYTES}")
    if value[:2] != FRAME_MAGIC:
        raise Malformed("the record does not start with the bytes 4C 31")
    kind, position = _slice(value, 2, MAX_PAYLOAD_TYPE_BYTES, "the payload type")
    header, position = _slice(value, position, MAX_HEADER_BYTES, "the header")
    signatures, position = _signatures(value, position)
    events, position = _events(value, position)
    if position != len(value):
        raise TrailingBytes(f"{len(value) - position} bytes follow the batch")
    try:
        payload_type = kind.decode()
    except UnicodeDecodeError as error:
        raise Malformed("the payload type is not UTF-8") from error
    return SignedBatch(
        payload_type=payload_type, header=header, signatures=signatures, events=events
    )


def _signatures(value: bytes, position: int) -> tuple[tuple[BatchSignature, ...], int]:
    count, position = _count(value, position, MAX_SIGNATURES, "signatures")
    signatures: list[BatchSignature] = []
    for _ in range(count):
        keyid, position = _slice(value, position, KEYID_CHARACTERS, "a key id")
        if len(keyid) != KEYID_CHARACTERS or not _HEX.issuperset(keyid):
            raise Malformed("a key id is not 64 lower-case hex characters")
        sig, position = _slice(value, position, MAX_SIGNATURE_BYTES, "a signature")
        signatures.append(BatchSignature(keyid=keyid.decode(), sig=sig))
    return tuple(signatures), _end_of_array(value, position, count)


def _events(value: bytes, position: int) -> tuple[tuple[bytes, ...], int]:
    count, position = _count(value, position, MAX_BATCH_EVENTS, "events")
    events: list[bytes] = []
    for _ in range(count):
        event, position = _slice(value, position, MAX_EVENT_BYTES, "an event")
        events.append(event)
    return tuple(events), _end_of_array(value, position, count)


def _count(value: bytes, position: int, limit: int, what: str) -> tuple[int, int]:
    count, position = _read_long(value, position)
    if count < 0:
        raise NonCanonical(f"the array of {what} is a sized block")
    if count > limit:
        raise TooManyItems(f"{count} {what}, more than {limit}")
    return count, position


def _end_of_array(value: bytes, position: int, count: int) -> int:
    if count == 0:
        return position
    more, position = _read_long(value, position)
    if more:
        raise NonCanonical("an array has more than one block")
    return position


def _slice(value: bytes, position: int, limit: int, what: str) -> tuple[bytes, int]:
    size, position = _read_long(value, position)
    end = position + size
    if size < 0:
        raise Malformed(f"{what} has a negative length")
    if size > limit:
        raise TooLarge(f"{what} is {size} bytes, more than {limit}")
    if end > len(value):
        raise Malformed(f"the record ends inside {what}")
    return value[position:end], end


def _read_long(value: bytes, position: int) -> tuple[int, int]:
    try:
        byte = value[position]
        raw = byte & 0x7F
        shift = 7
        while byte & 0x80:
            position += 1
            byte = value[position]
            raw |= (byte & 0x7F) << shift
            shift += 7
            if shift > _LONG_BITS + 6:
                raise Malformed("a length has more than 64 bits")
    except IndexError:
        raise Malformed("the record ends inside a length") from None
    if byte == 0 and shift > 7:
        raise NonCanonical("a length is padded")
    return (raw >> 1) ^ -(raw & 1), position + 1


@lru_cache(maxsize=4096)
def _long(number: int) -> bytes:
    rest = number << 1
    encoded = bytearray()
    while rest > 0x7F:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)
