"""A REF means one artifact version, or the error says what it could have meant.

What is promised: a REF that reads as two artifacts is ambiguous; digests may be cut short as in
git; "latest" is a version like any other; every REF that an answer or a candidate shows can be
pasted back and means that version. Source: DESIGN 8, ADR-0004, ADR-0006.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest

from lineseal.consumers.copies import rebuild_copies
from lineseal.queries.lookup import MAX_CANDIDATES, find_all_versions, find_one
from lineseal.queries.times import Moment
from lineseal.schemas.errors import Ambiguous, InvalidReference, NotFound

from .graph_builder import Graph, at

Opened = Callable[[Graph], duckdb.DuckDBPyConnection]

A = "sha256:" + 64 * "a"
AB = "sha256:" + "aaaab" + 59 * "0"
NOW = Moment()


@pytest.fixture
def store(graph: Graph, opened: Opened) -> duckdb.DuckDBPyConnection:
    """Open a store with names that are easy to confuse."""
    graph.node("dataset:a/b/c@1")
    graph.node("dataset:a/b/c@2")
    graph.node("dataset:plain@1")
    graph.node("dataset:s3://bucket/deep/key@1")
    graph.node("model:reg/fraud@7")
    graph.node("model:reg/fraud@latest")
    graph.node(f"model:reg/bytes@{A}")
    graph.node(f"model:reg/bytes@{AB}")
    graph.node(f"model:reg/split@1@{A}", conflict=True)
    graph.node(f"model:reg/split@1@{AB}", conflict=True)
    graph.node(f"model:reg/split@2@{A}")
    graph.node("dataset:lake/tmp@run:etl/run-1")
    graph.node("dataset:lake/tmp@run:etl/run-2")
    graph.node("dataset:lake/tmp@unknown")
    return opened(graph)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("dataset:a/b/c@2", "dataset:a/b/c@2"),
        ("dataset:plain@1", "dataset:default/plain@1"),
        ("dataset:default/plain", "dataset:default/plain@1"),
        ("dataset:s3://bucket/deep/key", "dataset:s3://bucket/deep/key@1"),
        ("model:reg/fraud@latest", "model:reg/fraud@latest"),
        ("model:reg/bytes@sha256:aaaaa", f"model:reg/bytes@{A}"),
        ("model:reg/bytes@sha256:aaaab", f"model:reg/bytes@{AB}"),
        ("model:reg/split@1@sha256:aaaab", f"model:reg/split@1@{AB}"),
        ("model:reg/split@2", "model:reg/split@2"),
        ("dataset:lake/tmp@run:run-1", "dataset:lake/tmp@run:etl/run-1"),
        ("dataset:lake/tmp@run:etl/run-2", "dataset:lake/tmp@run:etl/run-2"),
        ("dataset:lake/tmp@unknown", "dataset:lake/tmp@unknown"),
    ],
)
def test_a_ref_means_one_version(store: duckdb.DuckDBPyConnection, text: str, found: str) -> None:
    """By version, digest, digest cut short, run, or alone when there is one version."""
    assert find_one(store, text, NOW).reference == found


def test_every_version_is_found_by_the_ref_it_is_shown_as(
    store: duckdb.DuckDBPyConnection,
) -> None:
    """What is printed can be pasted back."""
    for text in ("model:reg/split", "model:reg/bytes", "dataset:lake/tmp", "dataset:a/b/c"):
        for node in find_all_versions(store, text, NOW):
            assert find_one(store, node.reference, NOW).id == node.id


@pytest.fixture
def twins(graph: Graph, opened: Opened) -> duckdb.DuckDBPyConnection:
    """Store two artifacts whose REFs read the same: b/c in a, and c in a/b."""
    graph.node(f"dataset:a/b/c@1@{A}")
    store = opened(graph)
    store.execute(
        "INSERT INTO artifact_version SELECT * REPLACE (99 AS artifact_version_id, "
        "'a/b' AS namespace, 'c' AS name, $digest AS digest) FROM artifact_version",
        {"digest": AB},
    )
    rebuild_copies(store)
    return store


def test_a_ref_that_reads_as_two_artifacts_is_ambiguous(twins: duckdb.DuckDBPyConnection) -> None:
    """Nobody can answer for somebody else by a name that reads like theirs; a digest decides."""
    with pytest.raises(Ambiguous, match="several artifacts"):
        find_one(twins, "dataset:a/b/c@1", NOW)

    assert find_one(twins, f"dataset:a/b/c@{A}", NOW).namespace == "a"
    assert find_one(twins, f"dataset:a/b/c@{AB}", NOW).namespace == "a/b"
    both = find_all_versions(twins, "dataset:a/b/c", NOW)
    assert [node.namespace for node in both] == ["a", "a/b"]


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("dataset:a/b/c", ("dataset:a/b/c@1", "dataset:a/b/c@2")),
        ("model:reg/bytes@sha256:aaaa", (f"model:reg/bytes@{A}", f"model:reg/bytes@{AB}")),
        ("model:reg/split@1", (f"model:reg/split@1@{A}", f"model:reg/split@1@{AB}")),
        (
            "dataset:lake/tmp",
            (
                "dataset:lake/tmp@run:etl/run-1",
                "dataset:lake/tmp@run:etl/run-2",
                "dataset:lake/tmp@unknown",
            ),
        ),
    ],
)
def test_too_much_found_lists_all_of_it(
    store: duckdb.DuckDBPyConnection, text: str, candidates: tuple[str, ...]
) -> None:
    """Nothing is chosen for the person."""
    with pytest.raises(Ambiguous) as caught:
        find_one(store, text, NOW)

    assert set(caught.value.candidates) == set(candidates)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("model:reg/frod@7", "model:reg/fraud"),
        ("model:fraud@7", "model:reg/fraud"),
        ("model:REG/Fraud", "model:reg/fraud"),
        ("dataset:reg/fraud@7", "model:reg/fraud"),
        ("dataset:plan", "dataset:default/plain"),
        ("model:reg/fraud@last", "model:reg/fraud@latest"),
        ("model:reg/fraud@8", "model:reg/fraud@7"),
    ],
)
def test_nothing_found_suggests_what_looks_alike(
    store: duckdb.DuckDBPyConnection, text: str, first: str
) -> None:
    """Names of the same kind first, then of any kind, then versions of the name."""
    with pytest.raises(NotFound) as caught:
        find_one(store, text, NOW)

    assert not isinstance(caught.value, Ambiguous)
    assert caught.value.candidates[0] == first


def test_nothing_like_it_suggests_nothing(store: duckdb.DuckDBPyConnection) -> None:
    """No suggestion is better than a random one."""
    with pytest.raises(NotFound) as caught:
        find_one(store, "image:zzzzzzzzzzzzzz", NOW)

    assert caught.value.candidates == ()


def test_a_long_list_of_candidates_says_that_it_is_cut(graph: Graph, opened: Opened) -> None:
    """Twenty of thirty, with both numbers in the message, in the order people count."""
    for version in range(30):
        graph.node(f"model:reg/many@{version}")
    with pytest.raises(Ambiguous, match="20 of 30") as caught:
        find_one(opened(graph), "model:reg/many", NOW)

    assert len(caught.value.candidates) == MAX_CANDIDATES
    assert caught.value.candidates[9:11] == ("model:reg/many@9", "model:reg/many@10")


def test_one_version_of_hundreds_is_found_as_one_of_few_is(graph: Graph, opened: Opened) -> None:
    """By version, by digest, by its run, and in the list that an error shows."""
    for number in range(300):
        graph.node(f"dataset:lake/hourly@{number}")
    graph.node(f"dataset:lake/hourly@{A}")
    graph.node("dataset:lake/hourly@run:etl/run-1")
    connection = opened(graph)

    for tail in ("7", "299", "run:etl/run-1"):
        reference = f"dataset:lake/hourly@{tail}"
        assert find_one(connection, reference, NOW).reference == reference
    short = find_one(connection, "dataset:lake/hourly@sha256:aaaaa", NOW)
    assert short.reference == f"dataset:lake/hourly@{A}"
    with pytest.raises(NotFound, match="its name has 302 versions"):
        find_one(connection, "dataset:lake/hourly@300", NOW)
    with pytest.raises(Ambiguous, match="means 302 versions"):
        find_one(connection, "dataset:lake/hourly", NOW)


def test_a_version_not_known_yet_is_not_found(graph: Graph, opened: Opened) -> None:
    """``known_at`` is inclusive, and the error says at which time nothing was known."""
    graph.node("model:reg/fraud@7", known_from=at(5))
    store = opened(graph)

    assert find_one(store, "model:reg/fraud", Moment(known_at=at(5))).version == "7"
    with pytest.raises(NotFound, match="known at 2026-01-01T00:04:59"):
        find_one(store, "model:reg/fraud", Moment(known_at=at(4 + 59 / 60)))


def test_a_version_that_no_longer_holds_is_found_in_the_past(graph: Graph, opened: Opened) -> None:
    """``known_to`` is excluded."""
    graph.node("model:reg/fraud@7", known_to=at(5))
    store = opened(graph)

    assert find_one(store, "model:reg/fraud", Moment(known_at=at(4))).version == "7"
    for moment in (NOW, Moment(known_at=at(5))):
        with pytest.raises(NotFound):
            find_one(store, "model:reg/fraud", moment)


@pytest.mark.parametrize("text", ["fraud", "thing:x", "model:", "model:x@", "model:x@sha256:zz"])
def test_what_is_no_ref_is_refused(store: duckdb.DuckDBPyConnection, text: str) -> None:
    """Before anything is asked of the store."""
    with pytest.raises(InvalidReference):
        find_one(store, text, NOW)


def test_hostile_text_stays_text(store: duckdb.DuckDBPyConnection) -> None:
    """REFs are parameters, never part of a statement (A31)."""
    with pytest.raises(NotFound):
        find_one(store, "dataset:x'; DROP TABLE edge; --", NOW)

    assert store.execute("SELECT count(*) FROM edge").fetchall() == [(0,)]
