-- name:    record
-- title:   What must the stored graph forget, and what is new in it?
-- params:  ingest_time TIMESTAMP -- of the commit: when the change became known
-- reads:   touched_name, node_now, edge_now
-- writes:  artifact_version, edge
-- why:     Rows are closed, never changed or deleted: known_from and known_to make
--          "what could we have seen then" a filter (ADR-0004, "Time travel").

CREATE OR REPLACE TEMP TABLE open_node AS
SELECT artifact_version.rowid AS row_id, artifact_version.*
FROM artifact_version
SEMI JOIN touched_name USING (kind, namespace, name)
WHERE known_to IS NULL;

CREATE OR REPLACE TEMP TABLE open_edge AS
SELECT edge.rowid AS row_id, edge.*
FROM edge
SEMI JOIN open_node USING (artifact_version_id)
WHERE known_to IS NULL;

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
SELECT node_now.* EXCLUDE (node), $ingest_time AS known_from, NULL AS known_to
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
DROP TABLE touched_name;
