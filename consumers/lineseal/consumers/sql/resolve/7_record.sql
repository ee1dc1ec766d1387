-- name:    record
-- title:   What must the stored graph forget, and what is new in it?
-- params:  ingest_time TIMESTAMP -- of the commit: when the change became known
-- reads:   touched_name, part, again, node_now, edge_now
-- writes:  artifact_version, edge
-- why:     Rows are closed, never changed or deleted: known_from and known_to make
--          "what could we have seen then" a filter (ADR-0004, "Time travel").

-- What was resolved again is all there is now of these nodes, and of their edges: those of the
-- runs whose edges are made again, or of all runs.
CREATE OR REPLACE TEMP TABLE open_node AS
SELECT
  artifact_version.rowid AS row_id, artifact_version.*, touched_name.name_id,
  how = 'whole' OR coalesce(changed, false) AS of_all_runs
FROM artifact_version
JOIN touched_name USING (kind, namespace, name)
LEFT JOIN part
  ON part.name_id = touched_name.name_id
  AND part.version IS NOT DISTINCT FROM artifact_version.version
  AND part.digest IS NOT DISTINCT FROM artifact_version.digest
WHERE known_to IS NULL AND (
  how <> 'parts' OR part.name_id IS NOT NULL
  -- a run may be a node's identity no more
  OR (touched_name.name_id, producer, run_id) IN (SELECT (name_id, producer, run_id) FROM again)
);

CREATE OR REPLACE TEMP TABLE open_edge AS
SELECT edge.rowid AS row_id, edge.*
FROM edge
JOIN (SELECT artifact_version_id, name_id, of_all_runs FROM open_node) AS open_node
  USING (artifact_version_id)
WHERE known_to IS NULL AND (
  of_all_runs OR (name_id, producer, run_id) IN (SELECT (name_id, producer, run_id) FROM again)
);

UPDATE artifact_version SET known_to = $ingest_time
WHERE rowid IN (
  SELECT row_id
  FROM open_node
  ANTI JOIN node_now USING (artifact_version_id, made, conflict, appeared_at)
);

UPDATE edge SET known_to = $ingest_time
WHERE rowid IN (
  SELECT row_id
  FROM open_edge
  ANTI JOIN edge_now USING (
    producer, run_id, direction, artifact_version_id, exact, reasons, event_id, event_time
  )
);

INSERT INTO artifact_version BY NAME
SELECT node_now.* EXCLUDE (node, name_id, of_all_runs), $ingest_time AS known_from, NULL AS known_to
FROM node_now
ANTI JOIN open_node USING (artifact_version_id, made, conflict, appeared_at)
ORDER BY artifact_version_id;

INSERT INTO edge BY NAME
SELECT edge_now.*, $ingest_time AS known_from, NULL AS known_to
FROM edge_now
ANTI JOIN open_edge USING (
  producer, run_id, direction, artifact_version_id, exact, reasons, event_id, event_time
)
ORDER BY artifact_version_id;

DROP TABLE open_edge;
DROP TABLE open_node;
DROP TABLE edge_now;
DROP TABLE node_now;
DROP TABLE guess;
DROP TABLE made_node;
DROP TABLE meaning;
DROP TABLE node;
DROP TABLE fact;
DROP TABLE run_span;
DROP TABLE kept_unknown;
DROP TABLE part;
DROP TABLE touched_name;
DROP TABLE again;
