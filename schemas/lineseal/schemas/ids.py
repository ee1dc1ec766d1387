"""Identifiers and clock readings the contract uses.

``now_us`` is the only place that reads the wall clock for event times, so that tests and
replays can pass their own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Final

_CHANCE_BYTES: Final = 10
_VARIANT: Final = {f"{digit:x}": f"{8 | digit & 3:x}" for digit in range(16)}
"""A random digit to one whose two high bits are those of RFC 9562, 4.1."""


def now_us() -> int:
    """Return the wall-clock time in microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000


def new_uuid7(at_us: int | None = None, chance: bytes | None = None) -> str:
    """Make a UUIDv7 (RFC 9562, 5.7) in its 36-character lower-case form.

    Args:
        at_us: Microseconds since the epoch for the time part; now by default.
        chance: One of ``draw_chances``, used for no other id; drawn here by default.

    """
    millis = (now_us() if at_us is None else at_us) // 1000
    drawn = (os.urandom(_CHANCE_BYTES) if chance is None else chance).hex()
    # Written out by hand: uuid.UUID takes four times as long, and this runs for every event.
    time_part = f"{millis & ((1 << 48) - 1):012x}"
    return (
        f"{time_part[:8]}-{time_part[8:]}-7{drawn[:3]}"
        f"-{_VARIANT[drawn[3]]}{drawn[4:7]}-{drawn[7:19]}"
    )


def draw_chances(count: int) -> Iterator[bytes]:
    """Draw what *count* ids need at once: asking the system costs as much as making the id.

    A child that a signal handler forks meanwhile goes on with its own.
    """
    process = os.getpid()
    drawn = os.urandom(_CHANCE_BYTES * count)
    for at in range(0, len(drawn), _CHANCE_BYTES):
        mine = os.getpid() == process
        yield drawn[at : at + _CHANCE_BYTES] if mine else os.urandom(_CHANCE_BYTES)
