"""What did not arrive is named: which batches, of which epoch, in which time.

Source: ADR-0005, point 4.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb
import pytest

from lineseal.queries.chains import Chains, Gap
from lineseal.queries.times import Moment

from .graph_builder import Graph, at

Opened = Callable[[Graph], duckdb.DuckDBPyConnection]


def gaps(store: duckdb.DuckDBPyConnection, moment: Moment | None = None) -> list[Gap]:
    """Return all gaps in the store."""
    chains = Chains.load(store, moment or Moment())
    return [gap for found in chains.gaps.values() for gap in found]


def test_a_whole_chain_has_no_gap(graph: Graph, opened: Opened) -> None:
    """Three batches from 0, and a second epoch that names the last of them."""
    for seq in range(3):
        graph.batch("p", "one", seq)
    graph.batch("p", "two", 0, after=("one", 2))

    assert gaps(opened(graph)) == []


def test_missing_between_two_spans_the_time_between_them(graph: Graph, opened: Opened) -> None:
    """Batches 1 and 2 of 0..3."""
    graph.batch("p", "one", 0, created=1)
    graph.batch("p", "one", 3, created=5)

    assert gaps(opened(graph)) == [Gap("p", "one", 1, 2, at(1), at(5))]


def test_missing_first_batches_span_up_to_the_first_received(graph: Graph, opened: Opened) -> None:
    """Also when there is another hole behind."""
    graph.batch("p", "one", 2, created=4)
    graph.batch("p", "one", 4, created=6)

    assert gaps(opened(graph)) == [
        Gap("p", "one", 0, 1, None, at(4)),
        Gap("p", "one", 3, 3, at(4), at(6)),
    ]


def test_a_missing_tail_spans_from_the_last_received_on(graph: Graph, opened: Opened) -> None:
    """Known because a later genesis names a batch that never came."""
    graph.batch("p", "one", 0, created=1)
    graph.batch("p", "two", 0, created=9, after=("one", 2))

    assert gaps(opened(graph)) == [Gap("p", "one", 1, 2, at(1), None)]


def test_an_epoch_never_seen_spans_the_time_before_it_was_named(
    graph: Graph, opened: Opened
) -> None:
    """Of its length only the last batch is known."""
    graph.batch("p", "two", 0, created=9, after=("one", 4))

    assert gaps(opened(graph)) == [Gap("p", "one", 0, 4, None, at(9))]


def test_a_name_in_another_producers_genesis_means_nothing(graph: Graph, opened: Opened) -> None:
    """Only a producer itself can say that it sealed more."""
    graph.batch("p", "one", 0, final=True)
    graph.batch("eve", "two", 0, after=("one", 7))

    assert [gap.producer for gap in gaps(opened(graph))] == ["eve"]


def test_a_gap_that_was_filled_is_there_in_the_past(graph: Graph, opened: Opened) -> None:
    """``known_at`` sees the chain as it had arrived."""
    graph.batch("p", "one", 0)
    graph.batch("p", "one", 1, ingest=8)
    graph.batch("p", "one", 2)
    store = opened(graph)

    assert gaps(store) == []
    assert len(gaps(store, Moment(known_at=at(7)))) == 1
    assert gaps(store, Moment(known_at=at(8))) == []


@pytest.mark.parametrize(
    ("start", "end", "overlap"),
    [(0, 1, False), (0, 2, True), (3, 3, True), (4, 9, True), (4.1, 9, False), (0, 9, True)],
)
def test_ends_that_touch_overlap(start: float, end: float, overlap: bool) -> None:
    """Both intervals include their ends."""
    gap = Gap("p", "one", 1, 1, at(2), at(4))

    assert gap.overlaps(at(start), at(end)) == overlap


def test_open_ends_overlap_everything_on_their_side() -> None:
    """No start is the beginning of time, no end the end of time."""
    assert Gap("p", "one", 0, 0, None, at(4)).overlaps(at(-999), at(-998))
    assert not Gap("p", "one", 0, 0, None, at(4)).overlaps(at(5), at(6))
    assert Gap("p", "one", 0, 0, at(4), None).overlaps(at(5), at(6))
    assert Gap("p", "one", 0, 0, at(4), None).overlaps(at(1), None)


@pytest.mark.parametrize(
    ("final", "named", "minute", "state", "faults"),
    [
        (True, False, 99, "CLOSED", []),
        (False, True, 99, "SUCCEEDED", []),
        (False, False, 4.99, "UNCLOSED", []),
        (False, False, 5, "UNCLOSED", ["epoch_not_closed"]),
        (True, True, 99, "CLOSED", []),
    ],
)
def test_an_open_epoch_is_alive_for_three_heartbeats(
    graph: Graph,
    opened: Opened,
    *,
    final: bool,
    named: bool,
    minute: float,
    state: str,
    faults: list[str],
) -> None:
    """180 s after its last batch, sealed at minute 2, it has ended badly."""
    graph.batch("p", "one", 0, created=2, final=final, ingest=3)
    if named:
        graph.batch("p", "two", 0, after=("one", 0), final=True)
    epoch = Chains.load(opened(graph), Moment()).epochs["p", "one"]

    assert epoch.state == state
    assert [code for code, _ in epoch.faults(at(minute))] == faults


def test_a_clock_ahead_does_not_keep_an_epoch_alive(graph: Graph, opened: Opened) -> None:
    """A batch is no younger than its arrival."""
    graph.batch("p", "one", 0, created=9999, ingest=2)
    epoch = Chains.load(opened(graph), Moment()).epochs["p", "one"]

    assert epoch.is_alive(at(4))
    assert not epoch.is_alive(at(6))


def test_losses_and_rejects_are_faults(graph: Graph, opened: Opened) -> None:
    """The same bytes refused twice are one record; strangers' bytes are nobody's."""
    graph.batch("p", "one", 0, final=True, lost=3)
    graph.batch("p", "two", 0, final=True)
    for raw in (b"bad", b"bad", b"worse"):
        graph.reject("p", "one", raw=raw)
    graph.reject(None, None)
    epochs = Chains.load(opened(graph), Moment()).epochs

    assert epochs["p", "one"].faults(at(99)) == [
        ("lost_events", "epoch one of producer p reported 3 lost events"),
        ("rejected_events", "2 records of epoch one of producer p had to be rejected"),
    ]
    assert epochs["p", "two"].faults(at(99)) == []
