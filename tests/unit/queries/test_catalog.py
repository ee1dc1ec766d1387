"""Every shipped SQL file says truly what it takes, reads and returns.

What is promised: the head of each file agrees with its name, its folder, its body and the DDL; a
head that does not is refused with the file and the key that are wrong; ``queries/README.md`` lists
every file. Source: codebase-models 4.5, DESIGN 7 (tables are a public interface).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from lineseal.queries.catalog import Query, load_catalog, parse_query
from lineseal.queries.index import render_index
from lineseal.queries.rules import shipped_rules
from lineseal.schemas.errors import ConfigurationError

from .graph_builder import Graph, empty_store

QUERIES = sorted(load_catalog().values(), key=lambda query: query.name)
SQL_FOLDER = Path(__file__).parents[3] / "queries/lineseal/queries/sql"

GOOD = """\
-- name:    answer
-- title:   What is the answer?
-- kind:    trace
-- params:  least BIGINT          -- a number
--          most BIGINT=NULL      -- null: no bound
-- returns: run_id VARCHAR
-- reads:   edge
-- order:   none
-- since:   0.1
-- why:     Because it was asked,
--          and '$quoted' is no parameter.
SELECT run_id FROM edge WHERE $least < $most AND run_id <> '$text' -- $comment
"""


@pytest.fixture
def store() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a store with all tables and no rows."""
    connection = empty_store()
    yield connection
    connection.close()


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_the_head_describes_what_duckdb_returns(
    query: Query, store: duckdb.DuckDBPyConnection
) -> None:
    """Names and types of all columns, in order."""
    described = store.execute(query.sql, dict.fromkeys(p.name for p in query.params)).description

    assert [(field.name, field.type) for field in query.returns] == [
        (column[0], str(column[1])) for column in described
    ]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_the_head_names_exactly_the_tables_that_are_read(
    query: Query, store: duckdb.DuckDBPyConnection
) -> None:
    """Every table after FROM or JOIN that is one of the store, and no other."""
    known = {
        name
        for (name,) in store.execute("SELECT table_name FROM information_schema.tables").fetchall()
    }
    used = set(re.findall(r"(?:FROM|JOIN)\s+(\w+)", query.sql)) & known

    assert used == set(query.reads)


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_parameter_types_are_ones_duckdb_knows(
    query: Query, store: duckdb.DuckDBPyConnection
) -> None:
    """A typed null of each parameter can be made."""
    for field in query.params:
        store.execute(f"SELECT CAST(NULL AS {field.type})")


def test_every_file_is_loaded() -> None:
    """No SQL file lies where the catalogue does not look."""
    shipped = {path.stem for path in SQL_FOLDER.rglob("*.sql")}

    assert shipped == {*load_catalog(), *shipped_rules()}


def test_the_index_is_the_one_rendered_from_the_heads() -> None:
    """``queries/README.md`` is never edited by hand."""
    text = (SQL_FOLDER.parents[2] / "README.md").read_text("utf-8")

    assert text == render_index()


def test_a_good_head_is_read_completely() -> None:
    """Notes, defaults and lines that go on."""
    query = parse_query(GOOD, folder="trace", name="answer")

    assert [(p.name, p.type, p.default, p.note) for p in query.params] == [
        ("least", "BIGINT", None, "a number"),
        ("most", "BIGINT", "NULL", "null: no bound"),
    ]
    assert query.why == "Because it was asked, and '$quoted' is no parameter."
    assert query.sql.startswith("SELECT run_id")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("-- order:   none\n", "", "in this order"),
        ("-- order:   none\n-- since:   0.1", "-- since:   0.1\n-- order:   none", "in this order"),
        ("-- since:", "-- sense:", "unknown or stands twice"),
        ("-- since:   0.1", "-- since:   0.1\n-- reads:   run", "unknown or stands twice"),
        ("-- name:    answer", "-- name:    question", "name must be 'answer'"),
        ("-- kind:    trace", "-- kind:    impact", "kind must be 'trace'"),
        ("$least", "1", "disagree about: least"),
        ("$most", "$other", "disagree about: most, other"),
        ("run_id VARCHAR", "run_id", "is not 'name TYPE"),
        ("-- name:    answer", "-- hello\n-- name:    answer", "starts with a key"),
    ],
)
def test_a_wrong_head_is_refused(old: str, new: str, complaint: str) -> None:
    """The message names the file and what is wrong."""
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        parse_query(GOOD.replace(old, new, 1), folder="trace", name="answer")

    assert "trace/answer.sql" in str(caught.value)


def test_an_unknown_parameter_is_a_mistake_of_the_caller() -> None:
    """A misspelt argument must not silently become null."""
    connection = empty_store()
    with pytest.raises(TypeError, match="takes no know_at"):
        load_catalog()["findings"].rows(connection, know_at=None)
    connection.close()


def test_epochs_without_a_bound_are_the_public_view(graph: Graph) -> None:
    """``epochs.sql`` and the view ``producer_epoch`` cannot drift apart."""
    graph.batch("a", "one", 0, created=1)
    graph.batch("a", "one", 2, created=3, lost=4)
    graph.batch("a", "two", 0, created=5, after=("one", 6))
    graph.batch("a", "two", 1, created=6, final=True)
    graph.batch("b", "three", 1, created=1)
    connection = graph.connect()
    view = connection.execute("SELECT * FROM producer_epoch ORDER BY producer, epoch")
    names = [column[0] for column in view.description]
    expected = [dict(zip(names, row, strict=True)) for row in view.fetchall()]
    found = load_catalog()["epochs"].records(connection)
    connection.close()

    assert len(expected) == 3
    for row in expected:
        match = next(item for item in found if item["epoch"] == row["epoch"])
        shared = row.keys() & match.keys()
        assert {key: match[key] for key in shared} == {key: row[key] for key in shared}
        assert row.keys() - match.keys() == {"final"}


def test_run_facts_without_a_bound_are_the_public_view(graph: Graph) -> None:
    """``run_facts.sql`` and the view ``run`` cannot drift apart."""
    graph.run("train-1", start=1, end=5)
    graph.run("train-1", producer="other", start=2, end=3)
    connection = graph.connect()
    view = connection.execute(
        "SELECT producer, run_id, job_namespace, job_name, stage, state, started_at, ended_at "
        "FROM run ORDER BY producer"
    ).fetchall()
    found = load_catalog()["run_facts"].rows(connection, runs=[-1, -2])
    connection.close()

    assert len(view) == 2
    assert sorted(row[1:-1] for row in found) == view
