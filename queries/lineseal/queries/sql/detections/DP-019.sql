-- id:      DP-019
-- uuid:    526eb4b0-89f4-5ed9-91ec-32f19814ee83
-- title:   Override without reason, expired, or in a burst
-- status:  stable
-- version: 1.0.0
-- severity: medium
-- confidence: medium
-- atlas:   AML.T0012, AML.T0046
-- owasp:   ML06:2023
-- reads:   override, run_io, promotion
-- clock:   commit
-- key:     person, or target
-- window:  1 day
-- params:  min_reason BIGINT=8 -- characters of a reason, at least
--          burst BIGINT=5 -- overrides of one person within an hour
-- false:   incident handling; a batch of corrections recorded one by one
-- runbook: docs/runbooks/DP-019.md
-- why:     People overrule the pipeline without saying why, one of them does it again and
--          again, or an override is relied on after it ran out. Acknowledging alerts does not
--          count; corrections of single labels within one run are one.
WITH said AS (
  SELECT o.*, e.run_id, subject_scope(o.target) AS scope, subject_ref(o.target) AS ref
  FROM override o JOIN event e USING (event_id)
  WHERE o.target.type <> 'alert'
    AND (subject_scope(o.target) IN (SELECT scope FROM touched) OR 'person:' || person_key(o.made_by) IN (SELECT scope FROM touched))
), act AS (
  -- Many corrections within one run are one act.
  SELECT person_key(made_by) AS person, coalesce(run_id, event_id) AS act, min(event_time) AS event_time, min(event_id) AS event_id
  FROM override o JOIN event e USING (event_id, event_time)
  WHERE o.target.type <> 'alert' AND 'person:' || person_key(made_by) IN (SELECT scope FROM touched)
  GROUP BY ALL
), counted AS (
  SELECT *, count(*) OVER (PARTITION BY person ORDER BY event_time RANGE BETWEEN INTERVAL 1 HOUR PRECEDING AND CURRENT ROW) AS acts
  FROM act
)
SELECT scope, ref AS subject, event_time AS seen_at, event_id, made_by || ' gave no reason worth the name' AS reason
FROM said
WHERE length(trim(reason)) < $min_reason
  OR regexp_matches(lower(trim(reason)), '^(n/?a|none|no reason|test(ing)?|ok(ay)?|fix(ed)?|asap|urgent|because|as discussed|see above|tbd|todo|[[:punct:][:space:]]*)[.!]*$')
UNION ALL
SELECT 'person:' || person, 'person:' || person, event_time, event_id, acts || ' overrides within an hour'
FROM counted WHERE acts >= $burst
UNION ALL
SELECT s.scope, s.ref, io.event_time, io.event_id, 'run ' || io.run_id || ' relied on the override of ' || s.made_by || ' after it ran out'
FROM said s
JOIN run_io io ON io.kind = s.target.artifact.kind AND io.namespace = s.target.artifact.namespace AND io.name = s.target.artifact.name
WHERE io.direction = 'input' AND is_about(s.target.artifact, io) AND io.event_time >= make_timestamp(s.expires_at)
  AND NOT EXISTS (
    FROM said later WHERE later.ref = s.ref AND later.event_time > s.event_time AND later.event_time <= io.event_time
      AND coalesce(make_timestamp(later.expires_at) > io.event_time, true)
  )
UNION ALL
SELECT s.scope, s.ref, p.event_time, p.event_id, 'it was promoted after the override of ' || s.made_by || ' ran out'
FROM said s
JOIN promotion p ON is_about(p.artifact, s.target.artifact)
WHERE p.action = 'promote' AND p.event_time >= make_timestamp(s.expires_at)
