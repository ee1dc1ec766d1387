"""Plays every story and writes what the rules raised against what was expected of them.

    .venv/bin/python -m tests.scenarios.report [--only TEXT | --check | --render]

Writes ``bench/results/detections.md`` and beside it ``detections.json``, which holds the rules
each story raised: ``first`` in the first run, before any rule was tuned to these stories, which
is written once and never again, and ``now``. Takes some minutes; progress on stderr. With
``--only`` it plays the stories whose name contains the text, with ``--check`` all, and writes
nothing; the exit status is 1 where a check finds other rules than the committed run.
``--render`` writes the table anew from the committed runs and plays nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from lineseal.queries.rules import shipped_rules
from tests.scenarios import clean, incidents
from tests.scenarios.play import play
from tests.scenarios.score import Fired, differences
from tests.scenarios.story import CLEAN, INCIDENTS, Story
from tests.scenarios.table import render

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "bench" / "results" / "detections.md"
RUNS = TABLE.with_suffix(".json")
NOTES = Path(__file__).with_name("notes.md")
_ONE_LINE = re.compile(r"\[[^\[\]]*\]")
STORIES = {story.name: story for story in [*INCIDENTS, *CLEAN]}
assert incidents.__all__
assert clean.__all__


def play_story(story: Story) -> frozenset[str]:
    """Play one story in a folder of its own and return the rules it raised."""
    with tempfile.TemporaryDirectory(prefix="story-") as folder:
        played = play(story.tell(), Path(folder), policy=story.policy, now=story.now)
    return frozenset(played.rules)


def play_all(stories: Iterable[Story]) -> dict[str, frozenset[str]]:
    """Play *stories*, saying on stderr where each differs from what was expected."""
    told = list(stories)
    fired: dict[str, frozenset[str]] = {}
    for number, story in enumerate(told, 1):
        began = time.monotonic()
        fired[story.name] = play_story(story)
        missed, needless = differences(story, fired[story.name])
        said = "as expected" if not missed + needless else f"missed {missed} needless {needless}"
        took = time.monotonic() - began
        print(f"{number}/{len(told)} {story.name}: {said} ({took:.1f} s)", file=sys.stderr)  # noqa: T201
    return fired


def read_runs() -> dict[str, Fired]:
    """Read the committed runs; none when there are none yet."""
    if not RUNS.exists():
        return {}
    runs: Mapping[str, Mapping[str, list[str]]] = json.loads(RUNS.read_text(encoding="utf-8"))
    return {
        run: {name: frozenset(rules) for name, rules in stories.items()}
        for run, stories in runs.items()
    }


def write_runs(runs: Mapping[str, Fired]) -> None:
    """Write the runs, readable in a diff: one story a line."""
    plain = {
        run: {name: sorted(stories[name]) for name in sorted(stories)}
        for run, stories in runs.items()
    }
    text = json.dumps(plain, indent=2)
    RUNS.write_text(_ONE_LINE.sub(_join, text) + "\n", encoding="utf-8")


def table(runs: Mapping[str, Fired]) -> str:
    """Render the committed runs with their notes."""
    notes = NOTES.read_text(encoding="utf-8") if NOTES.exists() else ""
    return render(INCIDENTS, CLEAN, list(shipped_rules()), runs["first"], runs["now"], notes)


def main() -> None:
    """Play and write."""
    parser = argparse.ArgumentParser(description="Plays every story and writes the table.")
    parser.add_argument("--only", default="", help="stories whose name contains this; no writing")
    parser.add_argument("--check", action="store_true", help="compare with the committed run")
    parser.add_argument("--render", action="store_true", help="write the table, play nothing")
    arguments = parser.parse_args()
    if arguments.render:
        TABLE.write_text(table(read_runs()), encoding="utf-8")
        return
    fired = play_all(story for name, story in STORIES.items() if arguments.only in name)
    if arguments.check:
        stale = sorted(name for name in fired if read_runs()["now"].get(name) != fired[name])
        sys.exit(f"not as committed: {', '.join(stale)}" if stale else 0)
    if not arguments.only:
        runs = {"first": read_runs().get("first", fired), "now": fired}
        write_runs(runs)
        TABLE.write_text(table(runs), encoding="utf-8")


def _join(found: re.Match[str]) -> str:
    return json.dumps(json.loads(found[0]))


if __name__ == "__main__":
    main()
