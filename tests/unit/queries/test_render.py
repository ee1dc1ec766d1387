"""What a person sees is complete, in a sensible order, and harmless whatever names hold.

Source: DESIGN 8; attack A32 (hostile text in terminals and drawings).
"""

from __future__ import annotations

import io
from collections.abc import Callable

import duckdb
import pytest
from rich.console import Console

from lineseal.commandline.output import Answer
from lineseal.queries import api
from lineseal.queries.cli.impact import MODELS
from lineseal.queries.drawing import draw
from lineseal.queries.render import print_tree, print_verdicts

from .graph_builder import Graph, clock

Opened = Callable[[Graph], duckdb.DuckDBPyConnection]
Connection = duckdb.DuckDBPyConnection

DIGEST = "sha256:" + 64 * "c"
HOSTILE = 'dataset:x/[bold]"\\\u00e9-->evil@1'


def tree(connection: Connection, reference: str, suspect: str | None = None) -> str:
    """Return the tree of a trace as plain text."""
    out = io.StringIO()
    answer = api.trace(connection, reference, suspect=suspect, clock=lambda: clock(60))
    print_tree(Console(file=out, width=300, color_system=None), answer)
    return out.getvalue()


def table(connection: Connection, reference: str) -> str:
    """Return the table of verdicts on all models as plain text."""
    out = io.StringIO()
    answer = api.impact(connection, reference, all_models=True, clock=lambda: clock(60))
    print_verdicts(Console(file=out, width=300, color_system=None), answer, MODELS)
    return out.getvalue()


@pytest.fixture
def diamond(graph: Graph) -> Graph:
    """Make a model from two data sets that come from one source."""
    graph.run("a-1", reads=["dataset:x/raw@1"], writes=["dataset:x/a@1"])
    graph.run("b-1", reads=["dataset:x/raw@1"], writes=["dataset:x/b@1"])
    graph.run(
        "train-1",
        reads=["dataset:x/a@1", "dataset:x/b@1"],
        writes=[f"model:x/m@1@{DIGEST}"],
        weak={"dataset:x/b@1": ["version_inferred"]},
    )
    graph.run("raw-1", reads=["dataset:x/origin@1"], writes=["dataset:x/raw@1"])
    graph.register("dataset:x/origin@1", owner="alice")
    return graph


def test_the_tree_shows_every_hop_and_expands_each_version_once(
    diamond: Graph, opened: Opened
) -> None:
    """The second time it is marked; every line says how sure its hop is."""
    assert tree(opened(diamond), "model:x/m@1").splitlines() == [
        "model:x/m@1  sha256:cccccccccccc  by jobs/train",
        "├── dataset:x/a@1  exact  by jobs/a",
        "│   └── dataset:x/raw@1  exact  by jobs/raw",
        "│       └── dataset:x/origin@1  exact  owner alice",
        "└── dataset:x/b@1  weak (version_inferred)  by jobs/b",
        "    └── dataset:x/raw@1  exact  (expanded above)",
        "not complete because",
        "  jobs/train (run train-1) read dataset:x/b@1, but its version was inferred from times",
    ]


def test_a_suspect_is_flagged_and_the_verdict_stands_below(diamond: Graph, opened: Opened) -> None:
    """For people as for programs."""
    lines = tree(opened(diamond), "model:x/m@1", suspect="dataset:x/raw@1").splitlines()

    assert "dataset:x/raw@1  SUSPECT, affected" in lines[2]
    assert lines[6] == "affected: a path of certain hops leads from the suspect to model:x/m@1"


def test_a_complete_answer_says_so(graph: Graph, opened: Opened) -> None:
    """In one word."""
    graph.run("train-1", reads=["dataset:x/raw@1"], writes=["model:x/m@1"])
    graph.register("dataset:x/raw")

    assert tree(opened(graph), "model:x/m@1").splitlines()[-1] == "complete"


def test_a_deep_tree_is_printed_whole() -> None:
    """Deeper than Python's own recursion would go."""
    names = [f"model:x/m@{number}" for number in range(1500)]
    row = {"verdict": None, "version": "1", "digest": None, "run_id": None, "registered": False}
    edges = [
        {
            "producer": "p",
            "run_id": str(number),
            "direction": direction,
            "reference": name,
            "reasons": [],
        }
        for number in range(1499)
        for direction, name in (("output", names[number]), ("input", names[number + 1]))
    ]
    answer = Answer(
        query="trace",
        subject=names[0],
        rows=[{**row, "reference": name} for name in names],
        extra={"edges": edges},
    )
    out = io.StringIO()
    print_tree(Console(file=out, width=10_000, color_system=None), answer)

    assert out.getvalue().count("model:x/m@") == 1500


def test_a_cycle_ends_in_the_tree(graph: Graph, opened: Opened) -> None:
    """The start is expanded above, too."""
    graph.run("loop-1", reads=["model:x/m@1"], writes=["model:x/m@1"])

    assert tree(opened(graph), "model:x/m@1").splitlines()[1] == (
        "└── model:x/m@1  exact  (expanded above)"
    )


def test_the_worst_verdict_comes_first(graph: Graph, opened: Opened) -> None:
    """Then names in the order people count."""
    for number in (2, 10):
        graph.run(f"t-{number}", ["dataset:x/feed@1"], [f"model:x/m@{number}"])
    graph.run("t-1", ["dataset:x/raw@1"], ["model:x/m@1"])
    graph.register("dataset:x/raw")
    lines = table(opened(graph), "dataset:x/feed@1").splitlines()

    assert [line.split()[:2] for line in lines[1:4]] == [
        ["affected", "model:x/m@2"],
        ["affected", "model:x/m@10"],
        ["clean", "model:x/m@1"],
    ]
    assert lines[4:] == ["2 affected, 1 clean", "complete"]


def test_hostile_names_are_shown_as_text(graph: Graph, opened: Opened) -> None:
    """Markup, quotes and control characters steer neither terminal nor drawing."""
    graph.run("train-\x1b[2J", reads=[HOSTILE], writes=["model:x/m@1"])
    store = opened(graph)
    shown = tree(store, "model:x/m@1")
    drawn = draw(api.trace(store, "model:x/m@1", clock=lambda: clock(60)))

    assert '[bold]"\\é-->evil' in shown
    assert "\x1b" not in shown + drawn
    assert '[label="dataset:x/[bold]\\"\\\\é-->evil@1"];' in drawn


def test_a_drawing_has_every_vertex_and_edge(diamond: Graph, opened: Opened) -> None:
    """Arrows go the way the data went; weak hops are dashed."""
    drawn = draw(api.trace(opened(diamond), "model:x/m@1", clock=lambda: clock(60)))

    assert drawn.startswith("digraph lineage {")
    assert drawn.count("->") == 9
    assert drawn.count("shape=ellipse") == 4
    assert drawn.count('style=dashed, label="version_inferred"') == 1
