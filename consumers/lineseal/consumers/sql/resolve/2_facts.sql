-- name:    facts
-- title:   Which facts have to be read again because of this commit?
-- reads:   touched_name, again_io, part, saying, run_io, run_event, registration
-- makes:   run_span, fact
-- why:     A fact without run stands for all facts that say the same: it shows which nodes there
--          are, which are made and since when, and makes no edge. Registrations are such anyway.

CREATE OR REPLACE TEMP TABLE said AS
-- all of a name
SELECT
  name_id, direction, producer, run_id, version, digest,
  origin = 'import' AS imported, origin <> 'emitter' AS in_instalments, event_id, event_time
FROM run_io
JOIN (FROM touched_name WHERE how = 'whole') USING (kind, namespace, name)
UNION ALL
SELECT
  name_id, 'registration', NULL, NULL, subject.artifact.version, subject.artifact.digest,
  origin = 'import', false, event_id, event_time
FROM registration
JOIN (FROM touched_name WHERE how <> 'parts') AS touched_name
  ON subject.artifact.kind = touched_name.kind
  AND subject.artifact.namespace = touched_name.namespace
  AND subject.artifact.name = touched_name.name
WHERE subject.artifact.version IS NOT NULL OR subject.artifact.digest IS NOT NULL
UNION ALL
-- the runs whose edges are made again
SELECT
  name_id, direction, producer, run_id, version, digest, origin = 'import', origin <> 'emitter',
  event_id, event_time
FROM again_io
JOIN (FROM touched_name WHERE how <> 'whole') USING (kind, namespace, name)
UNION ALL
-- all who speak of a part with a new saying; what is said in the others
SELECT
  name_id, direction, producer, run_id, run_io.version, run_io.digest, origin = 'import', false,
  event_id, event_time
FROM run_io
JOIN (
  SELECT kind, namespace, name, part.*
  FROM part
  JOIN touched_name USING (name_id)
  WHERE how <> 'whole' AND changed
) AS part
  ON run_io.kind = part.kind AND run_io.namespace = part.namespace AND run_io.name = part.name
  AND run_io.version IS NOT DISTINCT FROM part.version
  AND run_io.digest IS NOT DISTINCT FROM part.digest
UNION ALL
SELECT
  name_id, direction, NULL, NULL, version, digest, imported, false, event_id, event_time
FROM saying
JOIN touched_name USING (name_id)
WHERE how = 'parts'
UNION ALL
-- all who wrote what may have been read by time; what else is said of it
SELECT
  name_id, direction, producer, run_id, version, digest, origin = 'import', origin <> 'emitter',
  event_id, event_time
FROM run_io
JOIN (FROM touched_name WHERE how = 'reads') USING (kind, namespace, name)
WHERE direction = 'output'
UNION ALL
SELECT
  name_id, direction, NULL, NULL, version, digest, false, false, min(event_id), min(event_time)
FROM run_io
JOIN (FROM touched_name WHERE how = 'reads') USING (kind, namespace, name)
WHERE direction = 'input' AND (version IS NOT NULL OR digest IS NOT NULL)
GROUP BY name_id, direction, version, digest;

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
DROP TABLE saying;
DROP TABLE again_io;
