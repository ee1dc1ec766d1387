"""An event of a gateway that is sealed twice is one fact, in whatever order it comes.

What is promised: after a kill a gateway may seal the same events again; every table of facts has
one row for each all the same, whether both come in one commit or in several, late or early; what
``event`` says of where each was sealed stays. Source: docs/adr/0023.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.openlineage.events import Json, data, facet, mapped, run_event, sender
from tests.simulator import Pipeline

from lineseal.schemas.model import Origin

TABLES = ("validation", "registration", "run_io", "approval")


def stories() -> list[Json]:
    """Tell of runs with checks, owners and a decision."""
    checked = data("a")
    checked["inputFacets"] = {
        "dataQualityAssertions": facet(assertions=[{"assertion": "unique", "success": True}])
    }
    owners = facet(owners=[{"name": "team"}])
    answer = {"hitl_summary": {"subject": "ship?", "chosen_options": ["Approve"]}}
    decided: Json = {"airflow": facet(task=answer)}
    return [
        run_event(1, inputs=[checked], outputs=[data("b", ownership=owners)]),
        run_event(2, inputs=[data("b")], run_facets=decided),
        run_event(3, "START", inputs=[data("b")], outputs=[data("c")]),
    ]


DOCUMENTS = [mapped(event, sender(Origin.GATEWAY)).events for event in stories()]


def facts(batches: list[tuple[bytes, ...]], order: list[int], limit: int) -> dict[str, list[Any]]:
    """Seal batches, let them come in an order, and return every row but its ingest time."""
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(Path(folder))
        gateway = pipeline.producer("gateway", roles=frozenset({"gateway"}))
        for batch in batches:
            gateway.send(*batch)
        sealed = list(pipeline.log.entries)
        pipeline.log.entries[:] = [sealed[number] for number in order]
        assert pipeline.materialise(limit=limit).rejects == {}
        found: dict[str, list[Any]] = {
            table: sorted(pipeline.query(f"SELECT * EXCLUDE (ingest_time) FROM {table}"), key=repr)  # noqa: S608
            for table in TABLES
        }
        found["event"] = pipeline.query("SELECT count(*), count(DISTINCT event_id) FROM event")
        return found


@cache
def facts_once() -> dict[str, list[Any]]:
    """Return what the same documents give when each is sealed once."""
    return facts(DOCUMENTS, [0, 1, 2], 3)


@settings(max_examples=12)
@given(st.data())
def test_what_is_sealed_twice_is_one_row(drawn: st.DataObject) -> None:
    """Any repetition, in any batches, in any order of arrival, in any commits."""
    again = drawn.draw(st.lists(st.sampled_from(DOCUMENTS), max_size=4))
    batches = [*DOCUMENTS, *again]
    order = drawn.draw(st.permutations(range(len(batches))))
    limit = drawn.draw(st.integers(1, len(batches)))

    found = facts(batches, order, limit)
    once = dict(facts_once())

    sealed = sum(len(batch) for batch in batches)
    distinct = sum(len(batch) for batch in DOCUMENTS)
    assert found.pop("event") == [(sealed, distinct)]
    assert once.pop("event") == [(distinct, distinct)]
    assert found == once
    assert all(found.values())
