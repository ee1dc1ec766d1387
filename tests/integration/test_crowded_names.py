"""Thousands of uses that could mean thousands of versions stay cheap, and never read as clean.

What is promised: n reads and n writes of one name that overlap make about n edges each, within a
bounded amount of memory; whoever asks learns that the answer is not complete; nothing that
depends on such a read is clean. Source: ADR-0004 and ADR-0005, "too many candidates".
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from tests.unit.queries.graph_builder import T0, Graph, at, clock, empty_store, verdicts

from lineseal.consumers.copies import update_copies
from lineseal.consumers.resolve import MAX_CANDIDATES, resolve
from lineseal.queries import api

USES = 6_000
INGESTED = at(60)

_RUNS = """
  INSERT INTO run_event BY NAME
  SELECT
    prefix || i AS event_id, prefix AS producer, prefix || i AS run_id, $start AS event_time,
    $ingested AS ingest_time, 'COMPLETE' AS state, 'emitter' AS origin, 'e' AS epoch
  FROM range($uses) AS number(i), (VALUES ('read-'), ('write-')) AS who(prefix)
"""
_READS = """
  INSERT INTO run_io BY NAME
  SELECT
    'read-' || i AS event_id, 'read-' AS producer, 'read-' || i AS run_id, direction, kind,
    'lake' AS namespace, name, version, digest, 'emitter' AS origin, $start AS event_time,
    $ingested AS ingest_time
  FROM range($uses) AS number(i), (
    VALUES ('input', 'dataset', 'busy', $version, $digest), ('output', 'model', 'm', 'i', NULL)
  ) AS used(direction, kind, name, version, digest)
"""
_WRITES = """
  INSERT INTO run_io BY NAME
  SELECT
    'write-' || i AS event_id, 'write-' AS producer, 'write-' || i AS run_id, direction,
    'dataset' AS kind, 'lake' AS namespace, name,
    CASE direction WHEN 'input' THEN '1' ELSE coalesce($wrote, 'v' || i) END AS version,
    CASE WHEN direction = 'output' THEN coalesce($content, sha256(i::VARCHAR)) END AS digest,
    'emitter' AS origin, $start AS event_time, $ingested AS ingest_time
  FROM range($uses) AS number(i), (
    VALUES ('input', 'raw'), ('output', 'busy')
  ) AS used(direction, name)
"""

BY_TIME = {"version": None, "digest": None, "wrote": None, "content": None}
BY_VERSION = {"version": "1", "digest": None, "wrote": "1", "content": None}
BY_DIGEST = {"version": None, "digest": "same", "wrote": None, "content": "same"}
WAYS = ("time", "version", "digest")
RAW, MODEL = "dataset:lake/raw@1", "model:lake/m@i"


@pytest.fixture
def store() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty store with little memory."""
    connection = empty_store()
    connection.execute("SET memory_limit = '512MB'")
    yield connection
    connection.close()


def attack(store: duckdb.DuckDBPyConnection, names: dict[str, str | None]) -> None:
    """Commit all reads and writes at once."""
    chains = Graph()
    for producer in ("read-", "write-"):
        chains.batch(producer, "e", 0, created=1, final=True)
    chains.fill(store)
    common = {"uses": USES, "start": T0, "ingested": INGESTED}
    store.execute(_RUNS, common)
    read = {key: names[key] for key in ("version", "digest")}
    store.execute(_READS, common | read)
    store.execute(_WRITES, common | {key: names[key] for key in ("wrote", "content")})
    resolve(store, INGESTED)
    update_copies(store, INGESTED)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "names", [BY_TIME, BY_VERSION, BY_DIGEST], ids=["time", "version", "digest"]
)
def test_a_crowd_costs_no_more_than_its_facts(
    store: duckdb.DuckDBPyConnection, names: dict[str, str | None]
) -> None:
    """By time, by a version of many contents, by a content of many versions."""
    attack(store, names)
    (edges,) = store.execute("SELECT count(*) FROM edge").fetchall()[0]
    model = api.trace(store, MODEL, suspect=RAW, clock=lambda: clock(60))
    reached = api.impact(store, RAW, clock=lambda: clock(60))
    judged = api.impact(store, RAW, all_models=True, clock=lambda: clock(60))

    assert USES > MAX_CANDIDATES
    assert edges <= 4 * USES + MAX_CANDIDATES
    assert model.verdict == "possible"
    assert not model.complete
    assert "dataset:lake/busy@unknown" in verdicts(model)
    assert not reached.complete
    assert any("dataset:lake/busy@unknown" in warning for warning in reached.warnings)
    assert not judged.complete
    assert verdicts(judged) == {MODEL: "possible"}
