-- name:    edges
-- title:   Which edges are new in this commit, and which does it close?
-- params:  ingest_time TIMESTAMP -- of the commit; null: of every commit there was
-- reads:   edge, run_now, run_fact
-- makes:   edge_new, name_new
-- why:     A commit marks what it adds with known_from and what it closes with known_to, so the
--          copies need nothing but the tables themselves.

CREATE OR REPLACE TEMP TABLE edge_new AS
WITH added AS (
  SELECT
    producer, run_id, direction, artifact_version_id, event_time, known_from, known_to,
    CASE WHEN exact THEN 0 ELSE (
      1
      + 2 * list_contains(reasons, 'version_inferred')::INTEGER
      + 4 * list_contains(reasons, 'overlapping_writes')::INTEGER
      + 8 * list_contains(reasons, 'digest_ambiguous')::INTEGER
      + 16 * list_contains(reasons, 'version_conflict')::INTEGER
      + 32 * list_contains(reasons, 'unsigned_import')::INTEGER
      + 64 * list_contains(reasons, 'too_many_candidates')::INTEGER
    ) END::UTINYINT AS reasons
  FROM edge
  WHERE known_from = coalesce($ingest_time::TIMESTAMP, known_from)
), numbered AS (
  SELECT DISTINCT run, producer, run_id FROM run_now
  UNION
  SELECT DISTINCT run, producer, run_id FROM run_fact SEMI JOIN added USING (producer, run_id)
)
SELECT run, added.* EXCLUDE (producer, run_id)
FROM added
JOIN numbered USING (producer, run_id);

CREATE OR REPLACE TEMP TABLE edge_closed AS
WITH closed AS (
  SELECT producer, run_id, direction, artifact_version_id
  FROM edge
  WHERE known_to = $ingest_time
), numbered AS (
  SELECT DISTINCT run, producer, run_id FROM run_fact SEMI JOIN closed USING (producer, run_id)
)
SELECT run, direction, artifact_version_id
FROM closed
JOIN numbered USING (producer, run_id);

UPDATE version_writer SET known_to = $ingest_time
WHERE known_to IS NULL AND (artifact_version_id, run) IN (
  SELECT (artifact_version_id, run) FROM edge_closed WHERE direction = 'output'
);
UPDATE run_output SET known_to = $ingest_time
WHERE known_to IS NULL AND (artifact_version_id, run) IN (
  SELECT (artifact_version_id, run) FROM edge_closed WHERE direction = 'output'
);
UPDATE version_reader SET known_to = $ingest_time
WHERE known_to IS NULL AND (artifact_version_id, run) IN (
  SELECT (artifact_version_id, run) FROM edge_closed WHERE direction = 'input'
);
UPDATE run_input SET known_to = $ingest_time
WHERE known_to IS NULL AND (artifact_version_id, run) IN (
  SELECT (artifact_version_id, run) FROM edge_closed WHERE direction = 'input'
);

-- Ids only grow, and a version never changes its name.
CREATE OR REPLACE TEMP TABLE name_new AS
SELECT DISTINCT md5_number_lower(namespace || '/' || name) AS name_hash, artifact_version_id
FROM artifact_version
WHERE known_from = coalesce($ingest_time::TIMESTAMP, known_from)
  AND artifact_version_id > (
    SELECT coalesce(max(artifact_version_id), 0) FROM version_name
  );

DROP TABLE edge_closed;
