"""The committed table is what the stories give; the whole of it is checked by the report itself.

``python -m tests.scenarios.report --check`` plays every story, which takes minutes; here the first
incident of each rule and some clean variations are played.
"""

from __future__ import annotations

import pytest

from tests.scenarios.report import STORIES, TABLE, play_story, read_runs, table
from tests.scenarios.story import CLEAN, INCIDENTS, Story

AGAIN = "play again: python -m tests.scenarios.report"
FIRST_OF_RULE = {rule: story for story in reversed(INCIDENTS) for rule in story.expects}
SAMPLE = {story.name: story for story in [*FIRST_OF_RULE.values(), *CLEAN[::9]]}


def test_the_table_is_the_committed_runs() -> None:
    """Every story is in the last run, and the table says what the runs say."""
    runs = read_runs()
    assert set(runs["now"]) == set(STORIES), AGAIN
    assert TABLE.read_text(encoding="utf-8") == table(runs), f"{AGAIN} (--render)"


@pytest.mark.parametrize("story", SAMPLE.values(), ids=SAMPLE.keys())
def test_a_story_raises_what_the_committed_run_says(story: Story) -> None:
    """A change of a rule or a story that changes an answer has to show in the table."""
    assert play_story(story) == read_runs()["now"][story.name], AGAIN


def test_four_ordinary_weeks_raise_nothing() -> None:
    """A clean run of the demo's sort: intake, labels, training, evaluation, promotion."""
    assert play_story(STORIES["four ordinary weeks"]) == frozenset()
