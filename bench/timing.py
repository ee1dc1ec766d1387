"""Times questions one by one and tells the percentiles, for benches that ask many."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")

SHARES = (0.5, 0.95, 0.99)


def time_each(ask: Callable[[T], object], things: Iterable[T]) -> list[float]:
    """Return the seconds that each took."""
    found: list[float] = []
    for thing in things:
        began = time.perf_counter()
        ask(thing)
        found.append(time.perf_counter() - began)
    return found


def cells(times: Sequence[float]) -> str:
    """Return p50, p95 and p99 in milliseconds as cells of a table."""
    ordered = sorted(times)
    places = (ordered[min(int(len(ordered) * share), len(ordered) - 1)] for share in SHARES)
    return " | ".join(f"{1000 * seconds:,.1f}" for seconds in places)


def say(text: str) -> None:
    """Tell progress on stderr."""
    sys.stderr.write(f"{text}\n")
