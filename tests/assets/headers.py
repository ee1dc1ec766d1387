"""Headers that are signed and impossible: numbers, hashes, flags, names, and their encoding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lineseal.schemas.limits import MAX_TIME
from lineseal.schemas.model import BatchHeader
from lineseal.signing.header import NO_PREVIOUS
from tests.assets.events import GOOD
from tests.assets.kit import Asset, header_record, sealed, signed
from tests.assets.wire import LENGTH, LONG, UNION, Piece, edited, joined, long, to_pieces

_EVENTS = (GOOD,)
_MAX = (1 << 63) - 1
_MIN = -(1 << 63)
_UUID = "0190f0a0-0000-7000-8000-000000000009"


def _genesis(**changes: Any) -> dict[str, Any]:
    none = {"prev_epoch": None, "prev_batch_seq": None, "prev_header_sha256": None}
    return {"genesis": none | {"reason": "opened"} | changes}


def _loss(**changes: Any) -> dict[str, Any]:
    loss = {"count": 1, "first_at": 1, "last_at": 2, "reason": "disk full"} | changes
    return {"loss": loss, "flags": 9}


_LATER = {"batch_seq": 1, "flags": 0, "genesis": None, "prev_header_sha256": "1" * 64}
_RANGE: dict[str, dict[str, Any]] = {
    "format-2": {"format": 2},
    "format-minus-one": {"format": -1},
    "batch-seq-minus-one": {"batch_seq": -1},
    "batch-seq-smallest": {"batch_seq": _MIN},
    "batch-seq-largest": _LATER | {"batch_seq": _MAX},
    "first-seq-minus-one": {"first_seq": -1},
    "first-seq-largest": _LATER | {"first_seq": _MAX},
    "count-minus-one": {"count": -1},
    "count-1025": {"count": 1025},
    "count-largest": {"count": _MAX},
    "created-before-1970": {"created_at": -1},
    "created-after-9999": {"created_at": MAX_TIME + 1},
    "created-largest": {"created_at": _MAX},
    "flags-16": {"flags": 17},
    "flags-minus-one": {"flags": -1},
    "flags-largest": {"flags": _MAX},
    "genesis-batch-minus-one": _genesis(
        prev_epoch=_UUID, prev_batch_seq=-1, prev_header_sha256="1" * 64
    ),
    "loss-of-nothing": _loss(count=0),
    "loss-below-zero": _loss(count=-1),
    "loss-of-everything": _loss(count=_MAX),
    "loss-backwards": _loss(first_at=3),
    "loss-after-9999": _loss(last_at=MAX_TIME + 1),
}
_MALFORMED: dict[str, dict[str, Any]] = {
    "root-in-capitals": {"merkle_root": "A" * 64},
    "root-short": {"merkle_root": "a" * 63},
    "root-with-line-feed": {"merkle_root": "a" * 64 + "\n"},
    "previous-no-hash": {"prev_header_sha256": "x" * 64},
    "epoch-no-uuid": {"epoch": "epoch-1"},
    "epoch-in-capitals": {"epoch": _UUID.upper().replace("0190F0A0", "0190F0AF")},
    "epoch-urn": {"epoch": "{urn:uuid:" + _UUID + "}"},
    "epoch-path": {"epoch": "../../../../etc/passwd"},
    "genesis-without-flag": {"flags": 0},
    "flag-without-genesis": {"genesis": None},
    "genesis-in-the-middle": _LATER | {"flags": 1},
    "first-with-a-previous": {"prev_header_sha256": "1" * 64},
    "later-without-previous": _LATER | {"prev_header_sha256": NO_PREVIOUS},
    "first-not-at-zero": {"first_seq": 1},
    "loss-without-flag": _loss() | {"flags": 1},
    "flag-without-loss": {"flags": 9},
    "heartbeat-with-events": {"flags": 3},
    "genesis-in-part": _genesis(prev_epoch=_UUID),
    "genesis-epoch-no-uuid": _genesis(
        prev_epoch="x", prev_batch_seq=1, prev_header_sha256="1" * 64
    ),
    "genesis-no-hash": _genesis(prev_epoch=_UUID, prev_batch_seq=1, prev_header_sha256="1"),
}
_IDENTIFIER: dict[str, dict[str, Any]] = {
    "no-producer": {"producer": ""},
    "hidden-producer": {"producer": "mall\u200bory"},
    "long-deployment": {"deployment": "d" * 1025},
    "control-in-deployment": {"deployment": "sim\x1b[2Julation"},
}


def header_assets() -> Iterator[Asset]:
    """Yield every asset of this module."""
    for code, cases in (("RANGE", _RANGE), ("MALFORMED", _MALFORMED), ("IDENTIFIER", _IDENTIFIER)):
        for name, changes in cases.items():
            yield Asset("header", name, code, sealed(_EVENTS, f"header/{name}", **changes))
    wrong = {"count-2": {"count": 2}, "count-0": {"count": 0, "flags": 3}}
    for name, changes in wrong.items():
        value = sealed(_EVENTS, f"header/{name}", **changes)
        yield Asset("header", name, "ROOT_MISMATCH", value)
    elsewhere = sealed(_EVENTS, "header/elsewhere", deployment="elsewhere")
    yield Asset("header", "elsewhere", "WRONG_DEPLOYMENT", elsewhere)
    yield from _encodings()


def _encodings() -> Iterator[Asset]:
    pieces = to_pieces(BatchHeader, header_record(_EVENTS, "header"))
    whole = joined(pieces)
    for name, code, data in (
        ("empty", "MALFORMED", b""),
        ("cut", "MALFORMED", whole[:-1]),
        ("byte-behind", "TRAILING_BYTES", whole + b"\0"),
        ("padded", "NON_CANONICAL", edited(pieces, "format", LONG, long(1, 2))),
        ("union-minus-one", "NON_CANONICAL", edited(pieces, "genesis", UNION, long(-1))),
        ("union-two", "MALFORMED", edited(pieces, "genesis", UNION, long(2))),
        ("text-without-end", "MALFORMED", edited(pieces, "deployment", LENGTH, long(1 << 40))),
        ("text-below-zero", "MALFORMED", edited(pieces, "deployment", LENGTH, long(-9))),
        ("not-utf-8", "MALFORMED", _with_text(pieces, b"\xff\xfe")),
    ):
        yield Asset("header", f"encoding-{name}", code, signed(data, _EVENTS))


def _with_text(pieces: list[Piece], text: bytes) -> bytes:
    other = [p for p in pieces if p.path == "deployment"]
    before = joined(other)
    return joined(pieces).replace(before, long(len(text)) + text, 1)
