"""Makes a store with a large lineage graph, for ``bench/queries.py`` only.

Rows go into the tables with set-based SQL instead of through the materialiser, which would take
hours for 10 M edges; the sorted copies are then made by the code that the materialiser uses.
What is in it, with N edges:

* lanes: chains of ten runs; each reads the output before and one shared source: 3 edges a run
* a fan-out: one source, 250,000 runs (fewer in a small store) that each write one version
* a deep chain of 1,000 runs
* a ladder of 200 steps: two runs read both versions of the step before and what they write
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from lineseal.consumers.copies import rebuild_copies

DEPLOYMENT = "bench"
HOPS = 10
DEEP = 1_000
LADDER = 200
WIDE = 250_000


def lanes_of(edges: int) -> int:
    """Return how many lanes fill what the other shapes leave."""
    return max((edges - 2 * fan_of(edges) - 2 * DEEP - 8 * LADDER) // (3 * HOPS), 1)


def fan_of(edges: int) -> int:
    """Return how many runs read the source of the fan-out."""
    return min(WIDE, edges // 4)


def make(path: Path, edges: int) -> None:
    """Make the store at *path* with about *edges* edges."""
    ddl = Path(__file__).parents[1] / "schemas/lineseal/schemas/ddl"
    config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": "4GB"}
    with duckdb.connect(str(path), config=config) as connection:
        for file in sorted(ddl.glob("*.sql")):
            connection.execute(file.read_text("utf-8"))
        newest = max(int(file.name[:4]) for file in ddl.glob("*.sql"))
        connection.execute("INSERT INTO store_fact VALUES ('schema_version', ?)", [str(newest)])
        connection.execute("INSERT INTO store_fact VALUES ('deployment', ?)", [DEPLOYMENT])
        sizes = {"lanes": lanes_of(edges), "fan": fan_of(edges), "hops": HOPS}
        sizes |= {"deep": DEEP, "ladder": LADDER}
        connection.execute(_USES, sizes)
        for statement in (_EDGES, _NODES, _RUNS, _REGISTRATIONS, _BATCHES):
            connection.execute(statement)
        connection.execute("DROP TABLE use_")
        rebuild_copies(connection)
        connection.execute("CHECKPOINT")


_USES = """
CREATE TEMP TABLE use_ AS
WITH lane AS (
  SELECT lane, hop, lane * $hops + hop AS run
  FROM range($lanes) AS l(lane), range($hops) AS h(hop)
)
SELECT 'lane-' || run AS run_id, 'output' AS direction, 'lane' || lane AS name, hop + 1 AS version,
  run AS place
FROM lane
UNION ALL
SELECT 'lane-' || run, 'input', 'lane' || lane, hop, run FROM lane
UNION ALL
SELECT 'lane-' || run, 'input', 'source', (hash(run) % $lanes)::BIGINT, run FROM lane
UNION ALL
SELECT 'fan-' || i, direction, name, CASE direction WHEN 'input' THEN 0 ELSE i END, i
FROM range($fan) AS r(i), (VALUES ('input', 'wide'), ('output', 'leaf')) AS d(direction, name)
UNION ALL
SELECT 'deep-' || i, direction, 'deep', i + step, i
FROM range($deep) AS r(i), (VALUES ('input', 0), ('output', 1)) AS d(direction, step)
UNION ALL
SELECT DISTINCT 'ladder-' || i || '-' || side, direction, 'ladder', version, i
FROM range($ladder) AS r(i), range(2) AS s(side), (
  VALUES ('input', 0, 0), ('input', 0, 1), ('input', 1, NULL), ('output', 1, NULL)
) AS d(direction, step, other),
  LATERAL (SELECT 2 * (i + step) + coalesce(other, side) AS version)
"""
_NODES = """
INSERT INTO artifact_version BY NAME
SELECT
  artifact_version_id, kind, 'bench' AS namespace, name, version::VARCHAR AS version,
  'sha256:' || sha256(name || version) AS digest, true AS made, false AS conflict,
  TIMESTAMP '2026-01-01' AS appeared_at, TIMESTAMP '2026-02-01' AS known_from
FROM node
ORDER BY artifact_version_id
"""
_EDGES = """
CREATE TEMP TABLE node AS
SELECT
  row_number() OVER (ORDER BY min(place), name, version) AS artifact_version_id,
  'dataset' AS kind, name, version
FROM use_
GROUP BY name, version;
INSERT INTO edge BY NAME
SELECT
  'p' || place % 16 AS producer, run_id, direction, artifact_version_id, true AS exact,
  []::VARCHAR[] AS reasons, run_id AS event_id,
  TIMESTAMP '2026-01-01' + to_seconds(place) AS event_time, TIMESTAMP '2026-02-01' AS known_from
FROM use_
JOIN node USING (name, version)
ORDER BY place
"""
_RUNS = """
INSERT INTO run_event BY NAME
SELECT DISTINCT
  run_id AS event_id, 'p' || place % 16 AS producer, run_id,
  TIMESTAMP '2026-01-01' + to_seconds(place) AS event_time,
  TIMESTAMP '2026-02-01' AS ingest_time, 'bench' AS job_namespace, 'job' AS job_name,
  'COMPLETE' AS state, 'emitter' AS origin, 'epoch' AS epoch
FROM use_
"""
_REGISTRATIONS = """
INSERT INTO registration BY NAME
SELECT
  name || version AS event_id, 'p0' AS producer, TIMESTAMP '2026-01-01' AS event_time,
  TIMESTAMP '2026-02-01' AS ingest_time, 'service' AS actor_kind, 'p0' AS actor_id,
  false AS actor_verified, 'emitter' AS origin, 'team' AS owner, false AS opaque,
  {'uri': 's3://bench/' || name || version} AS source,
  {'type': 'artifact', 'name': NULL, 'artifact': {
    'kind': kind, 'namespace': 'bench', 'name': name, 'version': version::VARCHAR, 'digest': NULL
  }} AS subject
FROM node
WHERE name IN ('source', 'wide') OR version = 0
"""
_BATCHES = """
INSERT INTO batch BY NAME
SELECT
  'p' || i % 16 AS producer, 'epoch' AS epoch, i // 16 AS batch_seq, i // 16 AS first_seq,
  64 AS event_count, sha256(i::VARCHAR) AS header_sha256, '' AS prev_header_sha256,
  '' AS merkle_root, '' AS schema_sha256, TIMESTAMP '2026-01-01' + to_seconds(i) AS created_at,
  CASE WHEN i >= (SELECT count(*) // 64 FROM run_event) THEN 4 ELSE 0 END AS flags,
  '' AS payload_type, ''::BLOB AS header, '' AS keyid, ''::BLOB AS signature, 's' AS stream,
  i AS position, TIMESTAMP '2026-02-01' AS ingest_time
FROM range((SELECT count(*) // 64 + 16 FROM run_event)) AS r(i)
"""
