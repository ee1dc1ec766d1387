-- id:      DP-031
-- uuid:    975f0f7b-a03a-5285-8d67-b037c31f3080
-- title:   Behavioural, trigger or memorisation audit overdue
-- status:  stable
-- version: 1.0.0
-- severity: medium
-- confidence: high
-- atlas:   AML.T0018.000, AML.T0031
-- owasp:   LLM04:2025, ML10:2023
-- reads:   registration, promotion, evaluation
-- clock:   tick
-- key:     model version
-- window:  none
-- params:  high_days BIGINT=30 -- between audits of a model of tier high or critical
--          medium_days BIGINT=90 -- of tier medium
--          low_days BIGINT=365 -- of tier low
-- false:   an audit recorded in another system; a model that was taken down without an event
-- runbook: docs/runbooks/DP-031.md
-- why:     A model in use was not audited for behaviour, triggers or memorisation for longer
--          than its risk tier allows. In use is a promoted version that was not retired and not
--          replaced in that environment. Models without a tier are not judged.
WITH tier AS (
  SELECT subject.artifact AS artifact, arg_max(lower(risk_tier), (event_time, event_id)) AS tier
  FROM registration
  WHERE risk_tier IS NOT NULL AND is_model(subject.artifact.kind) AND event_time <= $now
  GROUP BY subject.artifact
), moved AS (
  SELECT artifact_scope(artifact) AS scope, artifact_ref(artifact) AS ref, artifact, action, event_time, event_id,
    coalesce(to_environment, from_environment, '') AS environment
  FROM promotion
  WHERE is_model(artifact.kind) AND event_time <= $now
), live AS (
  SELECT * FROM moved m
  WHERE action IN ('promote', 'rollback')
    AND NOT EXISTS (
      FROM moved n
      WHERE n.scope = m.scope AND n.event_time > m.event_time
        AND (n.environment = m.environment AND n.action IN ('promote', 'rollback') OR n.ref = m.ref AND n.action = 'retire')
    )
), due AS (
  SELECT l.*, t.tier,
    CASE WHEN t.tier IN ('high', 'critical', 'unacceptable') THEN $high_days WHEN t.tier IN ('medium', 'limited', 'moderate') THEN $medium_days ELSE $low_days END AS days,
    greatest(l.event_time, coalesce((
      SELECT max(e.event_time) FROM evaluation e
      WHERE e.suite.kind IN ('behavioural', 'trigger_probe', 'memorisation') AND e.event_time <= $now AND is_about(e.model, l.artifact)
    ), l.event_time)) AS since
  FROM live l JOIN tier t ON is_about(t.artifact, l.artifact)
)
SELECT scope, ref AS subject, since + to_days(CAST(days AS INTEGER)) AS seen_at, min(event_id) AS event_id,
  'of tier ' || tier || ' and not audited since ' || strftime(since, '%Y-%m-%d') AS reason
FROM due
WHERE $now > since + to_days(CAST(days AS INTEGER))
GROUP BY ALL
