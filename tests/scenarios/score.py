"""Counts what rules raised against what was expected of them.

A cell is one rule in one story. Cells that a story leaves open are counted nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.scenarios.story import Story

Fired = Mapping[str, frozenset[str]]
"""Rules each story raised, by the story's name."""


@dataclass(frozen=True, slots=True)
class Count:
    """Count a rule's cells: true and false positives, false and true negatives."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    def __add__(self, other: Count) -> Count:
        """Add two counts."""
        return Count(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    @property
    def precision(self) -> float | None:
        """Return the share of what fired that had to; None when nothing fired."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else None

    @property
    def recall(self) -> float | None:
        """Return the share of what had to fire that did; None when nothing had to."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else None


def judge(story: Story, rule: str, fired: frozenset[str]) -> Count:
    """Count one cell; an open one is all zeros."""
    if rule in story.left_open:
        return Count()
    if rule in story.expects:
        return Count(tp=1) if rule in fired else Count(fn=1)
    return Count(fp=1) if rule in fired else Count(tn=1)


def count(stories: Iterable[Story], rules: Iterable[str], fired: Fired) -> dict[str, Count]:
    """Count every rule over *stories*."""
    told = list(stories)
    return {
        rule: sum((judge(story, rule, fired[story.name]) for story in told), Count())
        for rule in rules
    }


def differences(story: Story, fired: frozenset[str]) -> tuple[list[str], list[str]]:
    """Return the rules a story missed and those it raised needlessly."""
    missed = sorted(set(story.expects) - fired)
    needless = sorted(fired - set(story.expects) - set(story.left_open))
    return missed, needless
