-- id:      DP-001
-- uuid:    85d9b929-1012-5d16-a9de-4c4d35a278f1
-- title:   Dataset content hash differs at use
-- status:  stable
-- version: 1.0.0
-- severity: critical
-- confidence: high
-- atlas:   AML.T0020, AML.T0059
-- owasp:   LLM04:2025, ML02:2023
-- reads:   run_io, registration
-- clock:   commit
-- key:     artifact version
-- window:  none
-- params:  none
-- false:   re-compression or repartitioning without a new version; a digest over files in
--          another order
-- runbook: docs/runbooks/DP-001.md
-- why:     A job read other bytes than those that were signed for this version: somebody
--          changed the data between signing and use. The digests of registrations count; where
--          there is none, those of the runs that wrote the version. Models are judged by
--          DP-022.
WITH said AS (
  SELECT r.subject.artifact.kind AS kind, r.subject.artifact.namespace AS namespace,
    r.subject.artifact.name AS name, r.subject.artifact.version AS version,
    r.subject.artifact.digest AS digest, true AS signed
  FROM registration r
  WHERE r.subject.artifact.version IS NOT NULL AND r.subject.artifact.digest IS NOT NULL
  UNION ALL
  SELECT kind, namespace, name, version, digest, false
  FROM run_io
  WHERE direction = 'output' AND version IS NOT NULL AND digest IS NOT NULL
), manifest AS (
  SELECT kind, namespace, name, version,
    coalesce(
      list(DISTINCT digest) FILTER (signed),
      list(DISTINCT digest) FILTER (NOT signed)
    ) AS digests
  FROM said SEMI JOIN touched_artifact_name USING (kind, namespace, name)
  GROUP BY kind, namespace, name, version
)
SELECT
  artifact_scope(io) AS scope,
  io.kind || ':' || io.namespace || '/' || io.name || '@' || io.version AS subject,
  io.event_time AS seen_at,
  io.event_id,
  'run ' || io.run_id || ' of ' || io.producer || ' read ' || left(io.digest, 19) || ', signed is '
    || left(manifest.digests[1], 19) AS reason
FROM run_io io
JOIN manifest USING (kind, namespace, name, version)
WHERE io.direction = 'input' AND io.digest IS NOT NULL AND NOT is_model(io.kind)
  AND NOT list_contains(manifest.digests, io.digest)
