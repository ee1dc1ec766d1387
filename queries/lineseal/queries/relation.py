"""What does each key lead to? Sorted arrays of integers, looked up by bisection.

One relation is one half hop: from versions to runs or from runs to versions. A *part* holds the
four of them for the edges of some commits; it is never changed, so whoever reads it needs no lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64] | npt.NDArray[np.int32]
Bits = npt.NDArray[np.uint8]

INPUT = "input"
OUTPUT = "output"
DIRECTION = {"writers": OUTPUT, "run_outputs": OUTPUT, "readers": INPUT, "run_inputs": INPUT}
"""Half hops by the names of their SQL files, and the direction of the edges they follow."""
FROM_RUN = frozenset({"run_inputs", "run_outputs"})
"""Half hops whose keys are runs."""

_SHIFT = 32


@dataclass(frozen=True, slots=True)
class Edges:
    """Hold edges in columns of one length; see ``DIRECTION`` for what they are."""

    runs: npt.NDArray[np.int64]
    versions: npt.NDArray[np.int64]
    bits: Bits

    def __len__(self) -> int:
        """Return their number."""
        return len(self.runs)

    @property
    def codes(self) -> npt.NDArray[np.int64]:
        """Return one number for each pair of run and version: run numbers are below 0."""
        return (self.versions << _SHIFT) - self.runs

    def where(self, mask: Any) -> Edges:
        """Return those that *mask* or an array of places selects."""
        return Edges(self.runs[mask], self.versions[mask], self.bits[mask])

    def without(self, codes: npt.NDArray[np.int64]) -> Edges:
        """Return those whose pair is none of *codes*."""
        if not len(codes) or not len(self):
            return self
        return self.where(~np.isin(self.codes, codes))


def joined(parts: list[Edges]) -> Edges:
    """Put edges one behind the other."""
    if len(parts) == 1:
        return parts[0]
    return Edges(
        np.concatenate([part.runs for part in parts]),
        np.concatenate([part.versions for part in parts]),
        np.concatenate([part.bits for part in parts]),
    )


class Relation:
    """Holds edges sorted by one side."""

    def __init__(self, edges: Edges, *, by_run: bool) -> None:
        """Sort them; 4 bytes a number where they fit."""
        self._by_run = by_run
        keys, others = (edges.runs, edges.versions) if by_run else (edges.versions, edges.runs)
        order = np.argsort(keys, kind="stable")
        self._keys = _narrow(keys[order])
        self._others = _narrow(others[order])
        self._bits = edges.bits[order] if edges.bits.any() else None

    @property
    def nbytes(self) -> int:
        """Return the bytes it takes."""
        bits = 0 if self._bits is None else self._bits.nbytes
        return self._keys.nbytes + self._others.nbytes + bits

    def __len__(self) -> int:
        """Return the number of edges."""
        return len(self._keys)

    def of(self, keys: npt.NDArray[np.int64]) -> Edges:
        """Return the edges of *keys*."""
        wanted = keys.astype(self._keys.dtype, copy=False)
        first = np.searchsorted(self._keys, wanted, "left")
        count = np.searchsorted(self._keys, wanted, "right") - first
        total = int(count.sum())
        places = np.repeat(first - np.cumsum(count) + count, count) + np.arange(total)
        return self._at(places)

    def all(self) -> Edges:
        """Return every edge."""
        return self._at(slice(None))

    def _at(self, places: Any) -> Edges:
        keys = self._keys[places].astype(np.int64)
        others = self._others[places].astype(np.int64)
        bits = np.zeros(len(keys), np.uint8) if self._bits is None else self._bits[places]
        return Edges(keys, others, bits) if self._by_run else Edges(others, keys, bits)


def _narrow(numbers: npt.NDArray[np.int64]) -> Numbers:
    limits = np.iinfo(np.int32)
    fits = not len(numbers) or (
        int(numbers.min()) >= limits.min and int(numbers.max()) <= limits.max
    )
    return numbers.astype(np.int32) if fits else numbers
