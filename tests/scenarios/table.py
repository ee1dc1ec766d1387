"""Renders the table of precision and recall as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from tests.scenarios.score import Count, Fired, count, differences
from tests.scenarios.story import Story

HEAD = """\
# What the rules find, and what they find needlessly

Command: `.venv/bin/python -m tests.scenarios.report`

{incidents} scripted incidents and {clean} clean variations of normal pipelines are played through
keys, log, verification, store and rules. What each must raise was written from the prose of the
rules, without sight of their SQL, and committed before the first run. A *cell* is one rule in one
story: true positive (tp), false positive (fp), false negative (fn), true negative (tn). The prose
neither demands nor excludes {open} cells: they are counted nowhere. The stories were written, not
sampled: the figures say how well the rules do what their prose says, not how often they are right
in anybody's production.
"""


def render(
    incidents: Sequence[Story],
    clean: Sequence[Story],
    rules: Sequence[str],
    first: Fired,
    now: Fired,
    notes: str,
) -> str:
    """Render both runs: totals, a table per rule, every difference, and the notes."""
    left_open = sum(len(story.left_open) for story in incidents)
    parts = [
        HEAD.format(incidents=len(incidents), clean=len(clean), open=left_open),
        _totals(incidents, clean, rules, first, now),
        _per_rule("After tuning" if first != now else "By rule", incidents, clean, rules, now),
        _differences("Where a story and the rules differ", [*incidents, *clean], now),
    ]
    if first != now:
        parts += [
            _per_rule("First run, before any rule was tuned", incidents, clean, rules, first),
            _differences("Differences of the first run", [*incidents, *clean], first),
        ]
    if notes:
        parts.append(notes)
    return "\n".join(parts)


def _totals(
    incidents: Sequence[Story],
    clean: Sequence[Story],
    rules: Sequence[str],
    first: Fired,
    now: Fired,
) -> str:
    lines = [
        "| run | stories | tp | fp | fn | tn | precision | recall | exactly as expected |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for run, fired in (("first", first), ("now", now)):
        for name, all_of_them in (("incidents", incidents), ("clean", clean)):
            stories = _played(all_of_them, fired)
            total = sum(count(stories, rules, fired).values(), Count())
            exact = sum(differences(story, fired[story.name]) == ([], []) for story in stories)
            lines.append(f"| {run} | {name} | {_cells(total)} | {exact} of {len(stories)} |")
        both = sum(count(_played([*incidents, *clean], fired), rules, fired).values(), Count())
        lines.append(f"| {run} | **all** | {_cells(both)} | |")
    return "\n".join(lines) + "\n"


def _per_rule(
    title: str,
    incidents: Sequence[Story],
    clean: Sequence[Story],
    rules: Sequence[str],
    fired: Fired,
) -> str:
    lines = [
        f"## {title}\n",
        "Columns tp to recall are over all stories; the last two split the false positives.\n",
        "| rule | tp | fp | fn | tn | precision | recall | fp in incidents | fp in clean |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    bad = count(_played(incidents, fired), rules, fired)
    good = count(_played(clean, fired), rules, fired)
    lines += [
        f"| {rule} | {_cells(bad[rule] + good[rule])} | {bad[rule].fp} | {good[rule].fp} |"
        for rule in rules
    ]
    return "\n".join(lines) + "\n"


def _differences(title: str, stories: Sequence[Story], fired: Fired) -> str:
    lines = []
    for story in _played(stories, fired):
        missed, needless = differences(story, fired[story.name])
        if missed or needless:
            expected = ", ".join(sorted(story.expects)) or "nothing"
            lines.append(
                f"| {story.name} | {expected} | {', '.join(missed)} | {', '.join(needless)} |"
            )
    if not lines:
        return f"## {title}\n\nNowhere.\n"
    head = ["| story | expected | missed | needless |", "|---|---|---|---|"]
    return "\n".join([f"## {title}\n", *head, *lines]) + "\n"


def _played(stories: Sequence[Story], fired: Fired) -> list[Story]:
    """Leave out what was told after that run."""
    return [story for story in stories if story.name in fired]


def _cells(count_: Count) -> str:
    figures = (count_.tp, count_.fp, count_.fn, count_.tn)
    # Where nothing had to fire, as in clean stories, precision says nothing: fp does.
    precision = count_.precision if count_.tp + count_.fn else None
    shares = (_share(precision), _share(count_.recall))
    return " | ".join([*map(str, figures), *shares])


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
