"""Findings are a function of the set of batches that were received.

What is promised: whatever the order, the repeats and the size of the commits, the open findings,
the untrusted batches and the producers' epochs are the same. Source: DESIGN 8, ADR-0012.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.chain_world import batches, final, fork, head, skip
from tests.simulator import Entry, Pipeline

State = tuple[Any, ...]

_STATE = (
    ("SELECT * EXCLUDE (opened_at, closed_at) FROM finding WHERE closed_at IS NULL ORDER BY ALL"),
    (
        "SELECT * EXCLUDE (known_from, known_to) FROM untrusted_batch"
        " WHERE known_to IS NULL ORDER BY ALL"
    ),
    (
        "SELECT producer, epoch, batches, missing_batches, missing_tail, state"
        " FROM producer_epoch ORDER BY ALL"
    ),
)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pipeline, list[Entry]]:
    """Seal a history with everything that can go wrong in it."""
    pipeline = Pipeline(tmp_path_factory.mktemp("sealed"))
    producer = pipeline.producer("trainer")
    values = batches(producer, 2)
    copy = head(producer)
    one, other = fork(producer, 2)
    values += [*one, *other, final(producer)]
    producer.reopen(crashed=True)
    values += [*batches(producer, 2), final(producer), *batches(producer, 1)]
    producer.chain = producer.sealer.open_epoch(copy)
    values += batches(producer, 2)
    skip(producer, next_batch_seq=2**40)
    values += batches(producer, 1)
    return pipeline, [Entry("trainer", value) for value in values]


def _deliver(pipeline: Pipeline, entries: list[Entry], limit: int) -> State:
    with tempfile.TemporaryDirectory() as folder:
        pipeline.store_path = Path(folder) / "store.duckdb"
        pipeline.log.entries = entries
        pipeline.clock.now = 1_767_225_600_000_000 + 600_000_000
        pipeline.materialise(limit=limit)
        with duckdb.connect(str(pipeline.store_path), read_only=True) as store:
            return tuple(tuple(store.execute(sql).fetchall()) for sql in _STATE)


@settings(max_examples=25)
@given(data=st.data())
def test_findings_do_not_depend_on_order_repeats_or_commits(
    sealed: tuple[Pipeline, list[Entry]], data: st.DataObject
) -> None:
    """Any subset, shuffled, some batches twice: as if it had come in order and at once."""
    pipeline, entries = sealed
    numbers = range(len(entries))
    arrived = sorted(data.draw(st.sets(st.sampled_from(numbers), min_size=1), label="arrived"))
    repeats = data.draw(st.lists(st.sampled_from(arrived), max_size=4), label="repeats")
    order = data.draw(st.permutations([*arrived, *repeats]), label="order")
    limit = data.draw(st.sampled_from([1, 3, 512]), label="records at once")

    expected = _deliver(pipeline, [entries[number] for number in arrived], 512)
    actual = _deliver(pipeline, [entries[number] for number in order], limit)

    assert actual == expected


def test_the_history_holds_every_kind_of_finding(
    sealed: tuple[Pipeline, list[Entry]],
) -> None:
    """The property above is no formality."""
    pipeline, entries = sealed

    findings, untrusted, _ = _deliver(pipeline, entries, 512)

    assert {row[1] for row in findings} == {
        "COUNTER_JUMP", "FORK", "GAP", "OUTBOX_ROLLBACK", "REPLAY",
    }  # fmt: skip
    assert untrusted
