"""What the fuzzers call with their bytes, and what must hold then.

A target returns whatever the bytes are; an exception is a find. Seeds come from the hostile
assets. The suite calls each target with its seeds; ``python -m tests.fuzz`` looks for more.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lineseal.consumers.apply import Arrival, apply
from lineseal.consumers.columnar import judge as columnar
from lineseal.consumers.judge import judge_events
from lineseal.consumers.rows import Rows
from lineseal.schemas.codec import (
    EVENT_SCHEMA_SHA256,
    decode_event,
    encode_event_record,
    encode_header,
)
from lineseal.schemas.errors import ContractError
from lineseal.schemas.model import BatchHeader
from lineseal.signing.frame import decode_frame, encode_frame
from lineseal.signing.keyring import KeyEntry, Keyring
from lineseal.signing.verify import VerifiedBatch, verify_batch
from tests.assets.generate import assets
from tests.assets.kit import DEPLOYMENT, MALLORY, SIGNER, header_record, sealed, signed
from tests.assets.wire import joined, to_pieces
from tests.simulator import START

_SIZE = struct.Struct("<H")
_MOST_EVENTS = 16
KEYRING = Keyring(
    version=1,
    expires=START * 2,
    deployment=DEPLOYMENT,
    entries=(
        KeyEntry(
            keyid=SIGNER.keyid,
            algorithm=SIGNER.public.algorithm,
            public=SIGNER.public.hex,
            producer=MALLORY,
            roles=frozenset({"emit", "gateway", "override"}),
        ),
    ),
)
ARRIVAL = Arrival(stream="s", position=0, log_key=MALLORY, logged_at=None, ingest_time=START)


def read_frame(data: bytes) -> None:
    """Hold that a record is refused, or is what our own encoder writes."""
    try:
        batch = decode_frame(data)
    except ContractError:
        return
    assert encode_frame(batch) == data


def read_header(data: bytes) -> None:
    """Hold that a header, signed as it is, is refused or is what our own encoder writes."""
    try:
        batch = verified(signed(data, ()))
    except ContractError:
        return
    assert encode_header(batch.header) == data


def read_event(data: bytes) -> None:
    """Hold that an event is refused, or is what our own encoder writes."""
    try:
        _, record = decode_event(data, EVENT_SCHEMA_SHA256)
    except ContractError:
        return
    assert encode_event_record(record) == data


def read_in_columns(data: bytes) -> None:
    """Hold that what is accepted in columns is accepted one by one, and means as many rows."""
    events = tuple(unpacked(data))
    if not events or max(map(len, events)) > 60 * 1024:
        return
    batch = verified(sealed(events, "fuzz"))
    rows = Rows()
    (left,) = columnar.accept_in_columns([batch], [ARRIVAL], rows)
    fast = sorted(set(range(len(events))) - set(left))

    accepted, refused = judge_events(batch, fast)

    assert not refused, f"only the columns accept {[events[one.index] for one in refused]}"
    expected = {name: len(one) for name, one in apply(batch, accepted, ARRIVAL).tables.items()}
    del expected["batch"]
    assert {name: sum(len(t) for t in tables) for name, tables in rows.columns.items()} == expected


def verified(value: bytes) -> VerifiedBatch:
    """Verify a record as the materialiser does."""
    return verify_batch(value, KEYRING, deployment=DEPLOYMENT, at=START, log_key=MALLORY)


def packed(events: Sequence[bytes]) -> bytes:
    """Write several events so that ``unpacked`` finds them again."""
    return b"".join(_SIZE.pack(len(event)) + event for event in events)


def unpacked(data: bytes) -> Iterator[bytes]:
    """Cut bytes into events: two bytes of length, then the event; the last may be cut short."""
    position = 0
    for _ in range(_MOST_EVENTS):
        if position + _SIZE.size > len(data):
            return
        (size,) = _SIZE.unpack_from(data, position)
        position += _SIZE.size + size
        yield data[position - size : position]


def _records() -> list[bytes]:
    return [asset.value for asset in assets() if len(asset.value) <= 1 << 16]


def _batches() -> Iterator[tuple[bytes, tuple[bytes, ...]]]:
    for value in _records():
        try:
            batch = decode_frame(value)
        except ContractError:
            continue
        yield batch.header, batch.events


def _headers() -> list[bytes]:
    empty = joined(to_pieces(BatchHeader, header_record((), "seed")))
    return [empty, *(header for header, _ in _batches())]


def _events() -> list[bytes]:
    return list(dict.fromkeys(event for _, events in _batches() for event in events))


def _packed() -> list[bytes]:
    events = _events()
    few = [events[n : n + 4] for n in range(0, len(events), 4)]
    return [packed(four) for four in few]


@dataclass(frozen=True)
class Target:
    """Pair what is called with how it is called at first."""

    call: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


TARGETS = {
    "frame": Target(read_frame, _records),
    "header": Target(read_header, _headers),
    "event": Target(read_event, _events),
    "columns": Target(read_in_columns, _packed),
}
