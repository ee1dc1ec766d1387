"""``lineseal sql`` answers questions and does nothing else, whatever is typed.

What is promised: one statement that reads; no file, network, extension, setting or environment
variable can be reached; rows, time and memory are bounded and a cut is said. Source: attack A31 of
the threat model, DESIGN 8.
"""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lineseal.queries.database import open_store
from lineseal.queries.guarded_sql import run_sql
from lineseal.queries.sql_worker import Request, answer, check_statement
from lineseal.schemas.errors import NotFound, QueryError, SqlRefused

from .graph_builder import Graph


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with one run in it."""
    graph = Graph()
    graph.run("train-1", reads=["dataset:x/raw@1"], writes=["model:x/m@1"])
    return graph.save(tmp_path_factory.mktemp("sql") / "lineseal.duckdb")


def ask(
    store: Path, text: str, *, timeout: float = 30, memory_limit: str = "512MB"
) -> list[dict[str, Any]]:
    """Return the rows of an answer that is complete, through a child process."""
    answered = run_sql(store, text, timeout=timeout, memory_limit=memory_limit)
    assert answered.complete
    return [dict(row) for row in answered.rows]


class Refused(Exception):
    """What a reply's error says."""


def ask_here(store: Path, text: str) -> list[list[Any]]:
    """Run the worker's code in this process, without limiting its memory: much faster."""
    request = Request(
        store=os.fspath(store), text=text, limit=100, timeout=30, memory_limit="512MB", wait=5.0
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resource, "setrlimit", _do_nothing)
        reply = answer(request)
    if reply["error"] is not None:
        raise Refused(*reply["error"])
    assert not reply["warnings"]
    return reply["rows"]


def _do_nothing(*_: object) -> None:
    pass


NOT_A_READING_STATEMENT = [
    "COPY event TO '{folder}/stolen.csv'",
    "COPY (SELECT 1) TO '{folder}/stolen.csv'",
    "COPY event FROM '/etc/passwd'",
    "EXPORT DATABASE '{folder}/stolen'",
    "ATTACH '{folder}/other.duckdb'",
    "DETACH lineseal",
    "INSTALL httpfs",
    "LOAD httpfs",
    "UPDATE EXTENSIONS",
    "SET memory_limit = '100GB'",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "PRAGMA database_list",
    "PRAGMA enable_external_access",
    "CALL pragma_version()",
    "CHECKPOINT",
    "VACUUM",
    "BEGIN",
    "COMMIT",
    "DELETE FROM event",
    "INSERT INTO store_fact VALUES ('a', 'b')",
    "UPDATE store_fact SET value = 'x'",
    "DROP TABLE event",
    "CREATE TABLE t AS SELECT 1",
    "CREATE TEMP TABLE t AS SELECT 1",
    "CREATE SECRET s (TYPE s3)",
    "CREATE FUNCTION f() AS 1",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "IMPORT DATABASE '{folder}'",
    "PIVOT event ON body",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE event",
    "COMMIT; DROP TABLE event; SELECT 1",
    "",
    "-- nothing but a comment",
]


@pytest.mark.parametrize("text", NOT_A_READING_STATEMENT)
def test_anything_but_one_reading_statement_is_refused(
    store: Path, tmp_path: Path, text: str
) -> None:
    """By its type, before it runs."""
    with (
        open_store(store) as connection,
        pytest.raises(SqlRefused, match=r"only a statement that reads|exactly one statement"),
    ):
        check_statement(connection, text.format(folder=tmp_path))


REACHES_OUTSIDE = [
    "WITH d AS (DELETE FROM edge RETURNING *) SELECT * FROM d",
    "WITH d AS (INSERT INTO store_fact VALUES ('a', 'b') RETURNING *) SELECT * FROM d",
    "EXPLAIN ANALYZE DELETE FROM edge",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM parquet_metadata('/etc/passwd')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_text('http://127.0.0.1/')",
    "SELECT * FROM duckdb_secrets()",
]


@pytest.mark.parametrize("text", REACHES_OUTSIDE)
def test_a_select_that_reaches_outside_is_refused(store: Path, text: str) -> None:
    """Its type is right; the read-only file and the locked configuration stop it."""
    with pytest.raises(Refused) as caught:
        ask_here(store, text)

    assert caught.value.args[0] == SqlRefused.code
    assert ask_here(store, "SELECT count(*) AS edges FROM edge") == [[2]]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM '/etc/passwd'",
        "SELECT getenv('LINESEAL_SECRET')",
        "SELECT * FROM query('DELETE FROM edge')",
        "SELECT * FROM store",
        "SELECT * FROM os",
        "SELECT * FROM nothing",
        "SELEC 1",
        "SELECT $parameter",
        "SELECT 1/0::INTEGER + 'x'",
    ],
)
def test_what_means_nothing_is_an_error_of_the_caller(store: Path, text: str) -> None:
    """Files and Python variables are no tables, and there is no such function."""
    with pytest.raises(Refused) as caught:
        ask_here(store, text)

    assert caught.value.args[0] == QueryError.code
    assert "\n" not in caught.value.args[1]


def test_no_environment_variable_and_no_secret_can_be_seen(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in the settings either."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    monkeypatch.setenv("LINESEAL_EMITTER__KEY", "wJalrXUtnFEMI")
    settings = ask(store, "SELECT * FROM duckdb_settings()")

    assert settings
    assert "wJalrXUtnFEMI" not in str(settings)


def test_the_configuration_is_locked_down(store: Path) -> None:
    """What the guard relies on is really set."""
    names = "('enable_external_access', 'lock_configuration', 'autoload_known_extensions')"
    settings = ask(
        store,
        f"SELECT name, value FROM duckdb_settings() WHERE name IN {names} ORDER BY name",  # noqa: S608
    )

    assert [row["value"] for row in settings] == ["false", "false", "true"]


def test_the_child_does_not_run_what_lies_in_the_working_folder(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file named like a module is not imported."""
    (tmp_path / "json.py").write_text("raise SystemExit('taken over')")
    monkeypatch.chdir(tmp_path)

    assert ask(store, "SELECT 1 AS one") == [{"one": 1}]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT count(*) FROM range(100000000000000)",
        "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT max(x) FROM t",
    ],
)
def test_a_statement_that_goes_on_is_interrupted(store: Path, text: str) -> None:
    """After its seconds."""
    with pytest.raises(SqlRefused, match=r"ran over its 0\.5 seconds"):
        ask(store, text, timeout=0.5)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's address limits")
@pytest.mark.parametrize(
    "text",
    [
        "SELECT repeat('x', 2000000000)",
        "SELECT length(repeat('x', 2000000000))",
        "SELECT list(repeat('x', 1000)) FROM range(100000000)",
    ],
)
def test_a_statement_that_grows_is_ended(store: Path, text: str) -> None:
    """In the child, before this machine notices."""
    with pytest.raises(SqlRefused, match="memory"):
        ask(store, text)


def test_rows_past_the_limit_are_left_out_and_said(store: Path) -> None:
    """Exactly as many as allowed; one fewer is complete."""
    cut = run_sql(store, "SELECT * FROM range(11) ORDER BY range DESC", limit=10)

    assert [row["range"] for row in cut.rows] == list(range(10, 0, -1))
    assert cut.warnings == ["there are more rows than --limit 10; the rest is left out"]
    assert run_sql(store, "SELECT * FROM range(10)", limit=10).complete


def test_big_values_are_cut_and_said(store: Path) -> None:
    """A value, and all of them together."""
    cut = run_sql(store, "SELECT repeat('x', 1000001) AS x")
    assert len(cut.rows[0]["x"]) == 1_000_000
    assert cut.warnings == ["values longer than 1000000 characters are cut off"]

    many = run_sql(store, "SELECT repeat('x', 999999) AS x FROM range(80)")
    assert len(many.rows) == 67
    assert many.warnings == ["the rows after the first 67 are too big and are left out"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("TIMESTAMP '2026-11-03 14:00:00'", "2026-11-03T14:00:00.000000Z"),
        ("TIMESTAMPTZ '2026-11-03 14:00:00.5+02'", "2026-11-03T12:00:00.500000Z"),
        ("TIMESTAMP_NS '2026-11-03 14:00:00.123456789'", "2026-11-03T14:00:00.123456789Z"),
        ("'infinity'::TIMESTAMP", "infinity"),
        ("DATE '2026-11-03'", "2026-11-03"),
        ("'\\x00\\xFF'::BLOB", "00ff"),
        ("[1, 2]", [1, 2]),
        ("{'a': 'x', 'b': [true]}", {"a": "x", "b": [True]}),
        ("{'a': 'nan'::DOUBLE}", {"a": "NaN"}),
        ("'-infinity'::DOUBLE", "-Infinity"),
        ("170141183460469231731687303715884105727::HUGEINT", 2**127 - 1),
        ("sum(7)", 7),
        ("1.50::DECIMAL(5,2)", 1.5),
        ("0.1234567890123456789::DECIMAL(38,19)", "0.1234567890123456789"),
        ("'{\"a\": 1}'::JSON", {"a": 1}),
        ("NULL", None),
        ("true", True),
        ("'x'::ENUM('x', 'y')", "x"),
        ("'\u202ea'", "\u202ea"),
    ],
)
def test_every_value_is_plain_json(store: Path, expression: str, value: object) -> None:
    """Times as RFC 3339, bytes as hex, numbers exact or as text."""
    assert ask_here(store, f"SELECT {expression} AS value") == [[value]]


def test_columns_of_one_name_are_told_apart(store: Path) -> None:
    """None is dropped."""
    assert ask(store, "SELECT 1 AS a, 2 AS a, 3 AS a_2") == [{"a": 1, "a_2": 2, "a_2_2": 3}]


READING = ("FROM edge", "VALUES (1)", "SHOW TABLES", "DESCRIBE edge", "SUMMARIZE edge")


@pytest.mark.parametrize("text", [*READING, "EXPLAIN FROM edge", "EXPLAIN ANALYZE FROM edge"])
def test_reading_statements_of_every_form_are_answered(store: Path, text: str) -> None:
    """A person looking around needs them all."""
    assert ask_here(store, text)
    assert ask_here(store, f"{text};")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("SELECT 1; -- done", 1),
        ("SELECT 1 -- done", 1),
        ("SELECT 1 -- done;", 1),
        ("SELECT 1 /* done; */;;", 1),
        ("SELECT ';--'", ";--"),
        ("SELECT 'a;'", "a;"),
        ("SELECT $$;$$;", ";"),
        ("SELECT 1 -- ) AS x; DROP TABLE edge; (", 1),
    ],
)
def test_what_stands_at_the_end_does_no_harm(store: Path, text: str, value: object) -> None:
    """Semicolons and comments end a statement and never cut one."""
    assert ask_here(store, text) == [[value]]


def test_a_missing_store_says_what_to_do(tmp_path: Path) -> None:
    """The child's errors come back as they are."""
    with pytest.raises(NotFound, match="lineseal materialise"):
        run_sql(tmp_path / "none.duckdb", "SELECT 1")


def test_the_store_is_left_as_it_was(store: Path) -> None:
    """Nothing above wrote to it."""
    with duckdb.connect(store, read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM edge").fetchall() == [(2,)]


def test_bytes_that_are_no_text_are_an_error_of_the_caller(store: Path) -> None:
    """As they come from a shell: with lone surrogates."""
    with pytest.raises(QueryError, match="UTF-8"):
        run_sql(store, b"SELECT \xff".decode("utf-8", "surrogateescape"))
