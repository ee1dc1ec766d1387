-- name:    graph
-- title:   What do the nodes and edges of the touched names look like now?
-- reads:   touched_name, part, again, kept_unknown, run_span, fact, node, meaning, made_node, guess,
--          artifact_version
-- makes:   node_now, edge_now
-- why:     A node keeps its surrogate id for as long as this store lives, even when it was
--          closed in between: the id belongs to its natural key.

CREATE OR REPLACE TEMP TABLE node_now AS
-- A fact names the nodes it means, and the very version and digest it gives. An input found by
-- time names nothing, unless nothing else is known of what it read.
WITH naming AS (
  SELECT node, event_time FROM meaning JOIN fact USING (fact)
  UNION ALL
  SELECT node, event_time FROM fact JOIN node USING (name_id, version, digest)
  UNION ALL
  SELECT node, event_time FROM guess JOIN fact USING (fact) WHERE nothing_known
  UNION ALL
  SELECT node, event_time
  FROM kept_unknown
  JOIN node USING (name_id)
  WHERE version IS NULL AND digest IS NULL AND run IS NULL
), appearance AS (
  SELECT node, min(event_time) AS appeared_at FROM naming GROUP BY node
), described AS MATERIALIZED (
  SELECT
    node, node.name_id, how = 'whole' OR coalesce(part.changed, false) AS of_all_runs,
    kind, namespace, name, node.version, node.digest, producer, run_id,
    made_node.node IS NOT NULL AS made, conflict, appeared_at
  FROM node
  JOIN touched_name USING (name_id)
  JOIN appearance USING (node)
  LEFT JOIN run_span USING (run)
  LEFT JOIN made_node USING (node)
  LEFT JOIN part
    ON node.name_id = part.name_id
    AND node.version IS NOT DISTINCT FROM part.version
    AND node.digest IS NOT DISTINCT FROM part.digest
), known AS (
  SELECT DISTINCT node, artifact_version_id
  FROM artifact_version
  JOIN described
    ON described.kind = artifact_version.kind
    AND described.namespace = artifact_version.namespace
    AND described.name = artifact_version.name
    AND described.version IS NOT DISTINCT FROM artifact_version.version
    AND described.digest IS NOT DISTINCT FROM artifact_version.digest
    AND described.producer IS NOT DISTINCT FROM artifact_version.producer
    AND described.run_id IS NOT DISTINCT FROM artifact_version.run_id
), highest AS (
  SELECT coalesce(max(artifact_version_id), 0) AS id FROM artifact_version
)
SELECT
  coalesce(
    artifact_version_id,
    highest.id + row_number() OVER (
      PARTITION BY artifact_version_id IS NULL
      ORDER BY
        described.kind, described.namespace, described.name,
        described.version, described.digest, described.producer, described.run_id
    )
  ) AS artifact_version_id,
  described.*
FROM described
CROSS JOIN highest
LEFT JOIN known USING (node);

-- One edge per run, direction and node: exact if any fact says it exactly, else with the
-- reasons of all. Only facts of the better kind give its event and its time.
CREATE OR REPLACE TEMP TABLE edge_now AS
WITH stated AS (
  SELECT
    fact, node, event_time,
    [
      reason,
      CASE WHEN imported THEN 'unsigned_import' END,
      CASE WHEN crowded THEN 'too_many_candidates' END
    ] AS reasons
  FROM meaning
  JOIN fact USING (fact)
  WHERE direction <> 'registration'
  UNION ALL
  SELECT
    fact, node, greatest(event_time, appeared_at),
    [
      'version_inferred',
      CASE WHEN overlapping THEN 'overlapping_writes' END,
      CASE WHEN crowded THEN 'too_many_candidates' END,
      CASE WHEN imported THEN 'unsigned_import' END
    ]
  FROM guess
  JOIN fact USING (fact)
  JOIN node_now USING (node)
), judged AS (
  SELECT
    run, direction, node, event_id, stated.event_time,
    list_filter(reasons, lambda reason: reason IS NOT NULL) AS reasons
  FROM stated
  JOIN fact USING (fact)
), better AS (
  SELECT *, len(reasons) = 0 AS exact
  FROM judged
  QUALIFY exact OR NOT bool_or(exact) OVER (PARTITION BY run, direction, node)
)
SELECT
  run_span.producer, run_span.run_id, direction, artifact_version_id,
  bool_or(exact) AS exact,
  list_sort(list_distinct(flatten(list(reasons)))) AS reasons,
  min(event_id) AS event_id,
  min(event_time) AS event_time
FROM better
JOIN run_span USING (run)
JOIN node_now USING (node)
WHERE of_all_runs
  OR (name_id, run_span.producer, run_span.run_id) IN (
    SELECT (name_id, producer, run_id) FROM again
  )
GROUP BY run_span.producer, run_span.run_id, direction, artifact_version_id;
