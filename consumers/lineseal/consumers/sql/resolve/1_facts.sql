-- name:    facts
-- title:   Which facts must be read again because of this commit?
-- params:  ingest_time TIMESTAMP -- the commit's; its rows are already inserted
-- makes:   touched_name, run_span, fact
-- why:     The graph of one artifact name depends on every fact about that name and on the
--          intervals of the runs that read or wrote it, and on nothing else (ADR-0004). So it is
--          enough to compute again the names that new rows mention and those of every run that
--          got a new event, whose interval may have grown.

CREATE OR REPLACE TEMP TABLE touched_name AS
WITH grown_run AS (
  SELECT DISTINCT producer, run_id FROM run_event WHERE ingest_time = $ingest_time
), mentioned AS (
  SELECT kind, namespace, name FROM run_io SEMI JOIN grown_run USING (producer, run_id)
  UNION
  SELECT subject.artifact.kind, subject.artifact.namespace, subject.artifact.name
  FROM registration
  WHERE ingest_time = $ingest_time AND (
    subject.artifact.version IS NOT NULL OR subject.artifact.digest IS NOT NULL
  )
)
SELECT row_number() OVER (ORDER BY kind, namespace, name) AS name_id, kind, namespace, name
FROM mentioned;

-- A registration speaks for no run. Without version and digest it names no artifact version.
CREATE OR REPLACE TEMP TABLE said AS
SELECT
  name_id, direction, producer, run_id, version, digest,
  origin = 'import' AS imported, origin <> 'emitter' AS in_instalments, event_id, event_time
FROM run_io
JOIN touched_name USING (kind, namespace, name)
UNION ALL
SELECT
  name_id, 'registration', NULL, NULL, subject.artifact.version, subject.artifact.digest,
  origin = 'import', false, event_id, event_time
FROM registration
JOIN touched_name
  ON subject.artifact.kind = touched_name.kind
  AND subject.artifact.namespace = touched_name.namespace
  AND subject.artifact.name = touched_name.name
WHERE subject.artifact.version IS NOT NULL OR subject.artifact.digest IS NOT NULL;

-- What other systems tell of a run comes in instalments (ADR-0004): one event names the data set,
-- another one its version. The one without says nothing then.
DELETE FROM said
WHERE in_instalments AND version IS NULL AND digest IS NULL
  AND (name_id, direction, producer, run_id) IN (
    SELECT (name_id, direction, producer, run_id) FROM said
    WHERE version IS NOT NULL OR digest IS NOT NULL
  );

-- A run's interval: from its earliest to its latest event, both included.
CREATE OR REPLACE TEMP TABLE run_span AS
WITH span AS (
  SELECT producer, run_id, min(event_time) AS starts, max(event_time) AS ends
  FROM run_event
  SEMI JOIN said USING (producer, run_id)
  GROUP BY producer, run_id
)
SELECT row_number() OVER (ORDER BY producer, run_id) AS run, * FROM span;

-- Saying the same twice (START and COMPLETE, a retry) is one fact.
CREATE OR REPLACE TEMP TABLE fact AS
WITH distinct_fact AS (
  SELECT
    name_id, direction, run, version, digest, imported,
    min(event_id) AS event_id, min(event_time) AS event_time
  FROM said
  LEFT JOIN run_span USING (producer, run_id)
  GROUP BY name_id, direction, run, version, digest, imported
)
SELECT row_number() OVER () AS fact, * FROM distinct_fact;

DROP TABLE said;
