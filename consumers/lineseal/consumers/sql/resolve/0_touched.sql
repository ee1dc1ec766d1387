-- name:    touched
-- title:   Which names does this commit touch, and what do its runs say of them?
-- params:  ingest_time TIMESTAMP -- the commit's; its rows are already inserted
-- reads:   run_event, run_io, registration
-- makes:   again_io, new_registration, touched_name
-- why:     The graph of one artifact name depends on the facts about that name and on the
--          intervals of the runs that read or wrote it, and on nothing else (ADR-0004). So only
--          names can change that new rows mention, and those of every run that got a new event,
--          whose interval may have grown.

-- A run with a new event: it may say more, and its interval may have grown.
CREATE OR REPLACE TEMP TABLE again_io AS
SELECT
  kind, namespace, name, direction, producer, run_id, version, digest, origin, event_id, event_time
FROM run_io
SEMI JOIN (
  SELECT DISTINCT producer, run_id FROM run_event WHERE ingest_time = $ingest_time
) AS grown_run
  USING (producer, run_id);

-- Without version and digest a registration names no artifact version.
CREATE OR REPLACE TEMP TABLE new_registration AS
SELECT
  subject.artifact.kind AS kind, subject.artifact.namespace AS namespace,
  subject.artifact.name AS name, subject.artifact.version AS version,
  subject.artifact.digest AS digest
FROM registration
WHERE ingest_time = $ingest_time
  AND (subject.artifact.version IS NOT NULL OR subject.artifact.digest IS NOT NULL);

CREATE OR REPLACE TEMP TABLE touched_name AS
WITH mentioned AS (
  SELECT kind, namespace, name FROM again_io
  UNION
  SELECT kind, namespace, name FROM new_registration
)
SELECT row_number() OVER (ORDER BY kind, namespace, name) AS name_id, *, 'whole' AS how
FROM mentioned;
