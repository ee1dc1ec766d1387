"""What Airflow, dbt, Spark and Flink send becomes one graph, however sloppily it is written.

What is promised: nothing is refused that is only sloppy; sloppiness changes no edge, no state and
no check; facets that nobody knows are named and kept; a pipeline of all four hangs together from
the database to the stream. Source: docs/openlineage.md; the specification's prose.
"""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.openlineage.events import Json, bodies, data, facet, first_run, mapped, parameter
from tests.openlineage.graph import graph
from tests.openlineage.integrations import everything

from lineseal.schemas.record import Record

EVENTS = everything()


def objects(value: Any) -> list[Json]:
    """Return every object in a value."""
    if isinstance(value, list):
        return [found for item in value for found in objects(item)]
    if not isinstance(value, dict):
        return []
    return [value, *(found for item in value.values() for found in objects(item))]


def without_keys(*keys: str) -> Callable[[Json], None]:
    """Make what takes fields out wherever they stand."""

    def change(event: Json) -> None:
        for each in objects(event):
            for key in keys:
                each.pop(key, None)

    return change


def _deleted_null(event: Json) -> None:
    for each in objects(event):
        if "_producer" in each:
            each["_deleted"] = None


def _no_zone(event: Json) -> None:
    event["eventTime"] = re.sub(r"(Z|\+00:00)$", "", event["eventTime"])


def _nanoseconds(event: Json) -> None:
    stem, _, fraction = re.sub(r"(Z|\+00:00)$", "", event["eventTime"]).partition(".")
    event["eventTime"] = f"{stem}.{fraction.ljust(9, '0')}Z[UTC]"


def _upper_ids(event: Json) -> None:
    for each in objects(event):
        if "runId" in each:
            each["runId"] = each["runId"].upper()


def _lower_state(event: Json) -> None:
    event["eventType"] = event["eventType"].lower()


def _nulls(event: Json) -> None:
    for owner in (event["run"], event["job"], *event["inputs"], *event["outputs"]):
        owner.setdefault("facets", {})["nothing"] = None
    for key in ("inputs", "outputs"):
        event[key] = event[key] or None


def _unknown_facets(event: Json) -> None:
    for owner in (event["run"], event["job"], *event["inputs"], *event["outputs"]):
        owner["facets"]["acme_custom"] = facet(anything=[1, {"deep": [None, True]}])
    event["vendorExtension"] = {"a": 1}


def _texts_for_numbers(event: Json) -> None:
    for each in objects(event):
        for key in ("rowCount", "size"):
            if key in each:
                each[key] = str(each[key])


SLOPPY: dict[str, Callable[[Json], None]] = {
    "no schemaURL": without_keys("schemaURL", "_schemaURL"),
    "no producer": without_keys("producer", "_producer"),
    "_deleted null": _deleted_null,
    "no zone": _no_zone,
    "nanoseconds": _nanoseconds,
    "upper-case ids": _upper_ids,
    "lower-case states": _lower_state,
    "nulls": _nulls,
    "unknown facets": _unknown_facets,
    "texts for numbers": _texts_for_numbers,
}


def meaning(event: Json) -> list[tuple[str, Record]]:
    """Return what an event says, without what only ties it to its document."""
    found: list[tuple[str, Record]] = []
    for name, body in bodies(event):
        for key in ("parameters", "attributes"):
            pairs = body.get(key) or []
            kept = [pair for pair in pairs if not pair["key"].startswith("openlineage.")]
            body = {**body, **({key: kept} if key in body else {})}  # noqa: PLW2901
        found.append((name, body))
    return found


@given(st.sampled_from(EVENTS), st.sets(st.sampled_from(sorted(SLOPPY)), min_size=1))
def test_sloppiness_is_taken_and_changes_nothing(event: Json, ways: set[str]) -> None:
    """In whatever combination; the time stays the same moment."""
    sloppy = copy.deepcopy(event)
    for way in sorted(ways - {"nulls"}) + sorted(ways & {"nulls"}):
        SLOPPY[way](sloppy)

    assert meaning(sloppy) == meaning(event)
    assert mapped(sloppy).event_time == mapped(event).event_time


def test_facets_nobody_knows_are_named_and_kept() -> None:
    """Their names are sealed, the rest stands in the document."""
    event = copy.deepcopy(EVENTS[2])
    _unknown_facets(event)

    names = parameter(first_run(event), "openlineage.facets")

    assert names is not None
    assert {"acme_custom", "airflow", "externalQuery", "schema"} <= set(names.split(","))


@pytest.mark.parametrize("seed", range(3))
def test_a_pipeline_of_all_four_hangs_together(tmp_path: Path, seed: int) -> None:
    """From the database over two tables and a Delta version to the stream, in any order."""
    told = everything() * 2
    random.Random(seed).shuffle(told)  # noqa: S311 - a reproducible shuffle

    edges = graph(tmp_path, told)

    copy_task, model, test = (
        "daily.copy",
        "db.shop.features.build.run",
        "db.shop.features.build.test",
    )
    merge = "train_app.execute_merge_into_command"
    assert edges == {
        (copy_task, "input", "shop.a", None, None, False),
        (copy_task, "output", "shop.a_copy", None, "2", True),
        (model, "input", "shop.a_copy", None, "2", False),
        (model, "output", "shop.features", None, "c", True),
        (test, "input", "shop.features", None, "c", False),
        (merge, "input", "shop.features", None, "c", False),
        (merge, "input", "warehouse/train", "4", None, True),
        (merge, "input", "ml.train", "4", None, True),
        (merge, "output", "warehouse/train", "5", None, True),
        (merge, "output", "ml.train", "5", None, True),
        ("scores", "input", "ml.train", "5", None, True),
        ("scores", "output", "scores", None, "f", True),
        ("scores", "output", "cat.db.scores", None, "f", True),
    }


def test_a_check_of_each_tool_is_a_validation() -> None:
    """dbt's, and those that OpenLineage's own action for Great Expectations writes."""
    old = data("a", greatExpectations_assertions=facet(assertions=[
        {"expectationType": "expect_table_row_count", "success": False, "column": None},
    ]))  # fmt: skip

    found = [
        (body["check"]["name"], body["outcome"])
        for event in [*EVENTS, {**EVENTS[2], "inputs": [old]}]
        for name, body in bodies(event)
        if name == "validation"
    ]

    assert found == [("not_null(id)", "pass"), ("expect_table_row_count", "fail")]


@pytest.mark.parametrize(
    ("facets", "platform"),
    [
        ({"processing_engine": facet(name="flink", version="2.0.0")}, "flink 2.0.0"),
        ({"spark_version": facet(**{"spark-version": "2.4.7"})}, "spark 2.4.7"),
        ({"airflow_version": facet(airflowVersion="2.3.1")}, "Airflow 2.3.1"),
        ({"dbt_version": facet(version="1.9.1")}, "dbt 1.9.1"),
    ],
)
def test_the_engine_is_known_whatever_its_age(facets: Json, platform: str) -> None:
    """Before there was a facet for it, each integration had its own."""
    event = {**EVENTS[0], "run": {"runId": "x", "facets": facets}}

    assert first_run(event)["environment"]["platform"] == platform


@pytest.mark.parametrize(
    "lacking",
    [{"name": "a"}, {"namespace": "s3://lake"}, {"namespace": None, "name": " "}, {}],
)
def test_a_data_set_without_a_name_is_not_left_out(lacking: Json) -> None:
    """Else a model made from it would pass for made from nothing else."""
    event = {**EVENTS[2], "inputs": [data("known"), lacking]}

    body = first_run(event)

    uses = [use["artifact"] for use in body["inputs"]]
    assert "unknown" in (uses[1]["namespace"], uses[1]["name"])
    assert "data_set_without_name" in str(parameter(body, "openlineage.notes"))


def test_one_data_set_need_not_stand_in_an_array() -> None:
    """It is taken, and noted."""
    event = {**EVENTS[2], "inputs": data("a")}

    body = first_run(event)

    assert body["inputs"][0]["artifact"]["name"] == "a"
    assert "object_instead_of_array" in str(parameter(body, "openlineage.notes"))


@pytest.mark.parametrize(
    "said",
    [
        "2026-01-01T10:00:00Z", "2026-01-01T10:00Z", "2026-01-01 10:00:00 UTC",
        "2026-01-01T11:00:00.000000000+01:00[Europe/Paris]", "2026-01-01T10:00:00GMT",
        "2026-01-01T15:30:00+0530", 1767261600, 1767261600.0, 1767261600000, 1767261600000000,
        1767261600000000000, "1767261600000", "1767261600.0",
    ],
)  # fmt: skip
def test_a_time_is_the_same_moment_in_any_spelling(said: Any) -> None:
    """Numbers are seconds, or so many that they can only be thousandths and so on."""
    event = json.loads(json.dumps({**EVENTS[2], "eventTime": said}))

    assert mapped(event).event_time == 1_767_261_600_000_000
