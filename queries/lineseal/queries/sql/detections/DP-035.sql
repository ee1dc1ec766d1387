-- id:      DP-035
-- uuid:    21f5f91c-cf6a-553d-a617-700a7d88e91b
-- title:   Young or unreviewed feedback in a training set
-- status:  stable
-- version: 1.0.0
-- severity: high
-- confidence: medium
-- atlas:   AML.T0020
-- owasp:   LLM04:2025, ML02:2023
-- reads:   run_event, run_io, feedback
-- clock:   commit
-- key:     training run's output
-- window:  none
-- params:  delay_hours DOUBLE=24.0 -- how long feedback waits before it may be learned from
-- false:   a delay that is kept by the pipeline and not visible in the event times
-- runbook: docs/runbooks/DP-035.md
-- why:     Feedback went into a training before the delay in which floods are noticed had
--          passed, or nobody had looked at a sample of it.
WITH used AS (
  SELECT t.scope, t.subject, t.started_at, t.event_id AS run_event_id, a.ref, f.*
  FROM training_output t
  JOIN ancestor a USING (producer, run_id)
  JOIN feedback f ON is_about(f.artifact, a)
  WHERE is_data(a.kind) AND f.event_time <= t.started_at
)
SELECT scope, subject, started_at AS seen_at, run_event_id AS event_id,
  ref || ' holds feedback of ' || channel || ' that is ' || round(date_diff('minute', event_time, started_at) / 60, 1) || ' hours old' AS reason
FROM used
WHERE started_at < event_time + to_milliseconds(CAST($delay_hours * 3600000 AS BIGINT))
UNION ALL
SELECT scope, subject, started_at, run_event_id, ref || ' holds feedback of ' || channel || ' that nobody reviewed'
FROM used
WHERE reviewed_by IS NULL
