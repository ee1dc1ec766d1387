-- id:      DP-017
-- uuid:    bf96ddb5-3680-5828-b19b-d2c3e09888f7
-- title:   Quarantined data used downstream
-- status:  stable
-- version: 1.1.0
-- severity: critical
-- confidence: high
-- atlas:   AML.T0020
-- owasp:   LLM04:2025, ML02:2023
-- reads:   quarantine, containment, run_io, run_event, promotion
-- clock:   commit
-- key:     quarantined artifact
-- window:  none
-- params:  exempt_stages VARCHAR[]=[quarantine|validate|validation|scan|forensics|forensic|investigation|investigate|audit] -- stages that may look at it
--          max_uses BIGINT=1000 -- uses of one artifact that are told, the earliest
-- false:   a forensic job under a stage that is not exempt
-- runbook: docs/runbooks/DP-017.md
-- why:     What is in quarantine, or frozen by a containment order, or anything made from it,
--          was consumed or promoted while that held. All descendants count, however far.
WITH RECURSIVE ordered AS (
  SELECT event_time, event_id, artifact, action = 'placed' AS held FROM quarantine
  UNION ALL
  SELECT event_time, event_id, subject.artifact, action IN ('freeze', 'hold') FROM containment WHERE subject.artifact IS NOT NULL
), held AS (
  SELECT *, lead(event_time) OVER (PARTITION BY artifact_ref(artifact) ORDER BY event_time, event_id) AS until
  FROM ordered
), active AS (
  SELECT artifact, event_time AS since, (
      SELECT min(r.event_time) FROM ordered r
      WHERE NOT r.held AND r.event_time > h.event_time AND (is_about(r.artifact, h.artifact) OR is_about(h.artifact, r.artifact))
    ) AS until
  FROM held h
  WHERE held AND artifact_scope(artifact) IN (SELECT scope FROM touched_upstream)
), below AS (
  SELECT DISTINCT v.artifact_version_id AS root_id, v.artifact_version_id
  FROM active JOIN artifact_version v ON is_about(active.artifact, v)
  WHERE v.known_to IS NULL
  UNION
  SELECT below.root_id, writes.artifact_version_id
  FROM below
  JOIN edge reads ON reads.artifact_version_id = below.artifact_version_id AND reads.direction = 'input' AND reads.known_to IS NULL
  JOIN edge writes ON writes.producer = reads.producer AND writes.run_id = reads.run_id AND writes.direction = 'output' AND writes.known_to IS NULL
), tainted AS (
  SELECT DISTINCT below.root_id, v.* FROM below JOIN artifact_version v USING (artifact_version_id) WHERE v.known_to IS NULL
), used AS (
  SELECT t.root_id, artifact_ref(t) AS ref, e.event_time, e.event_id, 'run ' || e.run_id || ' of ' || e.producer || ' read ' AS what
  FROM tainted t
  JOIN edge e USING (artifact_version_id)
  WHERE e.direction = 'input' AND e.known_to IS NULL
    AND NOT EXISTS (
      FROM run_event r
      WHERE r.producer = e.producer AND r.run_id = e.run_id AND list_contains($exempt_stages, lower(r.stage))
    )
  UNION ALL
  SELECT t.root_id, artifact_ref(t), p.event_time, p.event_id, 'promoted to ' || coalesce(p.to_environment, 'nowhere named') || ' was '
  FROM tainted t JOIN promotion p ON is_about(p.artifact, t)
  WHERE p.action = 'promote'
)
SELECT artifact_scope(a.artifact) AS scope, artifact_ref(a.artifact) AS subject, u.event_time AS seen_at, u.event_id, min(u.what || u.ref) AS reason
FROM active a
JOIN artifact_version root ON is_about(a.artifact, root) AND root.known_to IS NULL
JOIN used u ON u.root_id = root.artifact_version_id
WHERE u.event_time >= a.since AND (a.until IS NULL OR u.event_time < a.until)
GROUP BY a.artifact, u.event_time, u.event_id
QUALIFY row_number() OVER (PARTITION BY artifact_ref(a.artifact) ORDER BY u.event_time, u.event_id) <= $max_uses
