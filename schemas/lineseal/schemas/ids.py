"""Identifiers and clock readings the contract uses.

``now_us`` is the only place that reads the wall clock for event times, so that tests and
replays can pass their own.
"""

from __future__ import annotations

import os
import time
from typing import Final

_VARIANT: Final = {f"{digit:x}": f"{8 | digit & 3:x}" for digit in range(16)}
"""A random digit to one whose two high bits are those of RFC 9562, 4.1."""


def now_us() -> int:
    """Return the wall-clock time in microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000


def new_uuid7(at_us: int | None = None) -> str:
    """Make a UUIDv7 (RFC 9562, 5.7) in its 36-character lower-case form.

    Args:
        at_us: Microseconds since the epoch for the time part; now by default.

    """
    millis = (now_us() if at_us is None else at_us) // 1000
    chance = os.urandom(10).hex()
    # Written out by hand: uuid.UUID takes four times as long, and this runs for every event.
    time_part = f"{millis & ((1 << 48) - 1):012x}"
    return (
        f"{time_part[:8]}-{time_part[8:]}-7{chance[:3]}"
        f"-{_VARIANT[chance[3]]}{chance[4:7]}-{chance[7:19]}"
    )
