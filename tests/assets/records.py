"""Whole records that are wrong: the frame, the signatures, what they cover, and foreign formats."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator

import fastavro

from lineseal.schemas.codec import schema_sha256
from lineseal.schemas.limits import MAX_EVENT_BYTES, MAX_RECORD_BYTES
from lineseal.schemas.model import BATCH_PAYLOAD_TYPE, BatchHeader
from lineseal.signing.frame import decode_frame, encode_frame
from tests.assets.events import GOOD, in_batch
from tests.assets.headers import header_assets
from tests.assets.kit import (
    MALLORY,
    SIGNER,
    STRANGER,
    Asset,
    framed,
    header_record,
    sealed,
    signature_of,
    signed,
)
from tests.assets.wire import joined, long, to_pieces, varint

_EVENTS = (GOOD,)
_HEADER = joined(to_pieces(BatchHeader, header_record(_EVENTS, "records")))
_RECORD = signed(_HEADER, _EVENTS)
_KIND = BATCH_PAYLOAD_TYPE.encode()
_ORDER = (1 << 252) + 27742317777372353535851937790883648493
"""The order of Ed25519's group: adding it to the second half of a signature gives another one."""
_PACKED = {
    "gzip": (
        "1f8b0800000000000203edc101010000008090feafee080a0000000000000000000000000000000000000000"
        "000000000000000000000000000000000000000000000000000000000000000000000000000000000000006a"
        "eb8e97d700000100"
    ),
    "zlib": (
        "789cedc101010000008090feafee080a00000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000000006a000f0001"
    ),
    "bzip2-bomb": (
        "425a68393141592653590e09e2df015f8e4000c0000008200030804d4642a025a90a80973141592653590e09"
        "e2df015f8e4000c0000008200030804d4642a025a90a80973141592653590e09e2df015f8e4000c000000820"
        "0030804d4642a025a90a80973141592653590e09e2df015f8e4000c0000008200030804d4642a025a90a8097"
        "3141592653590e09e2df015f8e4000c0000008200030804d4642a025a90a80973141592653591ecee4db012a"
        "3fc000c0040008200030cc0529a6aaa8491b002248f1772453850906b17caf00"
    ),
    "xz-bomb": (
        "fd377a585a000004e6d6b4460200210116000000742fe5a3efffff00d95d00006ffdffffa3b7ff473e481572"
        "396151b89228e6a38607f9eee41e82d32fc53a3c014bb17ec98a8a4d2fa30dd97fa6e38c231153e05918c575"
        "8ae277f8b6947f0c6ac0de744964e2e95c53b204d8f7440cab5f0d6d46e9e5c37688b79657acb64de1691d6f"
        "fb4b88106c42cb883f5c008fd04eaf262894711f3d8f24e1709ea7235fec28cb85d195988a7e2a91f22775f7"
        "19c006984d98fdd8afd5900fc42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c59"
        "86e9665258bee976ac59e4e55b0508f9c7daadfcfb522af7e495250000000000c2f6ba3ea2706b600001f501"
        "8080400079977f47b1c467fb020000000004595a"
    ),
}
"""What libraries wrote, who knows which version: zeros: 64 KiB twice, 256 MiB, 1 MiB."""


def record_assets() -> Iterator[Asset]:
    """Yield every asset of this module, and those of headers."""
    yield from _frames()
    yield from _signatures()
    yield from _schemas()
    yield from _foreign()
    yield from header_assets()


def _frames() -> Iterator[Asset]:
    for end in (0, 1, 2, 3, 40, len(_RECORD) // 2, len(_RECORD) - 1):
        yield Asset("frame", f"cut-at-{end}", "MALFORMED", _RECORD[:end])
    magic, rest = _RECORD[:2], _RECORD[2:]
    yield Asset("frame", "other-version", "MALFORMED", b"\x4c\x32" + rest)
    yield Asset("frame", "no-magic", "MALFORMED", rest)
    yield Asset("frame", "byte-behind", "TRAILING_BYTES", _RECORD + b"\0")
    yield Asset("frame", "another-behind", "TRAILING_BYTES", _RECORD + _RECORD)
    for size in (-1, -(1 << 63)):
        yield Asset("frame", f"type-of-{size}", "MALFORMED", magic + long(size) + _KIND)
    for size in (129, 1 << 31, 1 << 40, 1 << 62, (1 << 63) - 1):
        yield Asset("frame", f"type-of-{size}", "TOO_LARGE", magic + long(size) + _KIND)
    yield Asset("frame", "length-of-70-bits", "TOO_LARGE", magic + varint((1 << 70) - 2) + _KIND)
    padded = long(len(_KIND), 3)
    yield Asset("frame", "padded-length", "NON_CANONICAL", magic + padded + rest[1:])
    endless = magic + b"\x80" * 1000
    yield Asset("frame", "number-without-end", "MALFORMED", endless)
    yield Asset("frame", "type-not-utf-8", "MALFORMED", magic + long(1) + b"\xff" + _after_type())
    head = magic + long(len(_KIND)) + _KIND + long(len(_HEADER)) + _HEADER
    yield Asset("frame", "nine-signatures", "TOO_MANY_ITEMS", head + long(9))
    yield Asset("frame", "huge-signatures", "TOO_MANY_ITEMS", head + long(1 << 62))
    yield Asset("frame", "signatures-as-sized-block", "NON_CANONICAL", head + long(-1) + long(2))
    key = SIGNER.keyid.encode()
    for name, data in (("capitals", key.upper()), ("short", key[:63]), ("no-hex", b"g" * 64)):
        signature = long(1) + long(len(data)) + data + long(0) + long(0) + long(0)
        yield Asset("frame", f"key-id-{name}", "MALFORMED", head + signature)
    unsigned = head + long(0)
    yield Asset("frame", "1025-events", "TOO_MANY_ITEMS", unsigned + long(1025) + bytes(1026))
    for count in (1 << 31, 1 << 62, (1 << 63) - 1):
        yield Asset("frame", f"{count}-events", "TOO_MANY_ITEMS", unsigned + long(count))
    yield Asset("frame", "events-as-sized-block", "NON_CANONICAL", unsigned + long(-1) + long(0))
    yield Asset(
        "frame", "events-in-two-blocks", "NON_CANONICAL", unsigned + (long(1) + long(0)) * 2
    )
    yield Asset("frame", "events-not-ended", "MALFORMED", unsigned + long(1) + long(0))
    yield Asset("size", "header", "TOO_LARGE", signed(bytes(8193), _EVENTS))
    large = bytes(MAX_EVENT_BYTES + 1)
    yield Asset("size", "event", "TOO_LARGE", sealed((large,), "size/event"))
    yield Asset("size", "record", "TOO_LARGE", _RECORD + bytes(MAX_RECORD_BYTES))


def _after_type() -> bytes:
    return encode_frame(dataclasses.replace(decode_frame(_RECORD), payload_type=""))[3:]


def _signatures() -> Iterator[Asset]:
    good = signature_of(_HEADER)

    def wrong(name: str, code: str, *signatures: bytes, keyid: str = SIGNER.keyid) -> Asset:
        made = tuple(dataclasses.replace(good, keyid=keyid, sig=sig) for sig in signatures)
        return Asset("signature", name, code, framed(_HEADER, _EVENTS, made))

    yield wrong("none", "NO_SIGNATURE")
    yield wrong("empty", "BAD_SIGNATURE", b"")
    yield wrong("zeros", "BAD_SIGNATURE", bytes(64))
    yield wrong("short", "BAD_SIGNATURE", good.sig[:63])
    yield wrong("long", "BAD_SIGNATURE", good.sig + b"\0")
    yield wrong("8-kilobytes", "BAD_SIGNATURE", bytes(8192))
    yield wrong("eight-that-fail", "BAD_SIGNATURE", *[bytes([n]) * 64 for n in range(8)])
    half = int.from_bytes(good.sig[32:], "little") + _ORDER
    yield wrong("malleable", "BAD_SIGNATURE", good.sig[:32] + half.to_bytes(32, "little"))
    identity = b"\1" + bytes(31)
    yield wrong("small-order", "BAD_SIGNATURE", identity + bytes(32))
    yield wrong("unknown-key", "UNKNOWN_KEY", good.sig, keyid=STRANGER.keyid)
    forged = signature_of(_HEADER, signer=STRANGER)
    yield wrong("of-another-key", "BAD_SIGNATURE", forged.sig)
    kind = "application/vnd.in-toto+json"
    yield Asset("signature", "other-type", "WRONG_TYPE", signed(_HEADER, _EVENTS, kind))
    bare = dataclasses.replace(good, sig=SIGNER.sign(_HEADER))
    yield Asset("signature", "without-encoding", "BAD_SIGNATURE", framed(_HEADER, _EVENTS, (bare,)))
    swapped = framed(_HEADER, (GOOD, GOOD), (good,))
    yield Asset("signature", "event-added", "ROOT_MISMATCH", swapped)
    yield Asset("signature", "event-removed", "ROOT_MISMATCH", framed(_HEADER, (), (good,)))
    victim = to_pieces(BatchHeader, header_record(_EVENTS, "victim", producer="honest"))
    yield Asset("signature", "for-another", "SCOPE", signed(joined(victim), _EVENTS))


def _schemas() -> Iterator[Asset]:
    digests = {
        "unknown": "ab" * 32,
        "of-the-header": schema_sha256("batch_header-v1.avsc"),
        "of-the-frame": schema_sha256("signed_batch-v1.avsc"),
        "zeros": "0" * 64,
    }
    for name, digest in digests.items():
        value = sealed(_EVENTS, f"schema/{name}", schema_sha256=digest)
        yield Asset("schema", name, "UNKNOWN_SCHEMA", value)
    for name, digest in {"capitals": "AB" * 32, "empty": "", "crc": "00000000deadbeef"}.items():
        value = sealed(_EVENTS, f"schema/{name}", schema_sha256=digest)
        yield Asset("schema", name, "MALFORMED", value)
    # What ended a process by recursion: one more level for each byte, under a schema of its own,
    # and under ours.
    deep = b"\x02" * 9300 + b"\x00"
    value = sealed((deep,), "schema/recursive", schema_sha256="cd" * 32)
    yield Asset("schema", "recursive", "UNKNOWN_SCHEMA", value)
    yield in_batch("nesting", "linked-list", "MALFORMED", deep)
    yield in_batch("nesting", "json", "MALFORMED", b"[" * 50_000)


def _foreign() -> Iterator[Asset]:
    """Other formats: nothing is ever unpacked, so nothing can explode."""
    container = io.BytesIO()
    schema = fastavro.parse_schema({"type": "array", "items": "string"})
    fastavro.writer(container, schema, [["a"]], codec="null", sync_marker=b"0123456789abcdef")
    packed = {name: bytes.fromhex(data) for name, data in _PACKED.items()} | {
        "avro-container": container.getvalue(),
        "json-envelope": b'{"payloadType":"' + _KIND + b'","payload":"","signatures":[]}',
        "json-nested": b"[" * 1_000_000,
        "xml-entities": b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 999 + b'">]><x>&a;&a;&a;</x>',
        "pickle": b"cos\nsystem\n(S'true'\ntR.",
        "text": MALLORY.encode(),
    }
    for name, data in packed.items():
        yield Asset("foreign", name, "MALFORMED", data)
        if len(data) <= MAX_EVENT_BYTES:
            yield in_batch("foreign-event", name, "MALFORMED", data)
