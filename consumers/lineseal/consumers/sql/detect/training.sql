-- Training runs of one $part of training_run, what they made and what they learned from: temporary tables,
-- of which a rule is shown what is affected by the kinds of facts it reads.
CREATE OR REPLACE TEMP TABLE training_told AS
SELECT
  producer,
  run_id,
  'run:' || producer || '/' || run_id AS scope,
  min(event_time) AS started_at,
  max(event_time) AS ended_at,
  arg_min(event_id, (event_time, event_id)) AS event_id,
  arg_min(job_namespace || '/' || job_name, (event_time, event_id)) AS job,
  arg_min(trigger, (event_time, event_id)) FILTER (trigger IS NOT NULL) AS trigger,
  arg_max(code, (event_time, event_id)) FILTER (code IS NOT NULL) AS code,
  arg_max(environment, (event_time, event_id)) FILTER (environment IS NOT NULL) AS environment
FROM run_event SEMI JOIN (FROM training_run WHERE part = $part) USING (producer, run_id)
GROUP BY producer, run_id;

CREATE OR REPLACE TEMP VIEW training AS FROM training_told SEMI JOIN affected_run USING (producer, run_id);

-- What each of them made: its subject, or the job when it made nothing.
CREATE OR REPLACE TEMP TABLE training_made AS
WITH made AS (
  SELECT producer, run_id, min(artifact_ref(io)) AS model
  FROM run_io io SEMI JOIN training_told USING (producer, run_id)
  WHERE direction = 'output' AND is_model(kind)
  GROUP BY producer, run_id
)
SELECT producer, run_id, scope, started_at, event_id, coalesce(model, 'job:' || job, scope) AS subject
FROM training_told LEFT JOIN made USING (producer, run_id);

CREATE OR REPLACE TEMP VIEW training_output AS FROM training_made SEMI JOIN affected_run USING (producer, run_id);

-- Their ancestry: every artifact version upstream. direct: the run itself reads it; data_only: on a way
-- that holds nothing but data. A holdout read to judge the model is not learned from.
CREATE OR REPLACE TEMP TABLE training_ancestor AS
WITH RECURSIVE up AS (
  SELECT e.producer, e.run_id, e.artifact_version_id, true AS direct, is_data(v.kind) AS data_only
  FROM edge e
  SEMI JOIN training_told USING (producer, run_id)
  JOIN artifact_version v USING (artifact_version_id)
  LEFT JOIN run_io io ON io.event_id = e.event_id AND io.direction = 'input'
    AND io.kind = v.kind AND io.namespace = v.namespace AND io.name = v.name
    AND io.version IS NOT DISTINCT FROM v.version
  WHERE e.direction = 'input' AND e.known_to IS NULL
    AND coalesce(lower(io.role), '') NOT IN ('holdout', 'evaluation', 'eval', 'test', 'validation', 'challenge', 'golden')
  UNION
  SELECT up.producer, up.run_id, reads.artifact_version_id, false, up.data_only AND is_data(v.kind)
  FROM up
  JOIN edge writes ON writes.artifact_version_id = up.artifact_version_id
    AND writes.direction = 'output' AND writes.known_to IS NULL
  JOIN edge reads ON reads.producer = writes.producer AND reads.run_id = writes.run_id
    AND reads.direction = 'input' AND reads.known_to IS NULL
  JOIN artifact_version v ON v.artifact_version_id = reads.artifact_version_id
)
SELECT
  up.producer, up.run_id, up.artifact_version_id, bool_or(direct) AS direct, bool_or(data_only) AS data_only,
  any_value(v.kind) AS kind, any_value(v.namespace) AS namespace, any_value(v.name) AS name,
  any_value(v.version) AS version, any_value(v.digest) AS digest,
  any_value(artifact_ref(v)) AS ref
FROM up JOIN artifact_version v USING (artifact_version_id)
GROUP BY up.producer, up.run_id, up.artifact_version_id;

CREATE OR REPLACE TEMP VIEW ancestor AS FROM training_ancestor SEMI JOIN affected_run USING (producer, run_id);
