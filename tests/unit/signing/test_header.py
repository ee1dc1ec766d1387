"""A signed header that contradicts itself is refused.

What is promised: whatever a faulty or hostile producer signs, only headers that a sealer could
have written come through. Source: DESIGN 4.2; attack A18.

Evidence: one good header of each kind, and one change for every rule.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lineseal.schemas.errors import ContractError, Malformed, OutOfRange
from lineseal.schemas.limits import MAX_TIME
from lineseal.schemas.model import BatchFlags, BatchHeader, Genesis, Loss
from lineseal.signing.header import NO_PREVIOUS, check_header

from .world import DEPLOYMENT, NOW, PRODUCER, resealed, verify

EPOCH = "01900000-0000-7000-8000-000000000000"
HASH = "ab" * 32
LOSS = Loss(count=1, first_at=1, last_at=2, reason="disk full")
FIRST = BatchHeader(
    format=1,
    deployment=DEPLOYMENT,
    producer=PRODUCER,
    epoch=EPOCH,
    batch_seq=0,
    first_seq=0,
    count=3,
    prev_header_sha256=NO_PREVIOUS,
    merkle_root=HASH,
    schema_sha256=HASH,
    created_at=NOW,
    flags=int(BatchFlags.GENESIS),
    genesis=Genesis(),
)
LATER = replace(FIRST, batch_seq=4, first_seq=9, prev_header_sha256=HASH, flags=0, genesis=None)
NAMED = Genesis(prev_epoch=EPOCH, prev_batch_seq=0, prev_header_sha256=HASH)


@pytest.mark.parametrize(
    "header",
    [
        FIRST,
        LATER,
        replace(FIRST, genesis=NAMED),
        replace(LATER, count=0, flags=int(BatchFlags.HEARTBEAT)),
        replace(LATER, count=0, flags=int(BatchFlags.FINAL)),
        replace(LATER, flags=int(BatchFlags.FINAL)),
        replace(LATER, flags=int(BatchFlags.LOSS), loss=LOSS),
        replace(LATER, flags=8, loss=replace(LOSS, count=10**12, last_at=MAX_TIME)),
    ],
)
def test_every_kind_of_batch_has_a_header(header: BatchHeader) -> None:
    """First, later, named predecessor, heartbeat, final with and without events, loss."""
    check_header(header)


@pytest.mark.parametrize(
    ("header", "changes", "error"),
    [
        (FIRST, {"format": 2}, OutOfRange),
        (LATER, {"batch_seq": -1}, OutOfRange),
        (LATER, {"first_seq": -1}, OutOfRange),
        (LATER, {"count": -1}, OutOfRange),
        (LATER, {"created_at": -1}, OutOfRange),
        (LATER, {"flags": -1}, OutOfRange),
        (LATER, {"flags": 16}, OutOfRange),
        (LATER, {"count": 1025}, OutOfRange),
        (LATER, {"batch_seq": 2**63 - 1}, OutOfRange),
        (LATER, {"first_seq": 2**63 - 1}, OutOfRange),
        (LATER, {"prev_header_sha256": HASH.upper()}, Malformed),
        (LATER, {"merkle_root": HASH + "\n"}, Malformed),
        (LATER, {"schema_sha256": "ab"}, Malformed),
        (LATER, {"epoch": "first"}, Malformed),
        (LATER, {"epoch": EPOCH.replace("0", "A")}, Malformed),
        (FIRST, {"genesis": None}, Malformed),
        (FIRST, {"flags": 0}, Malformed),
        (FIRST, {"prev_header_sha256": HASH}, Malformed),
        (FIRST, {"first_seq": 1}, Malformed),
        (LATER, {"genesis": Genesis()}, Malformed),
        (LATER, {"flags": int(BatchFlags.GENESIS)}, Malformed),
        (LATER, {"prev_header_sha256": NO_PREVIOUS}, Malformed),
        (LATER, {"loss": LOSS}, Malformed),
        (LATER, {"flags": int(BatchFlags.LOSS)}, Malformed),
        (LATER, {"count": 0}, Malformed),
        (LATER, {"flags": int(BatchFlags.HEARTBEAT)}, Malformed),
        (FIRST, {"genesis": replace(NAMED, prev_batch_seq=None)}, Malformed),
        (FIRST, {"genesis": replace(NAMED, prev_batch_seq=-1)}, OutOfRange),
        (FIRST, {"genesis": replace(NAMED, prev_epoch="x")}, Malformed),
        (FIRST, {"genesis": replace(NAMED, prev_header_sha256="x")}, Malformed),
        (LATER, {"flags": 8, "loss": replace(LOSS, count=0)}, OutOfRange),
        (LATER, {"flags": 8, "loss": replace(LOSS, first_at=3)}, OutOfRange),
        (LATER, {"flags": 8, "loss": replace(LOSS, first_at=-1)}, OutOfRange),
        (LATER, {"flags": 8, "loss": replace(LOSS, count=10**12 + 1)}, OutOfRange),
        (LATER, {"flags": 8, "loss": replace(LOSS, last_at=MAX_TIME + 1)}, OutOfRange),
    ],
)
def test_a_header_that_cannot_be_is_refused(
    header: BatchHeader, changes: dict[str, Any], error: type[ContractError]
) -> None:
    """Each rule has its code, also when the header is signed."""
    wrong = replace(header, **changes)

    with pytest.raises(error):
        check_header(wrong)
    with pytest.raises(error):
        verify(resealed(wrong))
