"""Unversioned OpenLineage events give answers about versions, in whatever order they arrive.

What is promised: when two runs of one job read different inputs, the job that read its output
between them is accused only of the first; START without and COMPLETE with a version are one use;
any shuffle and any duplication gives the same graph. Source: ADR-0004.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.openlineage.events import Json, data, facet, run_event
from tests.openlineage.graph import graph

from lineseal.schemas.model import Origin


def story() -> list[Json]:
    """Tell of two runs of prep, one of use between them, as clients do."""
    return [
        run_event(1, "START", "2026-01-01T01:00:00Z", job="prep", inputs=[data("a")]),
        run_event(1, "COMPLETE", "2026-01-01T01:10:00", job="prep", outputs=[data("x")]),
        run_event(1, "OTHER", "2026-01-01T02:05:00Z", job="prep"),
        run_event(2, "START", "2026-01-01T02:00:00Z", job="use"),
        run_event(
            2, "COMPLETE", "2026-01-01T02:10:00Z", job="use", inputs=[data("x")],
            outputs=[data("y")],
        ),
        run_event(3, "START", "2026-01-01T03:00:00Z", job="prep", inputs=[data("b")]),
        run_event(3, "COMPLETE", "2026-01-01T03:10:00Z", job="prep", outputs=[data("x")]),
    ]  # fmt: skip


def test_the_reader_between_two_runs_is_accused_of_the_first_alone(tmp_path: Path) -> None:
    """It read what run 1 wrote; the read is inferred, the write is not."""
    edges = graph(tmp_path, story())

    assert {edge for edge in edges if edge[2] == "x"} == {
        ("prep", "output", "x", None, "1", True),
        ("prep", "output", "x", None, "3", True),
        ("use", "input", "x", None, "1", False),
    }


@pytest.mark.parametrize("seed", range(4))
def test_any_shuffle_and_duplication_gives_the_same_graph(tmp_path: Path, seed: int) -> None:
    """As the network and retrying clients deliver."""
    rng = random.Random(seed)  # noqa: S311 - a reproducible shuffle
    told = story() + rng.choices(story(), k=rng.randrange(6))
    rng.shuffle(told)

    shuffled = graph(tmp_path / "shuffled", told)

    assert shuffled == graph(tmp_path / "told", story())


@pytest.mark.parametrize("origin", [Origin.GATEWAY, Origin.IMPORT])
def test_a_use_told_in_instalments_is_one_use(tmp_path: Path, origin: Origin) -> None:
    """Spark knows a table's version at the end, of what it reads at the start."""
    edges = graph(
        tmp_path,
        [
            run_event(1, "START", inputs=[data("a", v="5")], outputs=[data("x")]),
            run_event(
                1,
                "COMPLETE",
                "2026-01-01T10:05:00Z",
                inputs=[data("a")],
                outputs=[data("x", v="9")],
            ),
        ],
        origin,
    )

    exact = origin is Origin.GATEWAY
    assert edges == {
        ("etl", "input", "a", "5", None, exact),
        ("etl", "output", "x", "9", None, exact),
    }


def test_who_reads_a_table_by_its_catalogue_name_finds_the_writer(tmp_path: Path) -> None:
    """The writer says that both names are one."""
    links = facet(identifiers=[{"namespace": "hive", "name": "db.x", "type": "TABLE"}])
    edges = graph(
        tmp_path,
        [
            run_event(1, at="2026-01-01T01:00:00Z", outputs=[data("x", v="1", symlinks=links)]),
            run_event(
                2, at="2026-01-01T02:00:00Z", job="use", inputs=[data("db.x", "hive", v="1")]
            ),
        ],
    )

    assert ("etl", "output", "db.x", "1", None, True) in edges
    assert ("use", "input", "db.x", "1", None, True) in edges
