"""``trace`` names every ancestor, says how sure each hop is, and judges a suspect by ADR-0005.

Evidence: one small graph for each rule of the ADR; the same rules over random graphs are in
``test_verdict_oracle.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from lineseal.commandline.output import Answer
from lineseal.consumers.copies import rebuild_copies
from lineseal.queries import api
from lineseal.schemas.errors import Ambiguous, NotFound, QueryError

from .graph_builder import Graph, clock, verdicts

Opened = Callable[[Graph], duckdb.DuckDBPyConnection]

MODEL = "model:x/m@1"
CLEAN, RAW, LABELS = "dataset:x/clean@1", "dataset:x/raw@1", "dataset:x/labels@1"
OTHER = "dataset:x/other@1"


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


def test_every_ancestor_is_a_row(proven: Graph, opened: Opened) -> None:
    """Depth, run that wrote it, hop, registration: by distance, then by name."""
    answer = ask(opened(proven))

    assert [(row["depth"], row["reference"], row["via"]) for row in answer.rows] == [
        (0, MODEL, None),
        (1, CLEAN, MODEL),
        (1, LABELS, MODEL),
        (2, RAW, CLEAN),
    ]
    assert answer.rows[1] == {
        "depth": 1,
        "kind": "dataset",
        "namespace": "x",
        "name": "clean",
        "version": "1",
        "digest": None,
        "run_id": "clean-1",
        "job": "jobs/clean",
        "producer": "maker",
        "via": MODEL,
        "verdict": None,
        "certain": True,
        "reasons": [],
        "registered": False,
        "owner": None,
        "reference": CLEAN,
    }
    assert answer.rows[3]["owner"] == "alice"
    assert (answer.verdict, answer.complete, answer.warnings) == (None, True, [])


def test_a_proven_ancestry_without_the_suspect_is_clean(proven: Graph, opened: Opened) -> None:
    """The strongest answer there is."""
    assert ask(opened(proven), suspect=OTHER).verdict == "clean"


@pytest.mark.parametrize("suspect", [MODEL, CLEAN, RAW])
def test_a_certain_path_is_affected(proven: Graph, opened: Opened, suspect: str) -> None:
    """The model itself counts, and the row of the suspect is flagged."""
    answer = ask(opened(proven), suspect=suspect)

    assert answer.verdict == "affected"
    assert verdicts(answer)[suspect] == "affected"
    assert sum(row["verdict"] is not None for row in answer.rows) == 1


def spoil_read(graph: Graph) -> None:
    """Add a read whose version was inferred."""
    graph.run("train-1", reads=["dataset:x/b@1"], weak={"dataset:x/b@1": ["version_inferred"]})
    graph.register("dataset:x/b@1")


def spoil_write(graph: Graph) -> None:
    """Add a run, unsigned, that is said to have written an ancestor too."""
    graph.run("import-1", reads=[RAW], writes=[CLEAN], weak={CLEAN: ["unsigned_import"]})


def spoil_leaf(graph: Graph) -> None:
    """Add an input that nobody registered."""
    graph.run("train-1", reads=["dataset:x/b@1"], start=3, end=4)


def spoil_generated(graph: Graph) -> None:
    """Add an input that a run wrote from nothing, unregistered: a leaf too."""
    graph.run("generate-1", writes=["dataset:x/b@1"])
    graph.run("train-1", reads=["dataset:x/b@1"], start=3, end=4)


def spoil_opaque(graph: Graph) -> None:
    """Register an ancestor as opaque, though a known run wrote it."""
    graph.register(CLEAN, opaque=True)
    graph.register(CLEAN, minute=5)


def spoil_loss(graph: Graph) -> None:
    """Let the epoch of a run report a loss."""
    graph.batch("maker", "epoch-1", 1, lost=2, final=True)


def spoil_reject(graph: Graph) -> None:
    """Let an event of the epoch of a run be refused."""
    graph.reject("maker", "epoch-1")


def spoil_own_gap(graph: Graph) -> None:
    """Let a batch of the epoch of a run be missing, long after the run."""
    graph.batch("maker", "epoch-1", 1, created=40)
    graph.batch("maker", "epoch-1", 3, created=50, final=True)


def spoil_other_gap(graph: Graph) -> None:
    """Let batches of another epoch of that producer be missing while the run went on."""
    graph.batch("maker", "epoch-0", 0, created=0)
    graph.batch("maker", "epoch-0", 2, created=3.5, final=True)


def spoil_unclosed(graph: Graph) -> None:
    """Add a run in an epoch that never ended."""
    graph.batch("maker", "epoch-9", 0, created=10)
    graph.run("label-1", reads=[RAW], writes=[LABELS], epoch="epoch-9", start=9, end=10)


SPOILS: list[tuple[Callable[[Graph], None], str]] = [
    (spoil_read, "jobs/train (run train-1) read dataset:x/b@1, but its version was inferred"),
    (spoil_write, "jobs/import (run import-1) wrote dataset:x/clean@1, but that comes from an"),
    (spoil_leaf, "nobody registered dataset:x/b@1"),
    (spoil_generated, "nobody registered dataset:x/b@1"),
    (spoil_opaque, "what dataset:x/clean@1 was made from is not disclosed"),
    (spoil_loss, "epoch epoch-1 of producer maker reported 2 lost events"),
    (spoil_reject, "1 record of epoch epoch-1 of producer maker had to be rejected"),
    (spoil_own_gap, "batch 2 is missing from epoch epoch-1 of producer maker"),
    (spoil_other_gap, "batch 1 is missing from epoch epoch-0 of producer maker"),
    (spoil_unclosed, "epoch epoch-9 of producer maker was never closed"),
]


@pytest.mark.parametrize(
    ("spoil", "sentence"), SPOILS, ids=lambda item: getattr(item, "__name__", "")
)
def test_one_defect_makes_it_possible_and_says_why(
    proven: Graph, opened: Opened, spoil: Callable[[Graph], None], sentence: str
) -> None:
    """No proof, no ``clean``; exactly one warning, and it names the thing."""
    spoil(proven)
    answer = ask(opened(proven), suspect=OTHER)

    assert answer.verdict == "possible"
    assert not answer.complete
    assert len(answer.warnings) == 1
    assert answer.warnings[0].startswith(sentence)


@pytest.mark.parametrize(
    ("spoil", "sentence"), SPOILS, ids=lambda item: getattr(item, "__name__", "")
)
def test_a_defect_elsewhere_does_not_soften_affected(
    proven: Graph, opened: Opened, spoil: Callable[[Graph], None], sentence: str
) -> None:
    """What is known to be in stays in, unless the path itself became uncertain."""
    spoil(proven)

    assert ask(opened(proven), suspect=LABELS).verdict == (
        "possible" if spoil is spoil_other_gap else "affected"
    )


def test_a_weak_path_is_possible(graph: Graph, opened: Opened) -> None:
    """The suspect was perhaps read: its row says possible and why."""
    graph.run("train-1", reads=[RAW], writes=[MODEL], weak={RAW: ["version_inferred"]})
    graph.register(RAW)
    answer = ask(opened(graph), suspect=RAW)

    assert answer.verdict == "possible"
    assert (answer.rows[1]["verdict"], answer.rows[1]["reasons"]) == (
        "possible",
        ["version_inferred"],
    )


def test_one_certain_path_beside_a_weak_one_is_enough(proven: Graph, opened: Opened) -> None:
    """The weak path is shorter and still does not hide the certain one."""
    proven.run("train-1", reads=[RAW], weak={RAW: ["version_inferred"]}, start=3, end=4)
    answer = ask(opened(proven), suspect=RAW)

    assert answer.verdict == "affected"
    assert next(row for row in answer.rows if row["reference"] == RAW)["depth"] == 1


def test_a_gap_during_the_run_makes_its_hops_uncertain(proven: Graph, opened: Opened) -> None:
    """Exact edges of a run whose producer lost batches meanwhile prove nothing."""
    spoil_other_gap(proven)
    row = next(row for row in ask(opened(proven)).rows if row["reference"] == CLEAN)

    assert (row["certain"], row["reasons"]) == (False, ["producer_gap"])


def test_an_epoch_still_alive_does_not_matter(graph: Graph, opened: Opened) -> None:
    """Two minutes after its last batch a job may still be running."""
    graph.batch("maker", "epoch-1", 0, created=2, ingest=2)
    graph.run("train-1", reads=[RAW], writes=[MODEL])
    graph.register(RAW)
    graph.node(OTHER)
    store = opened(graph)

    alive = api.trace(store, MODEL, suspect=OTHER, clock=lambda: clock(4))
    assert alive.verdict == "clean"
    assert ask(store, suspect=OTHER).verdict == "possible"
    # Looking back, the moment looked at is what counts.
    past = "2026-01-01T00:04:00Z"
    assert ask(store, suspect=OTHER, known_at=past).verdict == "clean"


def test_a_walk_cut_short_is_never_clean(proven: Graph, opened: Opened) -> None:
    """The suspect may lie behind the limit."""
    answer = ask(opened(proven), suspect=OTHER, max_depth=1)

    assert answer.verdict == "possible"
    assert answer.warnings == [
        "the walk stopped after 1 hop, but dataset:x/clean@1 leads further (--max-depth)"
    ]
    assert ask(opened(proven), suspect=OTHER, max_depth=2).verdict == "clean"


@pytest.mark.parametrize(
    ("registration", "covered"),
    [
        ("dataset:x/b", True),
        ("dataset:x/b@1", True),
        ("dataset:x/b@2", False),
        ("dataset:x/b@sha256:" + 64 * "a", True),
        ("dataset:x/b@sha256:" + 64 * "b", False),
        ("dataset:x/b@1@sha256:" + 64 * "b", False),
        ("dataset:x/b@2@sha256:" + 64 * "a", True),
        ("dataset:y/b@1", False),
        ("model:x/b@1", False),
    ],
)
def test_a_registration_covers_what_it_names(
    proven: Graph, opened: Opened, registration: str, covered: bool
) -> None:
    """By version or digest, or all versions when it names neither."""
    proven.run("train-1", reads=["dataset:x/b@1@sha256:" + 64 * "a"], start=3, end=4)
    proven.register(registration, owner="bob")
    answer = ask(opened(proven))

    assert answer.complete == covered


def test_a_version_with_several_contents_is_registered_by_digest_only(
    proven: Graph, opened: Opened
) -> None:
    """Who registered the version cannot have meant all of them: one may have been swapped."""
    swapped = "dataset:x/b@1@sha256:" + 64 * "b"
    proven.node(swapped, conflict=True)
    proven.run("train-1", reads=[swapped], start=3, end=4)
    proven.register("dataset:x/b@1", owner="bob")

    answer = ask(opened(proven))

    (warning,) = answer.warnings
    assert warning.startswith(f"nobody registered {swapped}, ")
    assert warning.endswith("its version has several digests, so register it by digest")


def test_all_versions_suspects_every_version_of_the_name(proven: Graph, opened: Opened) -> None:
    """One of them in the ancestry is enough."""
    proven.node("dataset:x/raw@2")
    store = opened(proven)

    answer = ask(store, suspect="dataset:x/raw", all_versions=True)
    assert answer.verdict == "affected"
    assert answer.extra["suspects"] == [RAW, "dataset:x/raw@2"]
    assert ask(store, suspect="dataset:x/raw@2").verdict == "clean"
    with pytest.raises(Ambiguous):
        ask(store, suspect="dataset:x/raw")


def test_what_cannot_be_asked_is_refused(proven: Graph, opened: Opened) -> None:
    """A suspect nobody knows is no proof of anything."""
    store = opened(proven)

    with pytest.raises(NotFound):
        ask(store, suspect="dataset:x/nothing@1")
    with pytest.raises(QueryError, match="--suspect"):
        ask(store, all_versions=True)
    with pytest.raises(QueryError, match="negative"):
        ask(store, max_depth=-1)


def test_times_are_printed_as_they_were_meant(proven: Graph, opened: Opened) -> None:
    """UTC, microseconds, Z; null when there is no bound."""
    answer = ask(opened(proven), as_of="2026-01-01T02:00:00+01:00", known_at="2026-01-02")

    assert answer.as_of == "2026-01-01T01:00:00.000000Z"
    assert answer.known_at == "2026-01-02T00:00:00.000000Z"


def test_surrogate_ids_do_not_show(proven: Graph, opened: Opened) -> None:
    """The same facts with ids handed out in another order give the same bytes."""
    store = opened(proven)
    before = ask(store, suspect=OTHER).to_dict()
    for table in ("artifact_version", "edge"):
        store.execute(f"UPDATE {table} SET artifact_version_id = 1000 - artifact_version_id")  # noqa: S608
    rebuild_copies(store)

    assert ask(store, suspect=OTHER).to_dict() == before
