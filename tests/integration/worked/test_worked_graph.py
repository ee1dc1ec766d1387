"""Worked by hand: what ``trace`` and ``impact`` have to answer about the story.

The events are in ``story``, the deliveries in ``world``. Each answer was derived from ADR-0004,
ADR-0005 and ADR-0024 before the program was asked; the derivation stands in each test.
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.worked.world import AFTER_A, AFTER_B, AFTER_C, World, clock

from lineseal.commandline.output import Answer
from lineseal.queries import api

FEED = "dataset:lake/feed@2"
AFFECTED, CLEAN, POSSIBLE = "affected", "clean", "possible"
BEFORE_D: dict[str, Any] = {"known_at": AFTER_C, "clock": clock}
NOW: dict[str, Any] = {"clock": clock}


def verdicts(answer: Answer) -> dict[str, str]:
    """Return the verdict on each model, without its namespace."""
    return {row["reference"].removeprefix("model:reg/"): row["verdict"] for row in answer.rows}


def models(world: World, start: str | None, **options: Any) -> dict[str, str]:
    """Ask for a verdict on every model."""
    return verdicts(world.ask(api.impact, start, all_models=True, **options))


def test_the_story_is_45_events_and_nothing_was_refused(world: World) -> None:
    """Each once, though the second store got many of them several times."""
    counts = [
        store.query("SELECT count(*), count(DISTINCT event_id) FROM event")
        for store in world.stores
    ]

    assert counts == [[(45, 45)], [(45, 45)]]
    assert [store.query("SELECT count(*) FROM reject") for store in world.stores] == [
        [(0,)],
        [(0,)],
    ]


def test_trace_names_the_whole_ancestry(world: World) -> None:
    """E12 read mix@1 and labels@1; E5 made mix@1 from tx@1 and feed@1.

    By distance, then by name. Complete: both runs name versions, the epochs of lake and train are
    closed, and E1, E2, E3 register the leaves.
    """
    answer = world.ask(api.trace, "model:reg/fraud@1", **NOW)

    assert [(row["depth"], row["reference"], row["owner"]) for row in answer.rows] == [
        (0, "model:reg/fraud@1", None),
        (1, "dataset:lake/mix@1", None),
        (1, "label_set:lake/labels@1", "label-team"),
        (2, "dataset:lake/feed@1", "partner-desk"),
        (2, "dataset:lake/tx@1", "data-team"),
    ]
    assert (answer.complete, answer.warnings) == (True, [])


@pytest.mark.parametrize(
    ("model", "suspect", "verdict"),
    [
        # E19 read feed@2 and wrote mix@2, which E21 read: two certain hops.
        ("fraud@2", FEED, AFFECTED),
        # The same name, the other version: E19 did not read feed@1. A graph of names would accuse.
        ("fraud@2", "dataset:lake/feed@1", CLEAN),
        ("fraud@1", FEED, CLEAN),
        ("fraud@1", "dataset:lake/feed@1", AFFECTED),
        # E39 read tx@2, which E19 mixed with the feed, but not the mixture.
        ("fraud@4", FEED, CLEAN),
        ("fraud@4", "dataset:lake/mix@2", CLEAN),
    ],
)
def test_trace_judges_a_model_by_versions(
    world: World, model: str, suspect: str, verdict: str
) -> None:
    """As known after C, when every chain was whole."""
    answer = world.ask(api.trace, f"model:reg/{model}", suspect=suspect, **BEFORE_D)

    assert answer.verdict == verdict


def test_impact_names_everything_the_feed_reached(world: World) -> None:
    """E19 -> mix@2; E21, E27, E32 -> three models. Access E37 and check E44 move nothing.

    Environments: E25 put fraud@2 into production, E29 churn@1 into staging.
    Doses: mix@2 has 500 of 1500 rows from the feed, as many as were written: 1/3. fraud@2 read
    1500 + 500 rows, 500 of them from the feed: 0.25. churn@1 the same. fraud@3 read 1500 + 300:
    500 / 1800 = 0.277778.
    """
    answer = world.ask(api.impact, FEED, dose=True, **BEFORE_D)

    told = [
        (row["reference"], row["depth"], row["verdict"], row["environment"], row["dose"])
        for row in answer.rows
    ]
    assert told == [
        ("dataset:lake/feed@2", 0, AFFECTED, None, 1.0),
        ("dataset:lake/mix@2", 1, AFFECTED, None, 0.333333),
        ("model:reg/churn@1", 2, AFFECTED, "staging", 0.25),
        ("model:reg/fraud@2", 2, AFFECTED, "production", 0.25),
        ("model:reg/fraud@3", 2, AFFECTED, None, 0.277778),
    ]
    assert answer.complete


def test_impact_of_what_is_deployed(world: World) -> None:
    """Of those three, two are somewhere. Of the feed before: fraud@1 was, until E26 retired it."""
    now = world.ask(api.impact, FEED, deployed=True, **BEFORE_D)
    before = world.ask(
        api.impact, "dataset:lake/feed@1", deployed=True, as_of="2026-01-07T14:30:00Z", **BEFORE_D
    )
    after = world.ask(api.impact, "dataset:lake/feed@1", deployed=True, **BEFORE_D)

    assert list(verdicts(now)) == ["churn@1", "fraud@2"]
    assert list(verdicts(before)) == ["fraud@1"]
    assert list(verdicts(after)) == []


def test_a_late_batch_turns_possible_into_clean(world: World) -> None:
    """Without E9 the chain of aux has a hole from the 1st, 08:00, to the 4th, 09:00.

    The run aux-build (E10, the 4th, 08:00 to 09:00) lies in it, so risk@1 rests on a weak hop. The
    hole ends before feed@2 appeared (E18, the 5th): nobody could read it in there, so the other
    models are judged as ever. On the 16th E9 came. fraud@4 was told on the 14th only.
    """
    known = {"churn@1": AFFECTED, "fraud@1": CLEAN, "fraud@2": AFFECTED, "fraud@3": AFFECTED}

    assert models(world, FEED, known_at=AFTER_A) == known | {"risk@1": POSSIBLE}
    assert models(world, FEED, known_at=AFTER_B) == known | {"fraud@4": CLEAN, "risk@1": POSSIBLE}
    assert models(world, FEED, **BEFORE_D) == known | {"fraud@4": CLEAN, "risk@1": CLEAN}
    weak = world.ask(api.impact, FEED, all_models=True, known_at=AFTER_B)
    assert [row["reasons"] for row in weak.rows if row["name"] == "risk"] == [["producer_gap"]]
    assert not weak.complete


def test_an_older_suspect_makes_the_same_hole_matter_to_more(world: World) -> None:
    """feed@1 appeared on the 1st at 09:00: any run in the hole of aux may have read it.

    fraud@1 is affected all the same. Every other model was made after the hole began: possible.
    """
    found = models(world, "dataset:lake/feed@1", known_at=AFTER_B)

    assert found.pop("fraud@1") == AFFECTED
    assert found == dict.fromkeys(("churn@1", "fraud@2", "fraud@3", "fraud@4", "risk@1"), POSSIBLE)


def test_a_revoked_key_leaves_three_models_in_doubt(world: World) -> None:
    """After D the run prep-2 proves nothing: the path from the feed is there, but not certain.

    fraud@1, fraud@4 and risk@1 rest on nothing that night signed.
    """
    answer = world.ask(api.impact, FEED, all_models=True, **NOW)

    clean = {"fraud@1": CLEAN, "fraud@4": CLEAN, "risk@1": CLEAN}
    assert verdicts(answer) == clean | dict.fromkeys(("churn@1", "fraud@2", "fraud@3"), POSSIBLE)
    reasons = {tuple(row["reasons"]) for row in answer.rows if row["verdict"] == POSSIBLE}
    assert reasons == {("key_compromised",)}


def test_what_the_revoked_key_signed_taints_three_models(world: World) -> None:
    """Whatever prep-2 was: that key wrote mix@2, and three runs of others read it.

    As a producer night may not have been itself: then mix@2 is no certain suspect.
    """
    rest = {"fraud@1": CLEAN, "fraud@4": CLEAN, "risk@1": CLEAN}
    three = ("churn@1", "fraud@2", "fraud@3")

    assert models(world, f"key:{world.night.keyid}", **NOW) == rest | dict.fromkeys(three, AFFECTED)
    assert models(world, "producer:night", **NOW) == rest | dict.fromkeys(three, POSSIBLE)
    assert models(world, "producer:night", **BEFORE_D) == rest | dict.fromkeys(three, AFFECTED)


def test_a_supplier_is_followed_through_all_its_deliveries(world: World) -> None:
    """E2 and E18 are Acme's: fraud@1 has feed@1. The others' leaves say where they come from."""
    found = models(world, "supplier:Acme", **BEFORE_D)

    affected = dict.fromkeys(("churn@1", "fraud@1", "fraud@2", "fraud@3"), AFFECTED)
    assert found == affected | {"fraud@4": CLEAN, "risk@1": CLEAN}
    assert found == models(world, "source:https://data.acme.example", **BEFORE_D)


def test_what_a_person_decided_is_followed(world: World) -> None:
    """Carol overrode fraud@2 under her key (E42). That she approved fraud@4 a service says (E41).

    What she put into quarantine (E45) is none the worse for it: feed@2 is no suspect of hers.
    Bob wrote (E32) and approved fraud@3.
    """
    clean = dict.fromkeys(("churn@1", "fraud@1", "fraud@3", "risk@1"), CLEAN)

    assert models(world, "person:carol", **BEFORE_D) == clean | {
        "fraud@2": AFFECTED,
        "fraud@4": POSSIBLE,
    }
    bob = world.ask(api.impact, "person:bob", **BEFORE_D)
    assert bob.extra["suspects"] == ["model:reg/fraud@3"]


def test_a_night_is_followed(world: World) -> None:
    """From 01:00 to 03:00 on the 6th: somebody wrote feed@2 (E37), and prep-2 ran (E19)."""
    answer = world.ask(
        api.impact, None, since="2026-01-06T01:00:00Z", until="2026-01-06T03:00:00Z", **BEFORE_D
    )

    assert answer.extra["suspects"] == ["dataset:lake/feed@2", "dataset:lake/mix@2"]


def test_what_was_not_there_yet_is_not_reached(world: World) -> None:
    """As of the 8th at noon neither fraud@3 nor fraud@4 had been trained; nor was risk@1."""
    answer = world.ask(api.impact, FEED, all_models=True, as_of="2026-01-08T12:00:00Z", **BEFORE_D)

    assert verdicts(answer) == {"churn@1": AFFECTED, "fraud@1": CLEAN, "fraud@2": AFFECTED}
