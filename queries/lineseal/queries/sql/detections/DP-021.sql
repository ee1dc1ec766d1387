-- id:      DP-021
-- uuid:    b30ac3df-33ad-5eaa-a47b-a8965066be22
-- title:   Training run not reproducible from lineage
-- status:  stable
-- version: 1.0.0
-- severity: medium
-- confidence: medium
-- atlas:   AML.T0010.001, AML.T0112.001
-- owasp:   ML06:2023
-- reads:   run_event, run_io, access
-- clock:   commit
-- key:     training run's output
-- window:  none
-- params:  none
-- false:   notebooks; inputs that are declared late
-- runbook: docs/runbooks/DP-021.md
-- why:     A model came from code that was changed and not committed, from code or an image
--          that are not pinned although earlier runs of the job were, or from data that was
--          read and not declared.
WITH told AS (
  SELECT t.*, o.subject FROM training t JOIN training_output o USING (producer, run_id)
), pinned AS (
  SELECT producer, job_namespace || '/' || job_name AS job, event_time, code, environment FROM run_event WHERE code IS NOT NULL OR environment IS NOT NULL
)
SELECT scope, subject, started_at AS seen_at, event_id, 'the code had changes that no commit has' AS reason
FROM told WHERE code.dirty
UNION ALL
SELECT scope, subject, started_at, event_id, 'the code is not pinned, and earlier runs of ' || job || ' were'
FROM told t
WHERE code.commit IS NULL
  AND EXISTS (FROM pinned p WHERE p.producer = t.producer AND p.job = t.job AND p.event_time < t.started_at AND p.code.commit IS NOT NULL)
UNION ALL
SELECT scope, subject, started_at, event_id, 'the image is not pinned, and earlier runs of ' || job || ' were'
FROM told t
WHERE environment.image_digest IS NULL
  AND EXISTS (FROM pinned p WHERE p.producer = t.producer AND p.job = t.job AND p.event_time < t.started_at AND p.environment.image_digest IS NOT NULL)
UNION ALL
SELECT t.scope, t.subject, x.event_time, x.event_id, artifact_ref(x.resource.artifact) || ' was read and not declared'
FROM told t
JOIN access x ON x.event_time BETWEEN t.started_at AND t.ended_at
WHERE x.action = 'read' AND x.outcome = 'allowed' AND is_data(x.resource.artifact.kind)
  AND lower(x.principal) IN (lower(t.producer), lower(t.run_id), lower(t.job))
  AND NOT EXISTS (
    FROM run_io io
    WHERE io.producer = t.producer AND io.run_id = t.run_id AND io.direction = 'input'
      AND (is_about(io, x.resource.artifact) OR is_about(x.resource.artifact, io))
  )
