"""``impact`` names everything a suspect reached, and with ``--all-models`` judges every model.

Source: DESIGN 8, ADR-0005.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from lineseal.commandline.output import Answer
from lineseal.queries import api
from lineseal.schemas.errors import NotFound

from .graph_builder import Graph, clock, verdicts

Opened = Callable[[Graph], duckdb.DuckDBPyConnection]

FEED = "dataset:x/feed@1"


def ask(connection: duckdb.DuckDBPyConnection, **options: Any) -> Answer:
    """Ask for the impact of the feed, an hour after it all happened."""
    return api.impact(connection, FEED, clock=lambda: clock(60), **options)


@pytest.fixture
def world(graph: Graph) -> Graph:
    """Make three models: one from the feed, one perhaps from it, one from elsewhere."""
    graph.run("merge-1", reads=[FEED, "dataset:x/raw@1"], writes=["dataset:x/all@1"])
    graph.run("train-1", reads=["dataset:x/all@1"], writes=["model:x/m@1"])
    graph.run("train-2", reads=[FEED], writes=["model:x/m@2"], weak={FEED: ["version_inferred"]})
    graph.run("train-3", reads=["dataset:x/raw@1"], writes=["model:x/m@3"])
    graph.register("dataset:x/raw", owner="alice")
    graph.register("model:x/m", owner="bob")
    return graph


def test_everything_reached_is_a_row(world: Graph, opened: Opened) -> None:
    """The suspect itself first of all; siblings and strangers not."""
    answer = ask(opened(world))

    assert [
        (row["reference"], row["depth"], row["via"], row["verdict"]) for row in answer.rows
    ] == [
        ("dataset:x/all@1", 1, FEED, "affected"),
        (FEED, 0, None, "affected"),
        ("model:x/m@1", 2, "dataset:x/all@1", "affected"),
        ("model:x/m@2", 1, FEED, "possible"),
    ]
    assert answer.rows[2]["run_id"] == "train-1"
    assert answer.rows[3]["reasons"] == ["version_inferred"]
    assert answer.verdict is None
    assert answer.warnings == [
        "jobs/train (run train-2) read dataset:x/feed@1, but its version was inferred from times"
    ]


def test_every_model_gets_a_verdict(world: Graph, opened: Opened) -> None:
    """One row for each model version in the store, reached or not."""
    answer = ask(opened(world), all_models=True)

    assert verdicts(answer) == {
        "model:x/m@1": "affected",
        "model:x/m@2": "possible",
        "model:x/m@3": "clean",
    }
    assert answer.verdict == "affected"
    reasons = [row["reason"] for row in answer.rows]
    assert reasons[0] == "a certain path of 2 hops leads here"
    assert reasons[1].startswith("a path leads here, but not for certain: jobs/train (run train-2)")
    assert reasons[2] == "no path leads here, and its ancestry is proven"
    assert [row["depth"] for row in answer.rows] == [2, 1, None]


def test_a_model_that_is_the_suspect_is_affected(world: Graph, opened: Opened) -> None:
    """M is in S."""
    answer = api.impact(opened(world), "model:x/m@3", all_models=True, clock=lambda: clock(60))

    assert verdicts(answer)["model:x/m@3"] == "affected"


def test_an_unproven_model_is_possible_with_every_reason_as_a_warning(
    world: Graph, opened: Opened
) -> None:
    """Reasons of affected models are left out: they change nothing."""
    world.run("train-1", reads=["dataset:x/loose@1"])
    world.run("train-4", reads=["dataset:x/loose@1", "dataset:x/free@1"], writes=["model:x/m@4"])
    answer = ask(opened(world), all_models=True)
    row = next(row for row in answer.rows if row["version"] == "4")

    assert row["verdict"] == "possible"
    assert row["reasons"] == ["not_registered"]
    assert row["reason"].endswith("(and 1 more)")
    assert len(answer.warnings) == 3


def test_trace_and_impact_agree_on_every_model(world: Graph, opened: Opened) -> None:
    """Two ways to ask one question."""
    world.run("train-4", reads=["dataset:x/loose@1"], writes=["model:x/m@4"])
    store = opened(world)

    for reference, expected in verdicts(ask(store, all_models=True)).items():
        answer = api.trace(store, reference, suspect=FEED, clock=lambda: clock(60))
        assert answer.verdict == expected


def test_a_long_chain_of_retrainings_is_judged(graph: Graph, opened: Opened) -> None:
    """Each model made from the one before; the defect at the root reaches all of them."""
    for number in range(1, 120):
        graph.run(f"t-{number}", reads=[f"model:x/m@{number - 1}"], writes=[f"model:x/m@{number}"])
    graph.node(FEED)
    answer = ask(opened(graph), all_models=True)

    assert {row["verdict"] for row in answer.rows} == {"possible"}
    assert len(answer.rows) == 120
    assert len(answer.warnings) == 1


def test_a_depth_limit_leaves_no_model_clean(world: Graph, opened: Opened) -> None:
    """What lies behind the limit may be any of them."""
    answer = ask(opened(world), all_models=True, max_depth=1)

    assert verdicts(answer) == {
        "model:x/m@1": "possible",
        "model:x/m@2": "possible",
        "model:x/m@3": "possible",
    }
    assert answer.warnings[0].startswith("the walk stopped after 1 hop, but dataset:x/all@1")


def test_missing_batches_of_anybody_make_the_answer_incomplete(
    world: Graph, opened: Opened
) -> None:
    """A run in one of them may have read the suspect, and a known model what it wrote."""
    world.batch("stranger", "epoch-1", 0, created=1)
    world.batch("stranger", "epoch-1", 2, created=9, final=True)
    store = opened(world)

    assert "missing from epoch epoch-1 of producer stranger" in ask(store).warnings[-1]
    models = ask(store, all_models=True)
    assert verdicts(models)["model:x/m@3"] == "possible"
    assert not models.complete


def test_missing_batches_before_the_suspect_appeared_do_not_matter(
    graph: Graph, opened: Opened
) -> None:
    """Nothing could read it then."""
    graph.batch("stranger", "epoch-1", 0, created=-9)
    graph.batch("stranger", "epoch-1", 2, created=-1, final=True)
    graph.node(FEED)

    assert ask(opened(graph)).complete


def test_the_newest_promotion_tells_the_environment(world: Graph, opened: Opened) -> None:
    """By version, at the moment asked about; retired is nowhere."""
    world.promote("model:x/m@1", "staging", minute=1)
    world.promote("model:x/m@1", "production", minute=5)
    world.promote("model:x/m@2", "production", minute=1)
    world.promote("model:x/m@2", None, action="retire", minute=6)
    store = opened(world)

    def environments(**options: Any) -> list[str | None]:
        answer = ask(store, all_models=True, **options)
        return [row["environment"] for row in answer.rows]

    assert environments() == ["production", None, None]
    assert environments(as_of="2026-01-01T00:04:00Z") == ["staging", "production", None]


def test_a_model_that_was_not_there_yet_is_not_judged(world: Graph, opened: Opened) -> None:
    """``as_of`` before anything named it."""
    store = opened(world)
    store.execute(
        "UPDATE artifact_version SET appeared_at = TIMESTAMP '2026-01-01 00:30:00' "
        "WHERE version = '3'"
    )

    answer = ask(store, all_models=True, as_of="2026-01-01T00:29:00Z")
    assert set(verdicts(answer)) == {"model:x/m@1", "model:x/m@2"}


def test_all_versions_names_the_subject_without_a_version(world: Graph, opened: Opened) -> None:
    """And lists which ones were suspected."""
    world.run("train-3", reads=["dataset:x/feed@2"])
    answer = ask(opened(world), all_models=True, all_versions=True)

    assert answer.subject == "dataset:x/feed"
    assert answer.extra["suspects"] == [FEED, "dataset:x/feed@2"]
    assert verdicts(answer)["model:x/m@3"] == "affected"


def test_a_store_without_models_has_nothing_to_judge(graph: Graph, opened: Opened) -> None:
    """No rows, and clean."""
    graph.node(FEED)
    answer = ask(opened(graph), all_models=True)

    assert (answer.rows, answer.verdict, answer.complete) == ([], "clean", True)


def test_a_refused_record_of_nobody_makes_the_answer_incomplete(
    world: Graph, opened: Opened
) -> None:
    """A run that is not in the store may have read the feed."""
    world.reject(None, None)

    answer = ask(opened(world), all_models=True)

    assert not answer.complete
    assert (
        "1 record could not be believed (MALFORMED: 1); see 'lineseal rejects'" in answer.warnings
    )
    assert verdicts(answer)["model:x/m@3"] == "clean"


def test_what_did_not_exist_yet_is_not_found(world: Graph, opened: Opened) -> None:
    """No empty answer that reads like nobody is affected."""
    with pytest.raises(NotFound, match="did not exist yet"):
        ask(opened(world), all_models=True, as_of="1999-01-01")
