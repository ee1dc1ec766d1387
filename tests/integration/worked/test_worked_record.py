"""Worked by hand: what ``timeline``, ``who`` and the lists have to answer about the story.

The events are in ``story``, the deliveries in ``world``; each derivation stands in its test.
"""

from __future__ import annotations

from typing import Any

from tests.integration.worked.world import AFTER_A, AFTER_B, AFTER_C, World, at, clock

from lineseal.commandline.output import Answer
from lineseal.queries.record import lists
from lineseal.queries.record.timeline import timeline

BEFORE_D: dict[str, Any] = {"known_at": AFTER_C, "clock": clock}


def told(answer: Answer, *columns: str) -> list[tuple[Any, ...]]:
    """Return some columns of each row."""
    return [tuple(row[column] for column in columns) for row in answer.rows]


def test_the_timeline_of_a_model(world: World) -> None:
    """E22 ended the run that wrote it; E23, E24, E25, E42 are about it, by claimed time.

    E26 and E16 are about fraud@1, E41 about fraud@4.
    """
    answer = world.ask(timeline, "model:reg/fraud@2", **BEFORE_D)

    assert told(answer, "event_time", "did", "by", "own_key") == [
        (at(7, 9), "written by fraud/train, COMPLETE", "train", False),
        (at(7, 10), "evaluation holdout, release: pass", "train", False),
        (at(7, 12), "approve at promotion", "alice", True),
        (at(7, 14), "promote production", "serving", False),
        (at(12, 9), "override: blocked -> released", "carol", True),
    ]


def test_what_was_back_dated_is_exposed_by_known_at(world: World) -> None:
    """As of the 8th alice had approved, it seems. On the 10th nobody knew of that: E24 is later.

    The same with the check of feed@2 that claims to be of the 5th (E44).
    """
    claimed = world.ask(timeline, "model:reg/fraud@2", as_of="2026-01-08T00:00:00Z", **BEFORE_D)
    known = world.ask(timeline, "model:reg/fraud@2", as_of="2026-01-08T00:00:00Z", known_at=AFTER_A)
    assert {row["did"] for row in claimed.rows} - {row["did"] for row in known.rows} == {
        "approve at promotion"
    }

    feed = "dataset:lake/feed@2"
    seen = [world.ask(timeline, feed, known_at=known_at) for known_at in (AFTER_A, AFTER_B)]
    assert told(seen[0], "event_time", "did") == [
        (at(5, 9), "registered"),
        (at(6, 1), "write allowed"),
    ]
    assert told(seen[1], "event_time", "did") == [
        (at(5, 9), "registered"),
        (at(5, 12), "check expectations/rows: pass"),
        (at(6, 1), "write allowed"),
        (at(13, 9), "quarantine placed"),
    ]


def test_a_self_approval_stands_out(world: World) -> None:
    """Bob made fraud@3 (E32), asked for its approval and gave it (E34)."""
    answer = world.ask(timeline, "model:reg/fraud@3", people=True, **BEFORE_D)

    assert told(answer, "event_time", "did", "by", "own_key", "reason", "stands_out") == [
        (
            at(9, 10),
            "approve at promotion",
            "bob",
            True,
            "looks fine",
            ["requested by the same person", "made by the same person"],
        ),
        (at(9, 20), "read denied", "mallory", False, None, []),
    ]


def test_a_default_approval_stands_out(world: World) -> None:
    """Nobody said no in time, so serving wrote down carol's name (E41)."""
    answer = world.ask(timeline, "model:reg/fraud@4", people=True, **BEFORE_D)

    assert told(answer, "by", "own_key", "stands_out") == [
        ("carol", False, ["given by default", "the name is only asserted"])
    ]


def test_a_second_person_and_an_own_key_do_not_stand_out(world: World) -> None:
    """Alice approved what train made and bob asked for; she approved carol's override, too."""
    answer = world.ask(timeline, "model:reg/fraud@2", people=True, **BEFORE_D)

    assert told(answer, "by", "own_key", "stands_out") == [("alice", True, []), ("carol", True, [])]


def test_the_ancestry_adds_what_was_done_to_the_data(world: World) -> None:
    """Of fraud@2: to labels@1 (E4), feed@2 (E37, E45), and to itself. tx@2 and mix@2: nothing."""
    answer = world.ask(timeline, "model:reg/fraud@2", people=True, ancestry=True, **BEFORE_D)

    assert told(answer, "reference", "did", "by") == [
        ("label_set:lake/labels@1", "reviewed labels (human): 4 of 400 changed", "ann"),
        ("dataset:lake/feed@2", "write allowed", "svc-night"),
        ("model:reg/fraud@2", "approve at promotion", "alice"),
        ("model:reg/fraud@2", "override: blocked -> released", "carol"),
        ("dataset:lake/feed@2", "quarantine placed", "carol"),
    ]


def test_overrides(world: World) -> None:
    """E42 under carol's key; E43 is what lake says of dave. On the 10th there was neither."""
    carol = (at(12, 9), "model:reg/fraud@2", "blocked", "released", "carol", True, "alice")
    dave = (at(12, 10), "stage:prepare", "on", "off", "dave", False, None)
    columns = (
        "event_time", "target", "before", "after", "made_by", "own_key", "approved_by",
    )  # fmt: skip

    def ask(**options: Any) -> list[tuple[Any, ...]]:
        return told(world.ask(lists.overrides, **options), *columns)

    assert ask() == [carol, dave]
    assert ask(by="carol") == ask(target="model:reg/fraud") == [carol]
    assert ask(target="stage:prepare") == ask(since=at(12, 10)) == [dave]
    assert ask(until=at(12, 9)) == [carol]
    assert ask(known_at=AFTER_A) == []


def test_access(world: World) -> None:
    """E37 and E38."""
    wrote = (at(6, 1), "svc-night", "write", "allowed", "dataset:lake/feed@2")
    denied = (at(9, 20), "mallory", "read", "denied", "model:reg/fraud@3")

    def ask(**options: Any) -> list[tuple[Any, ...]]:
        answer = world.ask(lists.access, **options)
        return told(answer, "event_time", "principal", "action", "outcome", "resource")

    assert ask() == ask(known_at=AFTER_A) == [wrote, denied]
    assert ask(principal="mallory") == ask(resource="model:reg/fraud") == [denied]
    assert ask(until=at(7)) == [wrote]
    assert ask(known_at="2026-01-09T00:00:00Z") == []


def test_feedback(world: World) -> None:
    """Clicks (E31) went into fraud@3 alone (E32)."""
    answer = world.ask(lists.feedback, "model:reg/fraud@3")

    assert told(answer, "event_time", "channel", "reference", "submissions", "top_submitters") == [
        (at(8, 14), "thumbs", "dataset:web/clicks@1", 900, ["p-41 61.0%"])
    ]
    assert world.ask(lists.feedback, "model:reg/fraud@2").rows == []


def test_the_inventory(world: World) -> None:
    """As known after C; what is counted are names, of stages runs.

    Stages: build E10; prepare E5 and E19; train E12 to E39, six runs. A run's outputs are told when
    it ends, an hour after it began.
    """
    answer = world.ask(lists.inventory, known_at=AFTER_C)

    assert told(answer, "type", "name", "things", "first_seen", "last_seen") == [
        ("owner", "aux-team", 1, at(1, 8), at(2, 8)),
        ("owner", "data-team", 1, at(1, 8), at(5, 8)),
        ("owner", "label-team", 1, at(1, 10), at(1, 10)),
        ("owner", "partner-desk", 1, at(1, 9), at(5, 9)),
        ("owner", "web-team", 1, at(8, 13), at(8, 13)),
        ("source", "https://data.acme.example/feed", 1, at(1, 9), at(5, 9)),
        ("stage", "build", 1, at(4, 8), at(4, 9)),
        ("stage", "prepare", 2, at(2, 8), at(6, 3)),
        ("stage", "train", 6, at(3, 8), at(11, 9)),
        ("supplier", "Acme", 1, at(1, 9), at(5, 9)),
        ("writer", "aux", 1, at(4, 9), at(4, 9)),
        ("writer", "lake", 1, at(2, 9), at(2, 9)),
        ("writer", "night", 1, at(6, 3), at(6, 3)),
        ("writer", "person:bob", 1, at(9, 9), at(9, 9)),
        ("writer", "train", 3, at(3, 9), at(11, 9)),
    ]
