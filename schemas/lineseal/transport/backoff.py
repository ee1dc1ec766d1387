"""Says how long to wait before the next try."""

from __future__ import annotations

import random


class Backoff:
    """Doubles the pause after every failure, up to a cap, and scatters it.

    Without the scatter, all relays of a site would knock at the same moment when a broker
    comes back.
    """

    def __init__(self, first: float, cap: float) -> None:
        """Start with *first* seconds, never exceed *cap* seconds."""
        self._first = first
        self._cap = cap
        self._next = first

    def pause(self) -> float:
        """Return the seconds to wait now: between half of the current step and all of it."""
        step = self._next
        self._next = min(self._cap, 2 * step)
        return step * random.uniform(0.5, 1.0)  # noqa: S311 - scatter, not a secret

    def reset(self) -> None:
        """Start over after a success."""
        self._next = self._first
