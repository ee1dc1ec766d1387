"""Holds the pending events of one batch, and remembers the newest so that none is read back.

What this process accepted it need not read from its file, check and authenticate again before it
seals it: the bytes in memory are those that ``accept`` was given. That goes only for as long as
the file has exactly those rows; whoever asks sees to that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lineseal.schemas.limits import MAX_BATCH_BYTES

_MAX_KEPT_BYTES = 4 * MAX_BATCH_BYTES
"""More than a sealer falls behind by; beyond that, events are read from the file."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Hold the pending events of one batch.

    Attributes:
        events: Their exact bytes, in the order they were accepted.
        size: Sum of the bytes of all rows, refused ones included.
        rows: How many rows were accepted here; more than ``events`` when some are refused or gone.
        last_row: The number of the last of those rows.
        damaged: Row numbers whose bytes do not fit their checksum; not in ``events``.
        forged: Row numbers that their producer did not write, or that were sealed before; not in
            ``events``.
        more: True when pending events remain after this chunk.

    """

    events: tuple[bytes, ...]
    size: int
    rows: int
    last_row: int
    damaged: tuple[int, ...]
    forged: tuple[int, ...]
    more: bool

    @property
    def gone(self) -> int:
        """Return how many accepted rows are damaged or missing."""
        return max(0, self.rows - len(self.events) - len(self.forged))


def batches_of(
    events: Sequence[bytes], max_events: int, max_bytes: int
) -> Iterator[Sequence[bytes]]:
    """Split *events* into as many as fit a batch each, in order; every one is small enough."""
    first = size = 0
    for at, event in enumerate(events):
        size += len(event)
        if at - first == max_events or size > max_bytes:
            yield events[first:at]
            first, size = at, len(event)
    if first < len(events):
        yield events[first:]


class Newest:
    """Remembers the newest pending events of a file, at most some megabytes of them."""

    def __init__(self) -> None:
        """Remember nothing."""
        self.forget()

    def forget(self) -> None:
        """Remember nothing any more."""
        self._first = 0
        self._events: list[bytes] = []
        self._size = 0

    def add(self, first: int, events: Sequence[bytes]) -> None:
        """Remember *events*, which were committed in the rows from *first* on."""
        if first != self._first + len(self._events):
            self.forget()
            self._first = first
        self._events += events
        self._size += sum(map(len, events))
        if self._size > _MAX_KEPT_BYTES:
            self.forget()

    def drop(self, through: int) -> None:
        """Forget the rows up to *through*: they are sealed."""
        count = max(0, through + 1 - self._first)
        self._size -= sum(map(len, self._events[:count]))
        del self._events[:count]
        self._first += count

    def chunk(self, first: int, through: int, max_events: int, max_bytes: int) -> Chunk | None:
        """Return the oldest events of the rows from *first* to *through*, as many as fit a batch.

        None when not all of these rows are remembered, or there are none.
        """
        count = through + 1 - first
        if first != self._first or not 0 < count <= len(self._events):
            return None
        size = taken = 0
        for event in self._events[: min(count, max_events)]:
            if size + len(event) > max_bytes:
                break
            size, taken = size + len(event), taken + 1
        events = tuple(self._events[:taken])
        return Chunk(events, size, taken, first + taken - 1, (), (), taken < count)
