-- id:      DP-007
-- uuid:    aed9f168-9c78-5bb7-b01e-0d0ad97460f1
-- title:   Unpinned external data or model
-- status:  stable
-- version: 1.0.0
-- severity: medium
-- confidence: medium
-- atlas:   AML.T0010.002, AML.T0010.003
-- owasp:   ML06:2023
-- reads:   registration, run_io
-- clock:   commit
-- key:     artifact version
-- window:  1 day
-- params:  none
-- false:   internal mutable mirrors; a publisher whose tags never move
-- runbook: docs/runbooks/DP-007.md
-- why:     What was fetched can change under the same name: its revision is a branch or
--          "latest", or neither a digest nor a content hash of it was recorded. Nobody can say
--          later what was really used.
WITH said AS (
  SELECT event_time, event_id, subject.artifact AS artifact, subject_scope(subject) AS scope, subject_ref(subject) AS subject,
    source.uri AS uri, lower(trim(source.revision)) AS revision,
    coalesce(subject.artifact.digest, publisher_digest, manifest_root) AS digest
  FROM registration
  WHERE source.uri IS NOT NULL AND coalesce(acquisition.method, '') <> 'internal'
    AND regexp_matches(source.uri, '^[A-Za-z][A-Za-z0-9+.-]*:') AND NOT starts_with(lower(source.uri), 'file:')
    AND subject_scope(subject) IN (SELECT scope FROM touched)
)
SELECT scope, subject, event_time AS seen_at, event_id,
  CASE
    WHEN revision IN ('latest', 'main', 'master', 'head', 'trunk', 'dev', 'develop', 'nightly', 'stable', 'current', 'default', 'refs/heads/main', 'refs/heads/master')
    THEN uri || ' is taken at ' || revision || ', which moves'
    ELSE uri || ' was taken without a digest'
  END AS reason
FROM said
WHERE revision IN ('latest', 'main', 'master', 'head', 'trunk', 'dev', 'develop', 'nightly', 'stable', 'current', 'default', 'refs/heads/main', 'refs/heads/master')
  OR (digest IS NULL AND NOT coalesce(regexp_matches(revision, '^(sha256:)?([0-9a-f]{40}|[0-9a-f]{64})$'), false))
UNION ALL
SELECT artifact_scope(io), artifact_ref(io), io.event_time, io.event_id,
  'run ' || io.run_id || ' read ' || artifact_ref(io) || ', a version that moves'
FROM run_io io SEMI JOIN touched_artifact_name USING (kind, namespace, name)
WHERE io.direction = 'input' AND io.digest IS NULL
  AND lower(io.version) IN ('latest', 'main', 'master', 'head', 'nightly')
