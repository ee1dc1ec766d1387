"""Worked by hand: what ``diff``, ``last-good``, ``bom`` and a gate have to answer about the story.

The events are in ``story``, the deliveries in ``world``; each derivation stands in its test.
"""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from tests.integration.worked.story import a
from tests.integration.worked.world import AFTER_A, AFTER_B, AFTER_C, World, clock

from lineseal.commandline.output import Answer
from lineseal.queries.bom.cyclonedx import cyclonedx
from lineseal.queries.diff.answer import diff
from lineseal.queries.gate.answer import gate
from lineseal.queries.material import load_material
from lineseal.queries.rollback.answer import last_good

FEED = "dataset:lake/feed@2"
ONE, TWO, FRAUD = "model:reg/fraud@1", "model:reg/fraud@2", "model:reg/fraud"
BEFORE_D: dict[str, Any] = {"known_at": AFTER_C, "clock": clock}
PATH = "a certain path leads here from what must not be in it"
QUARANTINE = "dataset:lake/feed@2 is in quarantine: flipped labels"
DEFAULT = "the approval of carol is only asserted, not signed with their own key"


def changes(answer: Answer) -> list[tuple[Any, ...]]:
    """Return what differs, without details."""
    columns = ("aspect", "change", "subject", "before", "after", "where")
    return [tuple(row[column] for column in columns) for row in answer.rows]


def test_diff_of_two_versions(world: World) -> None:
    """fraud@1 to fraud@2, as known after C.

    Data: feed, mix and tx in their second version; labels@1 is in both. The table was prepared by
    another producer (E5, E19), with the same code; training had another commit and seed (E12, E21).
    Alice approved both. E42, E45, E44 have no match in fraud@1, E7 and E26 none in fraud@2. dave
    asked for the first, bob for the second; carol appears with E42 and E45.
    """
    answer = world.ask(diff, ONE, TWO, **BEFORE_D)

    promoted = "promote by serving (asserted)"
    assert changes(answer) == [
        ("content", "changed", "this model", a(ONE).digest, a(TWO).digest, None),
        ("artifact", "changed", "dataset:lake/feed", "1", "2", None),
        ("artifact", "changed", "dataset:lake/mix", "1", "2", None),
        ("artifact", "changed", "dataset:lake/tx", "1", "2", None),
        ("producer", "changed", "producer", "lake", "night", "fraud/prepare"),
        ("code", "changed", "commit", "c1", "c2", "fraud/train"),
        ("parameter", "changed", "seed", "1", "2", "fraud/train"),
        ("override", "added", "this model", None, "released by carol (own key)", None),
        ("quarantine", "added", "dataset:lake/feed", None, "placed by carol (own key)", None),
        (
            "promotion",
            "changed",
            "this model",
            f"{promoted}; retire by serving (asserted)",
            promoted,
            None,
        ),
        (
            "validation",
            "added",
            "dataset:lake/feed: expectations/rows",
            None,
            "pass, 0 of 500 rows rejected",
            None,
        ),
        (
            "validation",
            "removed",
            "dataset:lake/mix: expectations/rows",
            "pass, 0 of 1500 rows rejected",
            None,
            None,
        ),
        ("evaluation", "changed", "holdout: accuracy", 0.96, 0.95, None),
        ("person", "added", "bob", None, "bob", None),
        ("person", "added", "carol", None, "carol", None),
        ("person", "removed", "dave", "dave", None, None),
    ]
    assert answer.complete


def test_diff_counts_the_rows(world: World) -> None:
    """500 of the feed and 1500 of the mix each time, as E5 and E19 said.

    tx@1 has 1000 by its profile (E1), tx@2 by what E19 read.
    """
    answer = world.ask(diff, ONE, TWO, **BEFORE_D)

    rows = {row["subject"]: row["details"].get("rows") for row in answer.rows if row["details"]}
    assert rows == {
        "dataset:lake/feed": {"before": 500, "after": 500},
        "dataset:lake/mix": {"before": 1500, "after": 1500},
        "dataset:lake/tx": {"before": 1000, "after": 1000},
    }


def test_diff_with_what_was_known_before_has_no_second_approval(world: World) -> None:
    """On the 10th E24, E42, E44 and E45 had not come: fraud@2 was in production unapproved."""
    answer = world.ask(diff, ONE, TWO, known_at=AFTER_A)

    decided = [row for row in changes(answer) if row[0] in ("approval", "override", "person")]
    assert decided == [
        ("approval", "removed", "this model: promotion", "approve by alice (own key)", None, None),
        ("person", "removed", "alice", "alice", None, None),
        ("person", "removed", "dave", "dave", None, None),
    ]


def test_diff_says_that_the_second_ancestry_is_not_proven_any_more(world: World) -> None:
    """After D the run that mixed the feed in proves nothing."""
    answer = world.ask(diff, ONE, TWO, clock=clock)

    assert not answer.complete
    assert all(warning.startswith("second: ") for warning in answer.warnings)


def reasons(answer: Answer) -> dict[str, list[str]]:
    """Return why each version fails, by its version."""
    return {row["version"]: row["reasons"] for row in answer.rows}


def test_last_good_without_the_feed(world: World) -> None:
    """fraud@4 has a default approval (E41); 3 and 2 hold the feed; 1 is approved by alice (E15).

    To make again: mix@2 and churn@1 are the newest of their names; fraud@2 and 3 were replaced.
    """
    answer = world.ask(last_good, FRAUD, without=[FEED], **BEFORE_D)

    assert answer.extra["last_good"] == ONE
    assert reasons(answer) == {
        "4": [DEFAULT],
        "3": [PATH, QUARANTINE, "bob approved what bob made"],
        "2": [PATH, QUARANTINE],
        "1": [],
    }
    assert [row["run_id"] for row in answer.extra["retrain"]] == ["prep-2", "train-churn"]
    assert answer.complete


def test_last_good_with_what_was_known_before(world: World) -> None:
    """On the 10th nobody had approved fraud@2, and nothing was in quarantine.

    fraud@3 was the newest: it is made again too, after the older churn@1.
    """
    answer = world.ask(last_good, FRAUD, without=[FEED], known_at=AFTER_A)

    assert reasons(answer) == {
        "3": [PATH, "bob approved what bob made"],
        "2": [PATH, "nobody approved it"],
        "1": [],
    }
    order = [row["run_id"] for row in answer.extra["retrain"]]
    assert order == ["prep-2", "train-churn", "train-3"]


def test_last_good_before_a_time(world: World) -> None:
    """Before the 5th, 08:00, nothing of tx@2 or feed@2 was there; labels@1 is older."""
    answer = world.ask(last_good, FRAUD, before="2026-01-05T08:00:00Z", **BEFORE_D)

    assert answer.extra["last_good"] == ONE
    late = {why: "appeared at or after" in " ".join(told) for why, told in reasons(answer).items()}
    assert late == {"4": True, "3": True, "2": True, "1": False}


def test_last_good_after_the_key_was_revoked(world: World) -> None:
    """After D the feed's path is not certain any more, and reasons are more; the answer is not."""
    answer = world.ask(last_good, FRAUD, without=[FEED], clock=clock)

    assert answer.extra["last_good"] == ONE
    assert reasons(answer)["2"][0] == (
        "a path leads here from what must not be in it, but not for certain"
    )


@pytest.mark.parametrize(
    ("model", "known_at", "aggregate"),
    [
        (ONE, None, "complete"),
        (TWO, AFTER_C, "complete"),
        (TWO, None, "incomplete"),  # after D
        ("model:reg/risk@1", AFTER_B, "incomplete"),  # before E9
        ("model:reg/risk@1", None, "complete"),
    ],
)
def test_a_bill_of_materials_says_whether_it_is_complete(
    world: World, model: str, known_at: str | None, aggregate: str
) -> None:
    """As ``trace`` does; in both stores the bill is the same to the letter."""
    bills: list[dict[str, Any]] = []
    for store in world.stores:
        with duckdb.connect(str(store.store_path), read_only=True) as connection:
            bills.append(
                cyclonedx(load_material(connection, model, known_at=known_at, clock=clock))
            )

    assert bills[0] == bills[1]
    assert bills[0]["compositions"][0]["aggregate"] == aggregate


def test_a_gate_refuses_for_every_reason_there_is(world: World) -> None:
    """fraud@2 after D: E45; night's key; no input approved; one person (E24) where two must.

    It has passed an evaluation of exactly these bytes (E23).
    """
    answer = world.ask(gate, "promote", TWO, clock=clock)

    outcomes: dict[str, set[str]] = {}
    for row in answer.rows:
        outcomes.setdefault(row["outcome"], set()).add(row["rule"])
    assert answer.verdict == "refused"
    assert {"quarantine", "revoked", "inputs", "people"} <= outcomes["refused"]
    assert {"containment", "evaluation"} <= outcomes["passed"]
