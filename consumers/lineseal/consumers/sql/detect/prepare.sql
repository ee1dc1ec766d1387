-- What came after $since, and what has to be judged again because of it: temporary tables that rules
-- read. Everything here is a function of the facts and of $since alone.
--
-- Each row says through which kind of fact it is touched, and a rule is shown the rows of the kinds
-- it reads ($rule_reads, a variable): a read of an artifact makes nobody judge its approvals again.

CREATE OR REPLACE TEMP TABLE touched_artifact AS
WITH said AS (
  SELECT 'run_io' AS fact, kind, namespace, name, version, digest FROM run_io WHERE ingest_time > $since
  UNION SELECT 'run_event', kind, namespace, name, version, digest
  FROM run_io SEMI JOIN (FROM run_event WHERE ingest_time > $since) USING (producer, run_id) WHERE direction = 'output'
  UNION SELECT 'registration', unnest(subject.artifact) FROM registration WHERE subject.artifact IS NOT NULL AND ingest_time > $since
  UNION SELECT 'validation', unnest(artifact) FROM validation WHERE ingest_time > $since
  UNION SELECT 'evaluation', unnest(model) FROM evaluation WHERE ingest_time > $since
  UNION SELECT 'quarantine', unnest(artifact) FROM quarantine WHERE ingest_time > $since
  UNION SELECT 'approval', unnest(subject.artifact) FROM approval WHERE subject.artifact IS NOT NULL AND ingest_time > $since
  UNION SELECT 'promotion', unnest(artifact) FROM promotion WHERE ingest_time > $since
  UNION SELECT 'override', unnest(target.artifact) FROM override WHERE target.artifact IS NOT NULL AND ingest_time > $since
  UNION SELECT 'label_review', unnest(label_set) FROM label_review WHERE ingest_time > $since
  UNION SELECT 'feedback', unnest(artifact) FROM feedback WHERE ingest_time > $since
  UNION SELECT 'access', unnest(resource.artifact) FROM access WHERE resource.artifact IS NOT NULL AND ingest_time > $since
  UNION SELECT 'containment', unnest(subject.artifact) FROM containment WHERE subject.artifact IS NOT NULL AND ingest_time > $since
)
SELECT * FROM said WHERE kind IS NOT NULL;

-- Sources, suppliers, people, producers and so on, as TYPE:NAME.
CREATE OR REPLACE TEMP TABLE touched_other AS
WITH said AS (
  SELECT 'registration' AS fact, unnest([subject.type || ':' || subject.name, 'supplier:' || supplier.name, 'source:' || source.uri]) AS scope
  FROM registration WHERE ingest_time > $since
  UNION SELECT 'approval', subject.type || ':' || subject.name FROM approval WHERE ingest_time > $since
  UNION SELECT 'override', unnest([target.type || ':' || target.name, 'person:' || person_key(made_by)]) FROM override WHERE ingest_time > $since
  UNION SELECT 'feedback', 'feedback_channel:' || channel FROM feedback WHERE ingest_time > $since
  UNION SELECT 'containment', subject.type || ':' || subject.name FROM containment WHERE ingest_time > $since
  UNION SELECT 'batch', 'producer:' || producer FROM batch WHERE ingest_time > $since
  UNION SELECT 'reject', 'producer:' || log_key FROM reject WHERE ingest_time > $since
  UNION SELECT 'finding', 'producer:' || producer FROM finding WHERE opened_at > $since OR closed_at > $since
)
SELECT * FROM said WHERE scope IS NOT NULL;

-- What is registered as coming from a source that somebody decided about, or that turns out to be
-- known for longer: under any of its names.
CREATE OR REPLACE TEMP TABLE source_name AS
SELECT subject.artifact AS artifact, event_time, ingest_time,
  coalesce('source:' || coalesce(source.uri, supplier.name), subject_ref(subject)) AS scope,
  unnest([lower(supplier.name), lower(source.publisher), lower(source.uri), source_host(source.uri), lower(subject.name)]) AS name
FROM registration
WHERE source IS NOT NULL OR supplier IS NOT NULL OR subject.type = 'source';

CREATE OR REPLACE TEMP TABLE touched_source AS
SELECT DISTINCT 'approval' AS fact, lower(subject.name) AS name FROM approval WHERE ingest_time > $since AND subject.name IS NOT NULL
UNION
SELECT 'registration', name FROM source_name
GROUP BY name
HAVING min(event_time) FILTER (ingest_time > $since) < min(event_time) FILTER (ingest_time <= $since);

INSERT INTO touched_artifact
SELECT DISTINCT fact, unnest(artifact) FROM source_name JOIN touched_source USING (name) WHERE artifact IS NOT NULL;

INSERT INTO touched_other
SELECT DISTINCT fact, scope FROM source_name JOIN touched_source USING (name)
UNION
SELECT DISTINCT t.fact, s.scope
FROM source_name s
JOIN touched_artifact t ON t.kind = s.artifact.kind AND t.namespace = s.artifact.namespace AND t.name = s.artifact.name
WHERE t.fact IN ('registration', 'approval');

-- What shares content with a judging set that is registered late: equal digests, or rows of their
-- sketches; and what was made by a model that is only known now. Whoever learned from it is judged again.
INSERT INTO touched_artifact
WITH late AS (
  SELECT subject.artifact.digest AS digest, profile.row_sketch AS tokens
  FROM registration
  WHERE ingest_time > $since AND role IN ('holdout', 'challenge', 'golden') AND subject.artifact IS NOT NULL
)
SELECT 'registration', unnest(r.subject.artifact)
FROM registration r SEMI JOIN late ON list_has_any(r.profile.row_sketch, late.tokens)
WHERE r.subject.artifact IS NOT NULL
UNION
SELECT 'registration', v.kind, v.namespace, v.name, v.version, v.digest
FROM artifact_version v SEMI JOIN late ON v.digest = late.digest
WHERE v.known_to IS NULL
UNION
SELECT 'registration', unnest(r.subject.artifact)
FROM registration r
SEMI JOIN (FROM artifact_version WHERE known_from > $since) v ON v.digest = r.acquisition.generator_digest
WHERE r.subject.artifact IS NOT NULL;

-- Edges of the lineage graph that came or went.
CREATE OR REPLACE TEMP TABLE moved_edge AS
SELECT DISTINCT producer, run_id, artifact_version_id FROM edge WHERE known_from > $since OR known_to > $since;

INSERT INTO touched_artifact
SELECT DISTINCT 'run_io', v.kind, v.namespace, v.name, v.version, v.digest
FROM artifact_version v SEMI JOIN moved_edge USING (artifact_version_id)
EXCEPT FROM touched_artifact;

CREATE OR REPLACE TEMP VIEW touched_artifact_name AS
SELECT DISTINCT kind, namespace, name FROM touched_artifact WHERE list_contains(getvariable('rule_reads'), fact);

-- Artifact versions that were spoken about. Uses are not: what a use changes is its run and what lies
-- below that; nor is access, which changes nothing below.
CREATE OR REPLACE TEMP TABLE touched_node AS
SELECT DISTINCT t.fact, v.artifact_version_id
FROM artifact_version v
JOIN touched_artifact t ON is_about(t, v)
WHERE t.fact NOT IN ('run_io', 'run_event', 'access') AND list_contains($facts, t.fact) AND (v.known_to IS NULL OR v.known_to > $since);

-- Runs at or below what was touched. Edges that went count: what lay below them has changed.
CREATE OR REPLACE TEMP TABLE affected AS
WITH RECURSIVE below AS (
  SELECT node.fact, edge.producer, edge.run_id
  FROM edge JOIN touched_node node USING (artifact_version_id)
  WHERE edge.known_to IS NULL OR edge.known_to > $since
  UNION
  SELECT 'run_io', producer, run_id FROM moved_edge
  UNION
  SELECT below.fact, reads.producer, reads.run_id
  FROM below
  JOIN edge writes ON writes.producer = below.producer AND writes.run_id = below.run_id
    AND writes.direction = 'output' AND (writes.known_to IS NULL OR writes.known_to > $since)
  JOIN edge reads ON reads.artifact_version_id = writes.artifact_version_id
    AND reads.direction = 'input' AND (reads.known_to IS NULL OR reads.known_to > $since)
)
SELECT fact, producer, run_id FROM below
UNION SELECT 'run_io', producer, run_id FROM run_io WHERE ingest_time > $since
UNION SELECT 'run_event', producer, run_id FROM run_event WHERE ingest_time > $since;

-- When practices began: until something was ever validated, or data of a kind approved, its absence says
-- nothing. If that moment moved, all runs that it may concern are judged again.
CREATE OR REPLACE TEMP TABLE practice AS
SELECT
  (SELECT min(event_time) FROM validation) AS validates_since,
  (SELECT min(event_time) FROM validation WHERE ingest_time <= $since) AS validates_since_before;

CREATE OR REPLACE TEMP TABLE approval_practice AS
SELECT subject.artifact.kind AS kind, min(event_time) AS since,
  min(event_time) FILTER (ingest_time <= $since) AS since_before
FROM sound_approval
WHERE gate IN ('dataset', 'training') AND is_data(subject.artifact.kind)
GROUP BY ALL;

-- Runs that are compared with earlier runs of their job, which came late; and runs in whose time their
-- principal is seen to have read something.
INSERT INTO affected
SELECT DISTINCT 'validation', producer, run_id FROM run_event
WHERE (SELECT validates_since IS DISTINCT FROM validates_since_before FROM practice)
UNION
SELECT DISTINCT 'approval', producer, run_id
FROM run_io SEMI JOIN (FROM approval_practice WHERE since IS DISTINCT FROM since_before) USING (kind)
WHERE direction = 'input'
UNION
SELECT 'run_event', r.producer, r.run_id
FROM run_event r
JOIN (
  SELECT producer, job_namespace, job_name, min(event_time) AS earliest
  FROM run_event WHERE ingest_time > $since
  GROUP BY ALL
) late USING (producer, job_namespace, job_name)
WHERE r.ingest_time <= $since AND r.event_time > late.earliest
UNION
SELECT 'access', r.producer, r.run_id
FROM (
  SELECT DISTINCT lower(principal) AS who, event_time FROM access
  WHERE ingest_time > $since AND action = 'read' AND outcome = 'allowed'
) x
JOIN (
  SELECT producer, run_id, unnest(list_distinct([lower(producer), lower(run_id), lower(any_value(job_namespace || '/' || job_name))])) AS who,
    min(event_time) AS started_at, max(event_time) AS ended_at
  FROM run_event
  GROUP BY producer, run_id
) r USING (who)
WHERE x.event_time BETWEEN r.started_at AND r.ended_at
EXCEPT FROM affected;

CREATE OR REPLACE TEMP VIEW affected_run AS
SELECT DISTINCT producer, run_id FROM affected WHERE list_contains(getvariable('rule_reads'), fact);

-- Names at or above, and at or below, what was touched: for rules whose subject lies further off.
CREATE OR REPLACE TEMP TABLE upstream_scope AS
WITH RECURSIVE run AS (
  SELECT node.fact, edge.producer, edge.run_id
  FROM edge JOIN touched_node node USING (artifact_version_id)
  WHERE edge.direction = 'output' AND (edge.known_to IS NULL OR edge.known_to > $since) AND $upstream
  UNION
  SELECT 'run_io', producer, run_id FROM moved_edge WHERE $upstream
  UNION
  SELECT 'run_event', producer, run_id FROM run_event WHERE ingest_time > $since AND $upstream
  UNION
  SELECT run.fact, writes.producer, writes.run_id
  FROM run
  JOIN edge reads ON reads.producer = run.producer AND reads.run_id = run.run_id
    AND reads.direction = 'input' AND (reads.known_to IS NULL OR reads.known_to > $since)
  JOIN edge writes ON writes.artifact_version_id = reads.artifact_version_id
    AND writes.direction = 'output' AND (writes.known_to IS NULL OR writes.known_to > $since)
)
SELECT DISTINCT run.fact, artifact_scope(v) AS scope
FROM run
JOIN edge USING (producer, run_id)
JOIN artifact_version v USING (artifact_version_id)
WHERE edge.known_to IS NULL OR edge.known_to > $since;

CREATE OR REPLACE TEMP TABLE name_scope AS
SELECT DISTINCT fact, kind || ':' || namespace || '/' || name AS scope FROM touched_artifact;

CREATE OR REPLACE TEMP VIEW touched_upstream AS
SELECT scope FROM (FROM upstream_scope UNION ALL FROM name_scope) WHERE list_contains(getvariable('rule_reads'), fact);

CREATE OR REPLACE TEMP TABLE downstream_scope AS
SELECT DISTINCT affected.fact, artifact_scope(v) AS scope
FROM affected
JOIN edge USING (producer, run_id)
JOIN artifact_version v USING (artifact_version_id)
WHERE edge.direction = 'output' AND (edge.known_to IS NULL OR edge.known_to > $since);

CREATE OR REPLACE TEMP VIEW touched_downstream AS
SELECT scope FROM (FROM downstream_scope UNION ALL FROM name_scope) WHERE list_contains(getvariable('rule_reads'), fact);

-- Every scope that is judged now: what a rule found in one of these and finds no more goes.
CREATE OR REPLACE TEMP TABLE touched_scope AS
FROM name_scope
UNION ALL SELECT fact, scope FROM touched_other
UNION ALL SELECT fact, 'run:' || producer || '/' || run_id FROM affected;

CREATE OR REPLACE TEMP VIEW touched AS
SELECT scope FROM touched_scope WHERE list_contains(getvariable('rule_reads'), fact);

-- The same by the table a rule judges by.
CREATE OR REPLACE TEMP VIEW judged_scope AS
SELECT 'touched' AS judges, fact, scope FROM touched_scope
UNION ALL SELECT 'touched_upstream', fact, scope FROM upstream_scope
UNION ALL SELECT 'touched_downstream', fact, scope FROM downstream_scope
UNION ALL SELECT unnest(['touched_upstream', 'touched_downstream']), fact, scope FROM name_scope;

-- The training runs that rules which learn about them have to judge: what makes a model, or says that
-- it trains. In parts, since the ancestry of all of them at once would not fit into memory.
CREATE OR REPLACE TEMP TABLE training_run AS
WITH judged AS (
  SELECT DISTINCT producer, run_id FROM affected WHERE list_contains($learned, fact)
), trains AS (
  SELECT DISTINCT producer, run_id
  FROM run_event SEMI JOIN judged USING (producer, run_id)
  WHERE lower(stage) IN ('train', 'training', 'retrain', 'retraining', 'fine-tune', 'fine_tune', 'finetune', 'fit')
  UNION
  SELECT DISTINCT producer, run_id
  FROM run_io SEMI JOIN judged USING (producer, run_id)
  WHERE direction = 'output' AND is_model(kind)
)
SELECT producer, run_id, (row_number() OVER (ORDER BY producer, run_id) - 1) // 500 AS part FROM trains;
