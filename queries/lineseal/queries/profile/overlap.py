"""How much of one data set stands in another, by the smallest digests of both.

Below the smaller of the two sketches' largest digests both sketches are complete, so that there the
share is simply counted. It says something about the whole because digests are evenly spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

COMPARE_SIZE: Final = 65_536
"""Digests of each file: the share is within about half a percentage point when all are compared."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Say which share of the second data set's different rows the first holds.

    Attributes:
        share: From 0 to 1; None when no row could be compared.
        compared: How many rows of the second were compared.
        exact: Whether that is all of them.

    """

    share: float | None
    compared: int
    exact: bool


def estimate(first: Sequence[str], second: Sequence[str], size: int) -> Overlap:
    """Estimate from two sketches of up to *size* digests, each sorted."""
    ends = [sketch[-1] for sketch in (first, second) if len(sketch) >= size]
    end = min(ends) if ends else None
    known = set(first)
    compared = [token for token in second if end is None or token <= end]
    if not compared:
        return Overlap(0.0 if end is None else None, 0, end is None)
    shared = sum(token in known for token in compared)
    return Overlap(shared / len(compared), len(compared), end is None)
