"""An answer made in columns is, byte for byte, the one made of objects.

What is promised: whatever was lost, late, doubled, imported, left unversioned or overlapping, from
whichever moment and start, ``trace`` and ``impact`` of many thousand versions say what they say of
a few. Source: ADR-0025.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.property.random_histories import draw, draw_together, fill, moment
from tests.unit.queries.graph_builder import empty_store

from lineseal.commandline.output import Answer, to_json
from lineseal.queries import api
from lineseal.queries.columnar_rows import AS_JSON, ColumnarRows
from lineseal.queries.graph import Traversal
from lineseal.queries.times import Moment, format_time
from lineseal.queries.wide import answers as wide
from lineseal.queries.wire import pack, unpack

VERSIONS = "SELECT DISTINCT artifact_version_id FROM artifact_version WHERE known_to IS NULL"
NOW = 1_800_000_000_000_000
"""Microseconds since 1970 UTC: every answer is asked at this moment."""
Ask = Callable[[], Answer]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty store in memory; each example works in a transaction of its own."""
    with empty_store() as opened:
        yield opened


def questions(connection: duckdb.DuckDBPyConnection, when: dict[str, Any]) -> list[Ask]:
    """Return plain questions about every version, about names, and about who did things."""
    known = Moment.of(None, when["known_at"])
    ids = [row[0] for row in connection.execute(VERSIONS).fetchall()]
    nodes = Traversal(connection, known).nodes(ids).values()
    producers = connection.execute("SELECT DISTINCT producer FROM run_fact").fetchall()
    asked: list[Ask] = []
    for name in sorted(node.reference for node in nodes):
        asked += [
            partial(api.trace, connection, name, **when),
            partial(api.impact, connection, name, **when),
            partial(api.impact, connection, name, all_versions=True, **when),
        ]
    asked += [
        partial(api.impact, connection, f"producer:{producer}", **when)
        for (producer,) in sorted(producers)
    ]
    asked.append(partial(api.impact, connection, since="1971-01-01", deployed=True, **when))
    return asked


def said(ask: Ask) -> tuple[str, str, bool]:
    """Return an answer as both kinds of JSON, or what it failed with, and whether it was wide."""
    try:
        answer = ask()
    except Exception as error:  # noqa: BLE001 - the same error is the same answer
        return repr(error), "", False
    columnar = isinstance(answer.rows, ColumnarRows)
    return to_json(answer.to_dict()), to_json({"a": answer.to_dict()}, indent=None), columnar


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seeds", [range(n, n + 5) for n in range(0, 20, 5)])
def test_wide_answers_are_the_same_bytes(
    connection: duckdb.DuckDBPyConnection, seeds: range, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every version in histories that are judged as one, now and in the past."""
    history = draw(seeds[0]) if seeds[0] == 0 else draw_together(seeds)
    moments: list[tuple[str | None, str | None]] = [(None, None)]
    if history.commits:
        middle = format_time(moment(history.commits[len(history.commits) // 2]))
        moments += [(None, middle), (middle, None)]
    columnar = 0
    connection.execute("BEGIN")
    try:
        fill(connection, history, twice=seeds[0] == 10)
        for as_of, known_at in moments:
            when = {"as_of": as_of, "known_at": known_at, "clock": lambda: NOW}
            for ask in questions(connection, when)[:: 2 if as_of is known_at else 7]:
                monkeypatch.setattr(wide, "MANY", 10**9)
                *expected, _ = said(ask)
                monkeypatch.setattr(wide, "MANY", 0)
                *found, was_columnar = said(ask)
                assert found == expected
                columnar += was_columnar
    finally:
        connection.execute("ROLLBACK")
    assert columnar > 0


@given(st.lists(st.tuples(st.text(), st.text() | st.none(), st.integers(0, 2**40), st.booleans())))
def test_columns_render_as_their_rows_do(rows: list[tuple[str, str | None, int, bool]]) -> None:
    """Whatever stands in them: quotes, control characters, other planes, nothing."""
    texts, words, numbers, flags = (
        list(column) for column in (zip(*rows, strict=True) if rows else ([], [], [], []))
    )
    lists = [json.dumps([text] * (number % 3)) for text, number in zip(texts, numbers, strict=True)]
    json_field = pa.field("lists", pa.dictionary(pa.int32(), pa.string()), metadata=AS_JSON)
    fields = [
        pa.field("text", pa.string()),
        pa.field('wo"rd', pa.dictionary(pa.int32(), pa.string())),
        pa.field("number", pa.int64()),
        pa.field("flag", pa.bool_()),
        json_field,
    ]
    columns = [
        pa.array(texts, pa.string()),
        pa.array(words, pa.string()).dictionary_encode(),
        pa.array(numbers, pa.int64()),
        pa.array(flags, pa.bool_()),
        pa.array(lists, pa.string()).dictionary_encode(),
    ]
    columnar = ColumnarRows(pa.Table.from_arrays(columns, schema=pa.schema(fields)))
    plain = [
        {
            "text": text,
            'wo"rd': word,
            "number": number,
            "flag": flag,
            "lists": [text] * (number % 3),
        }
        for text, word, number, flag in rows
    ]

    assert list(columnar) == plain
    assert [columnar[place] for place in range(len(columnar))] == plain
    indents: tuple[Literal[2] | None, ...] = (2, None)
    for indent in indents:
        whole, lazy = (
            {"query": "x", "rows": rows, "extra": {"rows": rows}, "last": 1}
            for rows in (plain, columnar)
        )
        if indent is not None:
            del whole["extra"], lazy["extra"]
        assert to_json(unpack(pack(lazy)), indent=indent) == to_json(lazy, indent=indent)
        assert to_json(lazy, indent=indent) == json.dumps(whole, indent=indent)
