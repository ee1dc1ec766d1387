-- id:      DP-032
-- uuid:    32a2064b-9ee1-5a08-ad5d-3612c63d6a85
-- title:   Synthetic, scraped or low-trust data in a high-trust zone or golden set without
--          approval
-- status:  stable
-- version: 1.0.0
-- severity: high
-- confidence: high
-- atlas:   AML.T0020, AML.T0010.002
-- owasp:   LLM04:2025, ML02:2023
-- reads:   registration, promotion, approval, run_io, run_event
-- clock:   commit
-- key:     artifact version
-- window:  none
-- params:  high_trust_zones VARCHAR[]=[high|trusted|production|prod|golden|curated|restricted] -- [policy] high_trust_zones
--          low_trust_zones VARCHAR[]=[low|untrusted|public|external|partner|community|scraped] -- [policy] low_trust_zones
-- false:   an approval recorded in another system; a zone whose name means something else here
-- runbook: docs/runbooks/DP-032.md
-- why:     Data that was made up, scraped or came from a low-trust zone, or was made from such
--          data, was promoted into a high-trust zone or declared golden, and nobody approved it
--          before. Approving the low-trust source data itself counts for what is made of it.
WITH RECURSIVE low AS (
  SELECT DISTINCT v.artifact_version_id, r.subject.artifact AS origin, coalesce(r.acquisition.method, 'zone ' || r.trust_zone) AS kind_of
  FROM registration r
  JOIN artifact_version v ON is_about(r.subject.artifact, v)
  WHERE v.known_to IS NULL AND is_data(v.kind)
    AND (r.acquisition.method IN ('synthetic', 'scraped') OR list_contains($low_trust_zones, lower(r.trust_zone)))
), raised AS (
  SELECT artifact, event_time, event_id, 'promoted to ' || to_environment AS what
  FROM promotion
  WHERE action = 'promote' AND is_data(artifact.kind) AND list_contains($high_trust_zones, lower(to_environment))
    AND artifact_scope(artifact) IN (SELECT scope FROM touched_downstream)
  UNION ALL
  SELECT subject.artifact, event_time, event_id, CASE WHEN role = 'golden' THEN 'declared golden' ELSE 'registered in the zone ' || trust_zone END
  FROM registration
  WHERE subject.artifact IS NOT NULL AND is_data(subject.artifact.kind)
    AND (role = 'golden' OR list_contains($high_trust_zones, lower(trust_zone)))
    AND subject_scope(subject) IN (SELECT scope FROM touched_downstream)
), above AS (
  SELECT DISTINCT v.artifact_version_id AS raised_id, v.artifact_version_id
  FROM raised h JOIN artifact_version v ON is_about(h.artifact, v)
  WHERE v.known_to IS NULL
  UNION
  SELECT above.raised_id, reads.artifact_version_id
  FROM above
  JOIN edge writes ON writes.artifact_version_id = above.artifact_version_id AND writes.direction = 'output' AND writes.known_to IS NULL
  JOIN edge reads ON reads.producer = writes.producer AND reads.run_id = writes.run_id AND reads.direction = 'input' AND reads.known_to IS NULL
  JOIN artifact_version v ON v.artifact_version_id = reads.artifact_version_id
  WHERE is_data(v.kind)
), made_of AS (
  SELECT above.raised_id, low.origin, low.kind_of FROM above JOIN low USING (artifact_version_id)
)
SELECT DISTINCT artifact_scope(h.artifact) AS scope, artifact_ref(h.artifact) AS subject, h.event_time AS seen_at, h.event_id,
  h.what || ', and it is ' || CASE WHEN artifact_ref(b.origin) = artifact_ref(h.artifact) THEN '' ELSE 'made of ' || artifact_ref(b.origin) || ': ' END || b.kind_of AS reason
FROM raised h
JOIN artifact_version v ON is_about(h.artifact, v)
JOIN made_of b ON b.raised_id = v.artifact_version_id
WHERE v.known_to IS NULL AND NOT EXISTS (
  FROM sound_approval a
  WHERE (is_about(a.subject.artifact, h.artifact) OR is_about(a.subject.artifact, b.origin))
    AND a.event_time <= h.event_time AND coalesce(a.expires > h.event_time, true)
)
