-- What came since $since, and what has to be judged again because of it: temporary tables that rules
-- read. Everything here is a function of the facts and of $since alone.

-- Names that new facts speak about. With $since null: all.
CREATE OR REPLACE TEMP TABLE touched_artifact AS
WITH said AS (
  SELECT kind, namespace, name, version, digest FROM run_io WHERE $since IS NULL OR ingest_time > $since
  UNION SELECT unnest(subject.artifact) FROM registration WHERE subject.artifact IS NOT NULL AND ($since IS NULL OR ingest_time > $since)
  UNION SELECT unnest(artifact) FROM validation WHERE $since IS NULL OR ingest_time > $since
  UNION SELECT unnest(model) FROM evaluation WHERE $since IS NULL OR ingest_time > $since
  UNION SELECT unnest(artifact) FROM quarantine WHERE $since IS NULL OR ingest_time > $since
  UNION SELECT unnest(subject.artifact) FROM approval WHERE subject.artifact IS NOT NULL AND ($since IS NULL OR ingest_time > $since)
  UNION SELECT unnest(artifact) FROM promotion WHERE $since IS NULL OR ingest_time > $since
  UNION SELECT unnest(target.artifact) FROM override WHERE target.artifact IS NOT NULL AND ($since IS NULL OR ingest_time > $since)
  UNION SELECT unnest(label_set) FROM label_review WHERE $since IS NULL OR ingest_time > $since
  UNION SELECT unnest(artifact) FROM feedback WHERE $since IS NULL OR ingest_time > $since
  UNION SELECT unnest(resource.artifact) FROM access WHERE resource.artifact IS NOT NULL AND ($since IS NULL OR ingest_time > $since)
  UNION SELECT unnest(subject.artifact) FROM containment WHERE subject.artifact IS NOT NULL AND ($since IS NULL OR ingest_time > $since)
)
SELECT * FROM said WHERE kind IS NOT NULL;

-- Sources, suppliers, people, producers and so on, as TYPE:NAME.
CREATE OR REPLACE TEMP TABLE touched_other AS
WITH said AS (
  SELECT subject.type || ':' || subject.name AS scope FROM registration WHERE $since IS NULL OR ingest_time > $since
  UNION SELECT 'supplier:' || supplier.name FROM registration WHERE $since IS NULL OR ingest_time > $since
  UNION SELECT 'source:' || source.uri FROM registration WHERE $since IS NULL OR ingest_time > $since
  UNION SELECT subject.type || ':' || subject.name FROM approval WHERE $since IS NULL OR ingest_time > $since
  UNION SELECT target.type || ':' || target.name FROM override WHERE $since IS NULL OR ingest_time > $since
  UNION SELECT 'person:' || person_key(made_by) FROM override WHERE $since IS NULL OR ingest_time > $since
  UNION SELECT subject.type || ':' || subject.name FROM containment WHERE $since IS NULL OR ingest_time > $since
  UNION SELECT 'producer:' || producer FROM batch WHERE $since IS NULL OR ingest_time > $since
  UNION SELECT 'producer:' || log_key FROM reject WHERE $since IS NULL OR ingest_time > $since
  UNION SELECT 'producer:' || producer FROM finding WHERE $since IS NULL OR opened_at > $since OR closed_at > $since
)
SELECT * FROM said WHERE scope IS NOT NULL;

-- What is registered as coming from a source that somebody decided about, or that turns out to be
-- known for longer: under any of its names.
CREATE OR REPLACE TEMP TABLE source_name AS
SELECT subject.artifact AS artifact, event_time, ingest_time,
  'source:' || coalesce(source.uri, supplier.name) AS scope,
  unnest([lower(supplier.name), lower(source.publisher), lower(source.uri), source_host(source.uri)]) AS name
FROM registration
WHERE $since IS NOT NULL AND subject.artifact IS NOT NULL AND (source IS NOT NULL OR supplier IS NOT NULL);

INSERT INTO touched_artifact
WITH spoken AS (
  SELECT lower(subject.name) AS name FROM approval WHERE ingest_time > $since AND subject.name IS NOT NULL
  UNION
  SELECT name FROM source_name
  GROUP BY name
  HAVING min(event_time) FILTER (ingest_time > $since) < min(event_time) FILTER (ingest_time <= $since)
)
SELECT DISTINCT unnest(artifact) FROM source_name SEMI JOIN spoken USING (name);

INSERT INTO touched_other
SELECT scope
FROM source_name s
WHERE scope IS NOT NULL AND (s.artifact.kind, s.artifact.namespace, s.artifact.name) IN (
  SELECT (kind, namespace, name) FROM touched_artifact
)
EXCEPT SELECT scope FROM touched_other;

-- What shares content with a judging set that is registered late: equal digests, or rows of their
-- sketches. Whoever learned from it is judged again.
INSERT INTO touched_artifact
WITH late AS (
  SELECT subject.artifact.digest AS digest, profile.row_sketch AS tokens
  FROM registration
  WHERE ingest_time > $since AND role IN ('holdout', 'challenge', 'golden') AND subject.artifact IS NOT NULL
)
SELECT unnest(r.subject.artifact)
FROM registration r SEMI JOIN late ON list_has_any(r.profile.row_sketch, late.tokens)
WHERE r.subject.artifact IS NOT NULL
UNION
SELECT v.kind, v.namespace, v.name, v.version, v.digest
FROM artifact_version v SEMI JOIN late ON v.digest = late.digest
WHERE v.known_to IS NULL;

CREATE OR REPLACE TEMP TABLE touched_name AS
SELECT DISTINCT kind, namespace, name FROM touched_artifact;

-- Nodes and runs of the lineage graph at or below what was touched.
CREATE OR REPLACE TEMP TABLE affected_run AS
WITH RECURSIVE node AS (
  SELECT DISTINCT v.artifact_version_id
  FROM artifact_version v
  JOIN touched_artifact t ON is_about(t, v)
  WHERE v.known_to IS NULL
), below AS (
  SELECT producer, run_id
  FROM edge JOIN node USING (artifact_version_id)
  WHERE edge.known_to IS NULL
  UNION
  SELECT producer, run_id FROM run_event WHERE $since IS NULL OR ingest_time > $since
  UNION
  SELECT reads.producer, reads.run_id
  FROM below
  JOIN edge writes ON writes.producer = below.producer AND writes.run_id = below.run_id
    AND writes.direction = 'output' AND writes.known_to IS NULL
  JOIN edge reads ON reads.artifact_version_id = writes.artifact_version_id
    AND reads.direction = 'input' AND reads.known_to IS NULL
)
SELECT DISTINCT producer, run_id FROM below;

-- When practices began: until something was ever validated or approved, its absence says nothing.
-- If that moment moved, all runs are judged again.
CREATE OR REPLACE TEMP TABLE practice AS
SELECT
  (SELECT min(event_time) FROM validation) AS validates_since,
  (SELECT min(event_time) FROM validation WHERE ingest_time <= $since) AS validates_since_before;

INSERT INTO affected_run
SELECT DISTINCT producer, run_id FROM run_event
WHERE $since IS NOT NULL
  AND (SELECT validates_since IS DISTINCT FROM validates_since_before FROM practice)
EXCEPT SELECT producer, run_id FROM affected_run;

-- Runs that are compared with something earlier which came late: earlier runs of their job, earlier
-- approvals of what they read.
INSERT INTO affected_run
SELECT r.producer, r.run_id
FROM run_event r
JOIN (
  SELECT producer, job_namespace, job_name, min(event_time) AS earliest
  FROM run_event WHERE ingest_time > $since
  GROUP BY ALL
) late USING (producer, job_namespace, job_name)
WHERE r.ingest_time <= $since AND r.event_time > late.earliest
UNION
SELECT io.producer, io.run_id
FROM run_io io
JOIN (
  SELECT subject.artifact.kind AS kind, subject.artifact.namespace AS namespace,
    subject.artifact.name AS name, min(event_time) AS earliest
  FROM approval WHERE ingest_time > $since AND subject.artifact IS NOT NULL
  GROUP BY ALL
) late USING (kind, namespace, name)
WHERE io.direction = 'input' AND io.ingest_time <= $since AND io.event_time > late.earliest
EXCEPT SELECT producer, run_id FROM affected_run;

-- Names at or above, and at or below, what was touched: for rules whose subject lies further off.
CREATE OR REPLACE TEMP TABLE touched_upstream AS
WITH RECURSIVE run AS (
  SELECT edge.producer, edge.run_id
  FROM edge
  JOIN artifact_version v USING (artifact_version_id)
  JOIN touched_artifact t ON is_about(t, v)
  WHERE edge.known_to IS NULL AND $since IS NOT NULL
  UNION
  SELECT producer, run_id FROM run_event WHERE $since IS NOT NULL AND ingest_time > $since
  UNION
  SELECT writes.producer, writes.run_id
  FROM run
  JOIN edge reads ON reads.producer = run.producer AND reads.run_id = run.run_id
    AND reads.direction = 'input' AND reads.known_to IS NULL
  JOIN edge writes ON writes.artifact_version_id = reads.artifact_version_id
    AND writes.direction = 'output' AND writes.known_to IS NULL
)
SELECT artifact_scope(v) AS scope
FROM artifact_version v
WHERE v.known_to IS NULL AND ($since IS NULL OR v.artifact_version_id IN (
  SELECT edge.artifact_version_id FROM edge JOIN run USING (producer, run_id) WHERE edge.known_to IS NULL
))
UNION SELECT kind || ':' || namespace || '/' || name FROM touched_name;

CREATE OR REPLACE TEMP TABLE touched_downstream AS
SELECT artifact_scope(v) AS scope
FROM artifact_version v
JOIN edge USING (artifact_version_id)
JOIN affected_run ON affected_run.producer = edge.producer AND affected_run.run_id = edge.run_id
WHERE edge.direction = 'output' AND edge.known_to IS NULL AND v.known_to IS NULL
UNION SELECT kind || ':' || namespace || '/' || name FROM touched_name;

-- The training runs among them: what makes a model, or says that it trains. In parts, since the
-- ancestry of all of them at once would not fit into memory.
CREATE OR REPLACE TEMP TABLE training_run AS
WITH trains AS (
  SELECT DISTINCT producer, run_id
  FROM run_event SEMI JOIN affected_run USING (producer, run_id)
  WHERE lower(stage) IN ('train', 'training', 'retrain', 'retraining', 'fine-tune', 'fine_tune', 'finetune', 'fit')
  UNION
  SELECT DISTINCT producer, run_id
  FROM run_io SEMI JOIN affected_run USING (producer, run_id)
  WHERE direction = 'output' AND is_model(kind)
)
SELECT producer, run_id, (row_number() OVER (ORDER BY producer, run_id) - 1) // 500 AS part FROM trains;

-- Every scope that is judged now: alerts of a rule in one of these that are not found any more go.
CREATE OR REPLACE TEMP TABLE touched AS
SELECT DISTINCT kind || ':' || namespace || '/' || name AS scope FROM touched_name
UNION SELECT scope FROM touched_other
UNION SELECT 'run:' || producer || '/' || run_id FROM affected_run;

-- Tables that have new rows: rules that read none of them are not run.
CREATE OR REPLACE TEMP TABLE fresh AS
SELECT name FROM (
  SELECT 'run_event' AS name, EXISTS (FROM run_event WHERE $since IS NULL OR ingest_time > $since) AS has
  UNION ALL SELECT 'run_io', EXISTS (FROM run_io WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'event', EXISTS (FROM event WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'batch', EXISTS (FROM batch WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'reject', EXISTS (FROM reject WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'finding', EXISTS (FROM finding WHERE $since IS NULL OR opened_at > $since OR closed_at > $since)
  UNION ALL SELECT 'registration', EXISTS (FROM registration WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'validation', EXISTS (FROM validation WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'evaluation', EXISTS (FROM evaluation WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'quarantine', EXISTS (FROM quarantine WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'approval', EXISTS (FROM approval WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'promotion', EXISTS (FROM promotion WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'override', EXISTS (FROM override WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'label_review', EXISTS (FROM label_review WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'feedback', EXISTS (FROM feedback WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'access', EXISTS (FROM access WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'containment', EXISTS (FROM containment WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'incident', EXISTS (FROM incident WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'verdict', EXISTS (FROM verdict WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'key_change', EXISTS (FROM key_change WHERE $since IS NULL OR ingest_time > $since)
  UNION ALL SELECT 'erasure', EXISTS (FROM erasure WHERE $since IS NULL OR ingest_time > $since)
) WHERE has;
