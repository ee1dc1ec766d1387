"""By which hop was each version of a large walk reached? As ``rows`` says, in columns.

Of several ways the shortest counts, then a certain one, then the first in the order of names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lineseal.queries.graph import MEANING
from lineseal.queries.walk import KeptHops, Numbers, walk
from lineseal.queries.wide.facts import Facts, Flags, Half

_NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Hops:
    """Hold for each version from which and by which run it was reached; -1 for starts."""

    via: Numbers
    run: Numbers
    certain: Flags
    reasons: Numbers

    @property
    def there(self) -> Flags:
        """Tell which versions have a hop."""
        found: Flags = self.run != _NOWHERE
        return found


def choose_hops(facts: Facts, near: Half, far: Half) -> Hops:
    """Choose one hop for every version that is not a start."""
    doors = _firsts(near.runs, facts.depths[near.versions] * 2 + ~near.certain, near.versions)
    door_of = np.full(len(facts.runs), _NOWHERE, np.int64)
    door_of[near.runs[doors]] = doors
    # A run is known by its far edges only if it was entered.
    door = door_of[far.runs]
    ways = np.flatnonzero(facts.depths[near.versions[door]] == facts.depths[far.versions] - 1)
    door = door[ways]
    certain = far.certain[ways] & near.certain[door]
    chosen = _firsts(far.versions[ways], ~certain, near.versions[door], far.runs[ways])
    way, door, certain = ways[chosen], door[chosen], certain[chosen]
    count = len(facts.versions)
    reached = far.versions[way]
    via, run = np.full(count, _NOWHERE, np.int64), np.full(count, _NOWHERE, np.int64)
    is_certain, reasons = np.zeros(count, np.bool_), np.zeros(count, np.int64)
    via[reached] = near.versions[door]
    run[reached] = far.runs[way]
    is_certain[reached] = certain
    # Both edges are of one run, so only the bits of the edges differ.
    both = far.reasons[way] | near.reasons[door] % len(MEANING)
    reasons[reached] = np.where(certain, 0, both)
    return Hops(via, run, is_certain, reasons)


def first_runs(half: Half, count: int) -> Numbers:
    """Return for each version the run of *half* that comes first by name; -1 where none is."""
    found = np.full(count, _NOWHERE, np.int64)
    chosen = _firsts(half.versions, half.runs)
    found[half.versions[chosen]] = half.runs[chosen]
    return found


def certain_ids(facts: Facts, near: Half, far: Half, starts: Iterable[int]) -> Numbers:
    """Return every version that a path of certain edges joins to one of *starts*."""
    direction = facts.walked.direction
    kept = KeptHops(
        direction, facts.walked.near.where(near.certain), facts.walked.far.where(far.certain)
    )
    return walk(kept, starts, direction, None).ids


def _firsts(groups: Numbers, *keys: npt.NDArray[np.int64] | Flags) -> Numbers:
    """Return the place of the first of each group in the order of *keys*."""
    if not len(groups):
        return np.empty(0, np.int64)
    order: Numbers = np.lexsort((*reversed(keys), groups))
    ordered = groups[order]
    found: Numbers = order[np.append(True, ordered[1:] != ordered[:-1])]
    return found
