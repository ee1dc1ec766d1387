-- id:      DP-020
-- uuid:    4059b40a-3468-5b3c-9419-18dfb61587d9
-- title:   Model trained or promoted without approved inputs or evaluation
-- status:  stable
-- version: 1.1.0
-- severity: critical
-- confidence: high
-- atlas:   AML.T0018.000, AML.T0020
-- owasp:   LLM04:2025, ML10:2023
-- reads:   promotion, evaluation, approval, run_event, run_io
-- clock:   commit
-- key:     model version
-- window:  none
-- params:  sandbox_environments VARCHAR[]=[sandbox|research|dev|development|test] -- [policy] sandbox_environments
--          slack_seconds BIGINT=60 -- clocks may differ by that much
-- false:   a research stage that is not named as a sandbox; an approval recorded in another
--          system
-- runbook: docs/runbooks/DP-020.md
-- why:     A model went out without a passed release evaluation of exactly that artifact, or
--          without an explicit approval under a person's own key; or a training used data that
--          was rejected, or that nobody approved. Until anybody here approved data of that kind at
--          a gate dataset or training, that nobody did says nothing; nor in a sandbox stage.
WITH promoted AS (
  SELECT artifact_scope(artifact) AS scope, artifact_ref(artifact) AS ref, artifact, event_time, event_id,
    coalesce(to_environment, 'an environment not named') AS environment
  FROM promotion
  WHERE action = 'promote' AND is_model(artifact.kind)
    AND NOT coalesce(list_contains($sandbox_environments, lower(to_environment)), false)
    AND artifact_scope(artifact) IN (SELECT scope FROM touched)
), decided AS (
  SELECT t.scope, t.subject, t.started_at, t.event_id, a.ref, d.decision, d.event_time, d.approver,
    row_number() OVER (PARTITION BY t.scope, a.artifact_version_id ORDER BY d.event_time DESC, d.event_id DESC) AS newest
  FROM training_output t
  JOIN ancestor a USING (producer, run_id)
  JOIN approval d ON d.subject.artifact IS NOT NULL AND is_about(d.subject.artifact, a)
  WHERE d.gate IN ('dataset', 'training', 'source') AND d.event_time <= t.started_at AND d.actor_verified
)
SELECT scope, ref AS subject, event_time AS seen_at, event_id,
  'promoted to ' || environment || ' without a passed evaluation of exactly this model' AS reason
FROM promoted p
WHERE NOT EXISTS (
  FROM evaluation e
  WHERE e.phase = 'release' AND e.outcome IN ('pass', 'warn') AND is_about(e.model, p.artifact)
    AND e.event_time <= p.event_time + to_seconds($slack_seconds)
)
UNION ALL
SELECT scope, ref, event_time, event_id,
  'promoted to ' || environment || ' without an approval under the key of a person'
FROM promoted p
WHERE NOT EXISTS (
  FROM sound_approval a
  WHERE a.gate = 'promotion' AND is_about(a.subject.artifact, p.artifact)
    AND a.event_time <= p.event_time + to_seconds($slack_seconds) AND coalesce(a.expires > p.event_time, true)
    AND NOT EXISTS (
      FROM approval r
      WHERE r.decision = 'reject' AND r.gate = 'promotion' AND r.actor_verified AND is_about(r.subject.artifact, p.artifact)
        AND r.event_time > a.event_time AND r.event_time <= p.event_time
    )
)
UNION ALL
SELECT scope, subject, started_at, event_id, ref || ' was learned from although ' || approver || ' rejected it'
FROM decided
WHERE newest = 1 AND decision = 'reject'
UNION ALL
SELECT t.scope, t.subject, t.started_at, t.event_id, a.ref || ' was learned from, and nobody approved it'
FROM training_output t
JOIN ancestor a USING (producer, run_id)
JOIN approval_practice p USING (kind)
WHERE a.direct AND t.started_at >= p.since
  AND NOT EXISTS (
    FROM run_event r
    WHERE r.producer = t.producer AND r.run_id = t.run_id AND list_contains($sandbox_environments, lower(r.stage))
  )
  AND NOT EXISTS (
    FROM approval d
    WHERE d.gate IN ('dataset', 'training') AND d.actor_verified AND d.mode = 'explicit' AND d.event_time <= t.started_at
      AND is_about(d.subject.artifact, a)
  )
