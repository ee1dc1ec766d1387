-- id:      DP-010
-- uuid:    9aead38f-37b2-5f1b-9978-d8b33fa3cb2f
-- title:   Validation skipped, disabled or weakened
-- status:  stable
-- version: 1.0.0
-- severity: high
-- confidence: medium
-- atlas:   AML.T0020, AML.T0012
-- owasp:   LLM04:2025, ML02:2023
-- reads:   run_event, run_io, registration, validation, approval
-- clock:   commit
-- key:     training run's output, or check
-- window:  none
-- params:  none
-- false:   an emergency re-run; a new pipeline template; a new version of the check whose
--          approval was recorded elsewhere
-- runbook: docs/runbooks/DP-010.md
-- why:     Data reached a training along a way on which nothing validated it, or a check runs
--          with another configuration that nobody approved. A check that failed does not count.
--          Until anything here was ever validated its absence says nothing.
WITH RECURSIVE passed AS (
  SELECT DISTINCT v.artifact_version_id
  FROM validation c
  JOIN artifact_version v ON is_about(c.artifact, v)
  WHERE c.outcome IN ('pass', 'warn') AND v.known_to IS NULL
), way AS (
  SELECT a.producer, a.run_id, a.artifact_version_id
  FROM ancestor a
  WHERE a.direct AND a.kind IN ('dataset', 'feature_set', 'embedding_set', 'preference_set')
    AND a.artifact_version_id NOT IN (SELECT artifact_version_id FROM passed)
  UNION
  SELECT way.producer, way.run_id, reads.artifact_version_id
  FROM way
  JOIN edge writes ON writes.artifact_version_id = way.artifact_version_id AND writes.direction = 'output' AND writes.known_to IS NULL
  JOIN edge reads ON reads.producer = writes.producer AND reads.run_id = writes.run_id AND reads.direction = 'input' AND reads.known_to IS NULL
  JOIN artifact_version v ON v.artifact_version_id = reads.artifact_version_id
  WHERE v.kind IN ('dataset', 'feature_set', 'embedding_set', 'preference_set')
    AND reads.artifact_version_id NOT IN (SELECT artifact_version_id FROM passed)
), source AS (
  SELECT way.*
  FROM way
  WHERE NOT EXISTS (
    FROM edge writes
    JOIN edge reads ON reads.producer = writes.producer AND reads.run_id = writes.run_id AND reads.direction = 'input' AND reads.known_to IS NULL
    JOIN artifact_version v ON v.artifact_version_id = reads.artifact_version_id
    WHERE writes.artifact_version_id = way.artifact_version_id AND writes.direction = 'output' AND writes.known_to IS NULL
      AND v.kind IN ('dataset', 'feature_set', 'embedding_set', 'preference_set')
  )
), checks AS (
  SELECT event_time, event_id, artifact_scope(artifact) AS scope, "check".tool AS tool, "check".name AS name, "check".config_digest AS config,
    lag("check".config_digest) OVER (PARTITION BY artifact_scope(artifact), "check".tool, "check".name ORDER BY event_time, event_id) AS before
  FROM validation
  WHERE "check".config_digest IS NOT NULL AND artifact_scope(artifact) IN (SELECT scope FROM touched)
)
SELECT t.scope, t.subject, t.started_at AS seen_at, t.event_id, artifact_ref(v) || ' was learned from, and nothing validated it on its way' AS reason
FROM source
JOIN training_output t USING (producer, run_id)
JOIN artifact_version v USING (artifact_version_id)
WHERE v.known_to IS NULL AND t.started_at >= (SELECT validates_since FROM practice)
UNION ALL
SELECT c.scope, c.scope, c.event_time, c.event_id, 'the check ' || c.tool || ' ' || c.name || ' runs with another configuration, which nobody approved'
FROM checks c
WHERE c.config <> c.before
  AND NOT EXISTS (
    FROM sound_approval p
    WHERE p.event_time <= c.event_time + INTERVAL 1 HOUR
      AND (
        p.subject.artifact.digest = c.config
        OR list_contains(list_transform(p.evidence, lambda e: e.digest), c.config)
        OR (p.subject.name IN (c.name, c.tool, c.tool || '/' || c.name, c.config) AND p.event_time > c.event_time - INTERVAL 7 DAYS)
      )
  )
