"""Polars and Great Expectations as they are: what they hand over is hashed and recorded.

What is promised: one changed cell of a Polars table is another digest, through MLflow and through
the decorator too; the result of a real checkpoint becomes a validation with its counts.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.integration.adapters.conftest import load
from tests.unit.producers.world import Said, told_by

import lineseal.producers.adapters.mlflow as lineseal_mlflow
from lineseal.producers import Emitter
from lineseal.producers.adapters.checks import record_expectations
from lineseal.producers.adapters.content import digest_content
from lineseal.producers.adapters.sklearn import traced
from lineseal.settings import Home


@pytest.fixture
def polars() -> Any:
    """Return Polars."""
    return load("polars")


@pytest.fixture
def expectations(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return Great Expectations, which calls nobody and whose own warnings are not ours."""
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield load("great_expectations")


def test_every_cell_name_and_type_of_a_polars_table_counts(polars: Any) -> None:
    """Also a missing value, a list in a cell, and the order of rows."""
    table = polars.DataFrame(
        {"a": [1, 2, None], "b": ["x", "y", "z"], "c": [[1], [2, 3], []], "d": [0.5, 1.5, 2.5]}
    )
    others = [
        table.with_columns(a=polars.Series([1, 2, 0])),
        table.with_columns(b=polars.Series(["x", "y", "Z"])),
        table.with_columns(c=polars.Series([[1], [2], [3]])),
        table.with_columns(d=polars.Series([0.5, 1.5, 2.5000001])),
        table.rename({"a": "A"}),
        table.reverse(),
        table.head(2),
    ]

    digests = {digest_content(each) for each in (table, *others)}

    assert None not in digests
    assert len(digests) == len(others) + 1
    assert digest_content(table.clone()) == digest_content(table)


def test_a_polars_table_is_hashed_by_the_decorator(
    polars: Any, home: Home, emitter: Emitter
) -> None:
    """As a frame and as a series."""
    train = traced("fraud/fit", emitter=emitter)(_nothing)
    rows = polars.DataFrame({"a": [1.0, 2.0, 3.0]})
    for labels in ([0, 1, 0], [0, 1, 1]):
        train(rows, polars.Series(labels))

    uses = [use for one in told_by(emitter, home) for use in one.body["inputs"]]

    assert [use["rows"] for use in uses] == [3] * 4
    assert len({use["artifact"]["digest"] for use in uses}) == 3


@pytest.mark.filterwarnings("ignore:Hint. Inferred schema contains integer column")
@pytest.mark.filterwarnings("ignore:.*noload.. loader strategy is deprecated")
def test_a_polars_table_is_hashed_through_mlflow(
    polars: Any, mlflow: Any, told: Callable[[], list[Said]]
) -> None:
    """MLflow has a data set of its own for it."""
    lineseal_mlflow.install()
    for last in (3, 4):
        with mlflow.start_run():
            table = polars.DataFrame({"a": [1, 2, last]})
            mlflow.log_input(mlflow.data.from_polars(table, name="train"))

    uses = [
        use for one in told() if one.body_name == "run" for use in one.body["inputs"] if use["rows"]
    ]

    assert len({use["artifact"]["digest"] for use in uses}) == 2


def test_a_real_checkpoint_becomes_a_validation(
    expectations: Any, home: Home, emitter: Emitter
) -> None:
    """What it returned is handed over as it is."""
    gx, checks = expectations, expectations.expectations
    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("files").add_dataframe_asset("amounts")
    suite = gx.ExpectationSuite(
        "amounts",
        expectations=[
            checks.ExpectColumnValuesToBeBetween(column="x", min_value=0, max_value=10),
            checks.ExpectColumnValuesToNotBeNull(column="x"),
        ],
    )
    definition = gx.ValidationDefinition(
        name="amounts",
        data=asset.add_batch_definition_whole_dataframe("all"),
        suite=context.suites.add(suite),
    )
    checkpoint = gx.Checkpoint(
        name="amounts", validation_definitions=[context.validation_definitions.add(definition)]
    )
    rows = load("pandas").DataFrame({"x": [1, 2, 99]})
    result = context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": rows})

    record_expectations(emitter, "dataset:lake/amounts@3", result)

    (said,) = told_by(emitter, home)
    assert said.body["check"]["tool"] == "great_expectations"
    assert said.body["check"]["version"] == gx.__version__
    assert (said.body["check"]["name"], said.body["outcome"]) == ("amounts", "fail")
    assert (said.body["rows_checked"], said.body["rows_rejected"]) == (3, 1)


def _nothing(rows: Any, labels: Any) -> None:
    del rows, labels
