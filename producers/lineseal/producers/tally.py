"""Counts what was accepted and what had to be dropped, until a batch can say so under signature."""

from __future__ import annotations

import os
import threading
import weakref
from dataclasses import dataclass

from lineseal.schemas.ids import now_us
from lineseal.schemas.model import Loss

_tallies: weakref.WeakSet[Tally] = weakref.WeakSet()


@dataclass(frozen=True, slots=True)
class Stats:
    """Count events since the emitter was made: made durable, and dropped."""

    accepted: int
    dropped: int


class Tally:
    """Counts events. Safe to share between threads."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._lock = threading.RLock()
        self._accepted = 0
        self._dropped = 0
        self._loss: Loss | None = None
        _tallies.add(self)

    @property
    def stats(self) -> Stats:
        """Return the counts so far."""
        with self._lock:
            return Stats(self._accepted, self._dropped)

    @property
    def has_loss(self) -> bool:
        """Return whether something was dropped that no batch tells of yet."""
        return self._loss is not None

    def accept(self, count: int) -> None:
        """Count *count* events as durable."""
        with self._lock:
            self._accepted += count

    def drop(self, count: int, reason: str) -> None:
        """Count *count* events as dropped now, for *reason*."""
        now = now_us()
        with self._lock:
            self._dropped += count
        self.give_back(Loss(count=count, first_at=now, last_at=now, reason=reason))

    def take_loss(self) -> Loss | None:
        """Return what was dropped since the last call, and start again; None for nothing."""
        with self._lock:
            loss, self._loss = self._loss, None
        return loss

    def give_back(self, loss: Loss | None) -> None:
        """Add a loss that could not be sealed to what was dropped meanwhile."""
        if loss is None:
            return
        with self._lock:
            self._loss = loss if self._loss is None else _sum(loss, self._loss)

    def after_fork(self) -> None:
        """Start again in a child: what the parent dropped is the parent's to tell."""
        # A thread that held the lock does not exist here. (Reentrant: a signal handler may emit.)
        self._lock = threading.RLock()
        self._loss = None


def _sum(one: Loss, other: Loss) -> Loss:
    reasons = dict.fromkeys([*other.reason.split("; "), *one.reason.split("; ")])
    return Loss(
        count=one.count + other.count,
        first_at=min(one.first_at, other.first_at),
        last_at=max(one.last_at, other.last_at),
        reason="; ".join(reasons),
    )


def _after_fork() -> None:
    for tally in list(_tallies):
        tally.after_fork()


os.register_at_fork(after_in_child=_after_fork)
