-- id:      DP-024
-- uuid:    4bda6ff9-d897-5a99-be6e-ee4c40901bf8
-- title:   Retraining off schedule, or class-specific regression behind a flat global metric
-- status:  stable
-- version: 1.0.0
-- severity: high
-- confidence: medium
-- atlas:   AML.T0043.004, AML.T0031, AML.T0018.000
-- owasp:   LLM04:2025, ML10:2023
-- reads:   run_event, run_io, evaluation, promotion
-- clock:   commit
-- key:     model
-- window:  none
-- params:  training_triggers VARCHAR[]=[] -- [policy] training_triggers
--          training_hours VARCHAR[]=[] -- [policy] training_hours
--          freeze_windows VARCHAR[]=[] -- [policy] freeze_windows
--          max_slice_drop DOUBLE=0.10 -- how much worse one slice may get
--          max_global_drop DOUBLE=0.03 -- a global metric that falls less is flat
--          min_slice BIGINT=20 -- rows of a slice, at least
-- false:   a hot fix; small slices; a metric that means something else in the new suite
-- runbook: docs/runbooks/DP-024.md
-- why:     A training was started by something that may not, outside the hours, or in a freeze;
--          or a model is clearly worse on one slice while the global metric hardly moved, which
--          is what a targeted poisoning looks like; or it fails a canary or a trigger probe.
WITH started AS (
  SELECT t.*, o.subject, lower(coalesce(t.trigger, 'nothing named')) AS cause FROM training t JOIN training_output o USING (producer, run_id)
), windows AS (
  SELECT CAST(split_part(w, '/', 1) AS TIMESTAMP) AS opens, CAST(split_part(w, '/', 2) AS TIMESTAMP) AS closes
  FROM (SELECT rtrim(replace(unnest($freeze_windows), 'Z', '')) AS w)
), hours AS (
  SELECT lower(split_part(h, ' ', 1)) AS day, CAST(split_part(split_part(h, ' ', 2), '-', 1) AS TIME) AS opens,
    CAST(split_part(split_part(h, ' ', 2), '-', 2) AS TIME) AS closes
  FROM (SELECT unnest($training_hours) AS h)
), judged AS (
  SELECT e.*, artifact_scope(model) AS scope FROM evaluation e WHERE artifact_scope(model) IN (SELECT scope FROM touched)
), pair AS (
  SELECT e.scope, e.model, e.event_time, e.event_id, e.metrics, e.slices,
    coalesce(
      (SELECT arg_max(b.event_id, (b.event_time, b.event_id)) FROM judged b WHERE e.baseline IS NOT NULL AND is_about(b.model, e.baseline) AND b.suite.name = e.suite.name AND b.event_time < e.event_time),
      (SELECT arg_max(b.event_id, (b.event_time, b.event_id)) FROM judged b WHERE b.scope = e.scope AND b.suite.name = e.suite.name AND b.event_time < e.event_time AND artifact_ref(b.model) <> artifact_ref(e.model))
    ) AS before_id
  FROM judged e
  WHERE len(e.slices) > 0
), metric AS (
  SELECT p.event_id, m.name, m.value AS now, (SELECT any_value(x.value) FROM (SELECT unnest(b.metrics, recursive := true)) x WHERE x.name = m.name) AS before
  FROM (SELECT *, unnest(metrics) AS m FROM pair) p JOIN evaluation b ON b.event_id = p.before_id
), flat AS (
  SELECT event_id, bool_and(coalesce(
    CASE WHEN regexp_matches(lower(name), 'loss|error|(^|_)(fpr|fnr|mae|mse|rmse|perplexity|wer)($|_)') THEN now - before ELSE before - now END < $max_global_drop, true)) AS flat
  FROM metric GROUP BY event_id
), slice_now AS (
  SELECT p.event_id, s.name AS slice, s.n, m.name AS metric, m.value
  FROM (SELECT event_id, unnest(slices) AS s FROM pair) p, (SELECT unnest(p.s.metrics) AS m)
), slice_before AS (
  SELECT p.event_id, s.name AS slice, s.n, m.name AS metric, m.value
  FROM (SELECT pair.event_id, unnest(b.slices) AS s FROM pair JOIN evaluation b ON b.event_id = pair.before_id) p, (SELECT unnest(p.s.metrics) AS m)
)
SELECT scope, subject, started_at AS seen_at, event_id, 'started by ' || cause || ', which the policy does not name' AS reason
FROM started s
WHERE len($training_triggers) > 0 AND NOT EXISTS (
  FROM (SELECT lower(unnest($training_triggers)) AS allowed)
  WHERE allowed = s.cause OR (ends_with(allowed, '*') AND starts_with(s.cause, rtrim(allowed, '*')))
)
UNION ALL
SELECT scope, subject, started_at, event_id, 'started on ' || strftime(started_at, '%a %H:%M') || ' UTC, outside the training hours'
FROM started s
WHERE len($training_hours) > 0 AND NOT EXISTS (
  FROM hours WHERE day = lower(strftime(s.started_at, '%a')) AND CAST(s.started_at AS TIME) >= opens AND CAST(s.started_at AS TIME) < closes
)
UNION ALL
SELECT s.scope, s.subject, s.started_at, s.event_id, 'started in the freeze until ' || strftime(w.closes, '%Y-%m-%d %H:%M') || ' UTC'
FROM started s JOIN windows w ON s.started_at >= w.opens AND s.started_at < w.closes
UNION ALL
SELECT artifact_scope(p.artifact), artifact_ref(p.artifact), p.event_time, p.event_id, 'promoted in the freeze until ' || strftime(w.closes, '%Y-%m-%d %H:%M') || ' UTC'
FROM promotion p JOIN windows w ON p.event_time >= w.opens AND p.event_time < w.closes
WHERE p.action = 'promote' AND artifact_scope(p.artifact) IN (SELECT scope FROM touched)
UNION ALL
SELECT p.scope, artifact_ref(p.model), p.event_time, p.event_id,
  a.metric || ' of ' || a.slice || ' went from ' || round(b.value, 3) || ' to ' || round(a.value, 3) || ' while the whole hardly moved'
FROM pair p
JOIN slice_now a ON a.event_id = p.event_id
JOIN slice_before b ON b.event_id = p.event_id AND b.slice = a.slice AND b.metric = a.metric
LEFT JOIN flat ON flat.event_id = p.event_id
WHERE a.n >= $min_slice AND b.n >= $min_slice AND coalesce(flat.flat, true)
  AND CASE WHEN regexp_matches(lower(a.metric), 'loss|error|(^|_)(fpr|fnr|mae|mse|rmse|perplexity|wer)($|_)') THEN a.value - b.value ELSE b.value - a.value END > $max_slice_drop
UNION ALL
SELECT scope, artifact_ref(model), event_time, event_id, 'it failed the ' || replace(suite.kind, '_', ' ') || ' suite ' || suite.name
FROM judged
WHERE suite.kind IN ('canary', 'trigger_probe') AND outcome = 'fail'
