"""A story with what an informed analyst expects of it, and the collection of all of them.

Expectations are written from the prose of the rules (what each is supposed to detect), never from
their SQL. A story is a function whose docstring tells it and whose result is its steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.scenarios.company import POLICY
from tests.scenarios.play import Step

Steps = list[Step]
Policy = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Story:
    """One scripted story.

    Attributes:
        name: Its name, unique.
        pattern: The poisoning pattern, or for a clean variation the sort of everyday work.
        prose: What happens, in a sentence or two.
        tell: Makes its steps.
        expects: Rules that must fire, each with the reason; empty for a clean variation.
        left_open: Rules the prose neither demands nor excludes here, with the reason; such a
            cell is counted in no column.
        policy: What ``[policy]`` says.
        now: When rules about absence are judged, as ``play`` takes it.

    """

    name: str
    pattern: str
    prose: str
    tell: Callable[[], Steps]
    expects: Mapping[str, str]
    left_open: Mapping[str, str] = field(default_factory=dict)
    policy: Policy = field(default_factory=dict)
    now: str | None = None


INCIDENTS: list[Story] = []
CLEAN: list[Story] = []


def incident(
    pattern: str,
    expects: Mapping[str, str],
    *,
    left_open: Mapping[str, str] | None = None,
    policy: Policy | None = None,
    now: str | None = None,
) -> Callable[[Callable[[], Steps]], Callable[[], Steps]]:
    """Collect the decorated function as an incident; *policy* is added to the company's own."""

    def collect(tell: Callable[[], Steps]) -> Callable[[], Steps]:
        INCIDENTS.append(_story(tell, pattern, expects, left_open or {}, policy, now))
        return tell

    return collect


def clean(
    pattern: str, *, policy: Policy | None = None, now: str | None = None
) -> Callable[[Callable[[], Steps]], Callable[[], Steps]]:
    """Collect the decorated function as a clean variation: no rule may fire."""

    def collect(tell: Callable[[], Steps]) -> Callable[[], Steps]:
        CLEAN.append(_story(tell, pattern, {}, {}, policy, now))
        return tell

    return collect


def _story(
    tell: Callable[[], Steps],
    pattern: str,
    expects: Mapping[str, str],
    left_open: Mapping[str, str],
    policy: Policy | None,
    now: str | None,
) -> Story:
    prose = " ".join((tell.__doc__ or "").split())
    name = getattr(tell, "__name__", "").replace("_", " ")
    return Story(name, pattern, prose, tell, expects, left_open, {**POLICY, **(policy or {})}, now)
