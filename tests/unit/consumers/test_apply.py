"""Every event that keeps the contract becomes rows that say the same, in every column.

What is promised: whatever the body and its values, the row of ``event`` and the row of the
body's table give back exactly what the producer sealed; a run event becomes one row of
``run_event`` and one of ``run_io`` for each artifact it names. Source: DESIGN 7.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from tests.simulator import Pipeline, Producer, artifact, human
from tests.unit.schemas.strategies import events

from lineseal.schemas.model import Event, Registration, Subject, body_name
from lineseal.schemas.record import to_record


@pytest.fixture(scope="module")
def producer(tmp_path_factory: pytest.TempPathFactory) -> Producer:
    """Make a producer whose key may say everything."""
    pipeline = Pipeline(tmp_path_factory.mktemp("pipeline"))
    return pipeline.producer("p", roles=frozenset({"emit", "gateway", "override"}))


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """Make an empty pipeline."""
    return Pipeline(tmp_path)


@settings(max_examples=60)
@given(event=events())
def test_rows_give_back_what_was_sealed(producer: Producer, event: Event) -> None:
    """Every column of every body survives the way through Avro, Arrow and DuckDB."""
    event = dataclasses.replace(event, producer="p")
    pipeline = producer.pipeline
    producer.chain = producer.sealer.open_epoch(None)
    pipeline.log.entries.clear()
    producer.send(event)
    body = body_name(event.body)
    record = to_record(event)
    with tempfile.TemporaryDirectory() as folder:
        pipeline.store_path = Path(folder) / "store.duckdb"

        report = pipeline.materialise()

        assert report.rejects == {}
        table = "run_event" if body == "run" else body
        expected = record["body"][body]
        with duckdb.connect(str(pipeline.store_path), read_only=True) as store:
            if body == "run":
                uses = [("input", use) for use in expected.pop("inputs")]
                uses += [("output", use) for use in expected.pop("outputs")]
                assert facts(store) == sorted(
                    ({"direction": way, **use.pop("artifact"), **use} for way, use in uses),
                    key=_in_order,
                )
            assert only_row(store, table, list(expected)) == expected
            row = only_row(store, "event", ["event_id", "stage", "run_id", "origin", "trace_id"])
            assert row == {name: record[name] for name in row}
            times = store.execute("SELECT body, epoch_us(event_time) FROM event").fetchall()
            assert times == [(body, event.event_time)]


def only_row(store: duckdb.DuckDBPyConnection, table: str, columns: list[str]) -> dict[str, Any]:
    """Read the one row of a table."""
    quoted = ", ".join(f'"{column}"' for column in columns)
    ((*values,),) = store.execute(f'SELECT {quoted} FROM "{table}"').fetchall()  # noqa: S608
    return dict(zip(columns, values, strict=True))


def _in_order(fact: dict[str, Any]) -> str:
    # Not repr(fact): the two sides list their columns in different orders.
    return repr(sorted(fact.items()))


def facts(store: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Read the facts of the one run, without what they share."""
    columns = [
        "direction", "rows", "size_bytes", "role", "reported_digest", "location",
        "kind", "namespace", "name", "version", "digest",
    ]  # fmt: skip
    rows = store.execute(f"SELECT {', '.join(columns)} FROM run_io").fetchall()  # noqa: S608
    return sorted((dict(zip(columns, row, strict=True)) for row in rows), key=_in_order)


def test_who_acted_is_verified_only_under_the_own_key(pipeline: Pipeline) -> None:
    """A person under their own key is proven, one named by a service only asserted."""
    alice, trainer = pipeline.person("alice"), pipeline.producer("trainer")
    thing = artifact("model:reg/fraud@7")
    about = Registration(subject=Subject(type="artifact", artifact=thing))
    alice.emit(about)
    for producer in (alice, trainer):
        producer.emit(about, actor=human("alice"))

    pipeline.materialise()

    assert pipeline.query(
        "SELECT producer, actor_id, actor_verified FROM registration ORDER BY ALL"
    ) == [
        ("person:alice", "alice", True),
        ("person:alice", "person:alice", True),
        ("trainer", "alice", False),
    ]
    assert pipeline.query(
        "SELECT count(*) FROM event JOIN registration USING (event_id, actor_verified)"
    ) == [(3,)]
