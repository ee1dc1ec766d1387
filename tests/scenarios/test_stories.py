"""Every story says what is expected of it and why, in terms of rules that exist."""

from __future__ import annotations

from lineseal.queries.rules import shipped_rules
from tests.scenarios import clean, incidents
from tests.scenarios.score import Count, count, differences
from tests.scenarios.story import CLEAN, INCIDENTS, Story

ALL = [*INCIDENTS, *CLEAN]
RULES = set(shipped_rules())


def test_there_are_enough_stories_of_both_sorts() -> None:
    """The agreed least number, each told in words, under its own name."""
    assert incidents.__all__
    assert clean.__all__
    assert len(INCIDENTS) >= 30
    assert len(CLEAN) >= 30
    assert len({story.name for story in ALL}) == len(ALL)
    assert [story.name for story in ALL if not story.prose] == []


def test_only_incidents_expect_rules_and_each_says_why() -> None:
    """A clean variation expects nothing; no rule is both expected and left open."""
    assert [story.name for story in INCIDENTS if not story.expects] == []
    assert [story.name for story in CLEAN if story.expects or story.left_open] == []
    reasons = [why for story in ALL for why in {**story.expects, **story.left_open}.values()]
    assert all(reasons)
    assert [story.name for story in ALL if set(story.expects) & set(story.left_open)] == []


def test_every_rule_is_expected_by_some_story_and_no_other_is() -> None:
    """A rule without an incident would have no recall."""
    assert {rule for story in INCIDENTS for rule in story.expects} == RULES


def test_cells_are_counted_once_and_open_ones_never() -> None:
    """One hit, one miss, one needless alert, one open cell."""
    story = Story("s", "p", "t", list, {"A": "x", "B": "x"}, {"C": "x"})
    fired = frozenset({"A", "C", "D"})

    counts = count([story], "ABCDE", {"s": fired})

    assert counts == {
        "A": Count(tp=1),
        "B": Count(fn=1),
        "C": Count(),
        "D": Count(fp=1),
        "E": Count(tn=1),
    }
    assert differences(story, fired) == (["B"], ["D"])
    total = sum(counts.values(), Count())
    assert (total.precision, total.recall) == (0.5, 0.5)
