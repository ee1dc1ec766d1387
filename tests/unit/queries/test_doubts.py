"""A way from the suspect that no edge shows keeps a model from being clean.

What is promised: what any producer is known to lack while the model was in the making forbids
``clean``, and so does an ancestor that may be the suspect under another name; neither makes a
model affected, and nobody without a key can do it. Source: ADR-0005.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from lineseal.commandline.output import Answer
from lineseal.queries import api

from .graph_builder import Graph, at, clock

Opened = Callable[[Graph], duckdb.DuckDBPyConnection]

MODEL = "model:x/m@1"
CLEAN, RAW, LABELS = "dataset:x/clean@1", "dataset:x/raw@1", "dataset:x/labels@1"
OTHER = "dataset:x/other@1"
DIGEST = "sha256:" + 64 * "a"


@pytest.fixture
def proven(graph: Graph) -> Graph:
    """Make a model whose ancestry is proven, and one data set that has nothing to do with it."""
    graph.run("clean-1", reads=[RAW], writes=[CLEAN], start=1, end=2)
    graph.run("train-1", reads=[CLEAN, LABELS], writes=[MODEL], start=3, end=4)
    graph.register(RAW, owner="alice")
    graph.register(LABELS)
    graph.node(OTHER)
    return graph


def ask(connection: duckdb.DuckDBPyConnection, **options: Any) -> Answer:
    """Trace the model an hour after it was made."""
    return api.trace(connection, MODEL, clock=lambda: clock(60), **options)


def test_a_gap_before_the_suspect_appeared_does_not_matter(proven: Graph, opened: Opened) -> None:
    """Nothing that is missing then can have read it."""
    proven.batch("maker", "epoch-0", 0, created=-9)
    proven.batch("maker", "epoch-0", 2, created=-1, final=True)

    assert ask(opened(proven), suspect=OTHER).verdict == "clean"


@pytest.mark.parametrize(("created", "verdict"), [(3, "possible"), (9, "clean")])
def test_a_gap_of_anybody_matters_while_the_model_was_in_the_making(
    proven: Graph, opened: Opened, created: float, verdict: str
) -> None:
    """A missing run may have carried the suspect into its ancestry; after minute 4 it cannot."""
    proven.batch("eve", "epoch-0", 0, created=created - 0.5)
    proven.batch("eve", "epoch-0", 2, created=created, final=True)

    assert ask(opened(proven), suspect=OTHER).verdict == verdict


def test_junk_in_the_log_does_not_spoil_a_proof(proven: Graph, opened: Opened) -> None:
    """Whoever can write to the log without a key cannot make models suspect."""
    proven.reject(None, None)

    assert ask(opened(proven), suspect=OTHER).verdict == "clean"


def test_a_producer_that_lost_its_outbox_spoils_the_proof(proven: Graph, opened: Opened) -> None:
    """Its own genesis says that something may lack."""
    proven.batch("eve", "epoch-0", 0, created=3, final=True, reason="rolled back")

    answer = ask(opened(proven), suspect=OTHER)

    assert answer.verdict == "possible"
    (warning,) = answer.warnings
    assert warning.startswith(
        "OUTBOX_ROLLBACK in epoch epoch-0 of producer eve: its genesis says that the outbox was"
        " rolled back"
    )


@pytest.mark.parametrize(("since", "verdict"), [(3, "possible"), (4.5, "clean")])
def test_whoever_fell_silent_before_the_model_was_made_spoils_the_proof(
    proven: Graph, opened: Opened, since: float, verdict: str
) -> None:
    """What it should have said since may have been dropped: nothing else tells of a cut tail."""
    proven.finding("SILENT_PRODUCER", "eve", span_start=at(since))
    connection = opened(proven)

    assert ask(connection, suspect=OTHER).verdict == verdict
    (warning,) = api.impact(connection, OTHER, clock=lambda: clock(60)).warnings
    assert warning.startswith("SILENT_PRODUCER in producer eve: ")


@pytest.mark.parametrize(
    ("suspect", "read", "verdict"),
    [
        (f"dataset:x/feed@{DIGEST}", f"dataset:y/copy@{DIGEST}", "possible"),
        ("dataset:x/feed@1", f"dataset:x/feed@{DIGEST}", "possible"),
        ("dataset:x/feed@1", "dataset:x/feed@2", "clean"),
        (f"dataset:x/feed@{DIGEST}", "dataset:x/feed@sha256:" + 64 * "b", "clean"),
        ("dataset:x/feed@1", f"dataset:y/feed@{DIGEST}", "clean"),
    ],
)
def test_what_may_be_the_suspect_under_another_name_is_not_clean(
    graph: Graph, opened: Opened, suspect: str, read: str, verdict: str
) -> None:
    """Equal digests, or one name with nothing that tells the two apart."""
    graph.node(suspect)
    graph.run("train-1", reads=[read], writes=[MODEL], start=3, end=4)
    graph.register(read)

    assert ask(opened(graph), suspect=suspect).verdict == verdict


@pytest.mark.parametrize(
    ("suspect", "read", "verdict"),
    [
        ("run:etl/7", "run:etl/8", "clean"),
        ("run:etl/7", "run:other/7", "clean"),
        ("run:etl/7", "1", "possible"),
        ("run:etl/7", DIGEST, "possible"),
    ],
)
def test_two_runs_are_told_apart_by_producer_and_id(
    graph: Graph, opened: Opened, suspect: str, read: str, verdict: str
) -> None:
    """Two producers may both have a run 7 (ADR-0004); a run and a version share nothing."""
    graph.node(f"dataset:x/feed@{suspect}")
    graph.run("train-1", reads=[f"dataset:x/feed@{read}"], writes=[MODEL], start=3, end=4)
    graph.register("dataset:x/feed")

    assert ask(opened(graph), suspect=f"dataset:x/feed@{suspect}").verdict == verdict


def test_a_registered_model_that_nobody_trained_is_opaque(graph: Graph, opened: Opened) -> None:
    """Registering it says nothing about what went into it."""
    graph.node(MODEL)
    graph.register(MODEL, owner="eve")

    assert ask(opened(graph)).warnings == [
        "no known run trained model:x/m@1, so what went into it is not known"
    ]
