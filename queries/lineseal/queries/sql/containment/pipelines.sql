-- name:    pipelines
-- title:   Which jobs read these versions, or belong to this stage or producer, and who owns them?
-- kind:    containment
-- params:  ids BIGINT[]           -- artifact versions: surrogates of this store
--          stage VARCHAR=NULL     -- null: none
--          producer VARCHAR=NULL  -- null: none
-- returns: job VARCHAR            -- namespace/name; null when no event names it
--          stage VARCHAR
--          producer VARCHAR
--          runs BIGINT            -- how many of its runs did
--          last_run TIMESTAMP     -- event time of the newest
--          owners VARCHAR[]       -- of its stage, its job, and of what it wrote; sorted
-- reads:   edge, run_event, run_io, registration
-- order:   last_run DESC, job, stage, producer
-- since:   0.2
-- why:     An owner is told before a pipeline is stopped. The newest registration that names an
--          owner counts.
WITH wanted AS (
  SELECT producer, run_id
  FROM edge
  WHERE direction = 'input'
    AND known_to IS NULL
    AND artifact_version_id IN (SELECT unnest($ids::BIGINT[]))
  UNION
  SELECT producer, run_id
  FROM run_event
  WHERE stage = $stage::VARCHAR OR producer = $producer::VARCHAR
), ran AS (
  SELECT
    producer,
    run_id,
    arg_min(job_namespace || '/' || job_name, (event_time, event_id)) AS job,
    arg_min(stage, (event_time, event_id)) FILTER (stage IS NOT NULL) AS stage,
    max(event_time) AS ended
  FROM run_event
  SEMI JOIN wanted USING (producer, run_id)
  GROUP BY producer, run_id
), owned AS (
  SELECT
    CASE
      WHEN subject.artifact IS NULL THEN subject.type || ':' || subject.name
      ELSE subject.artifact.kind || ':' || subject.artifact.namespace || '/' || subject.artifact.name
    END AS thing,
    arg_max(owner, (event_time, event_id)) AS owner
  FROM registration
  WHERE owner IS NOT NULL
  GROUP BY thing
), things AS (
  SELECT producer, run_id, kind || ':' || namespace || '/' || name AS thing
  FROM run_io
  SEMI JOIN wanted USING (producer, run_id)
  WHERE direction = 'output'
  UNION
  SELECT producer, run_id, 'stage:' || stage FROM ran WHERE stage IS NOT NULL
  UNION
  SELECT producer, run_id, 'job:' || job FROM ran WHERE job IS NOT NULL
), owners AS (
  SELECT things.producer, things.run_id, owned.owner
  FROM things
  JOIN owned USING (thing)
)
SELECT
  ran.job,
  ran.stage,
  ran.producer,
  count(DISTINCT ran.run_id) AS runs,
  max(ran.ended) AS last_run,
  coalesce(list_sort(list(DISTINCT owners.owner) FILTER (owners.owner IS NOT NULL)), []) AS owners
FROM ran
LEFT JOIN owners USING (producer, run_id)
GROUP BY ran.job, ran.stage, ran.producer
ORDER BY last_run DESC, ran.job, ran.stage, ran.producer
