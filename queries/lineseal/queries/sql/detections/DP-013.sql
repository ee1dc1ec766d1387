-- id:      DP-013
-- uuid:    6afe7360-866a-51ed-8356-e2366451b451
-- title:   Label flips concentrated in one annotator or session
-- status:  stable
-- version: 1.0.0
-- severity: high
-- confidence: medium
-- atlas:   AML.T0020, AML.T0012
-- owasp:   LLM04:2025, ML02:2023
-- reads:   label_review, override
-- clock:   commit
-- key:     annotator and label set
-- window:  1 day
-- params:  min_flips BIGINT=15 -- flips toward one class, at least
--          min_share DOUBLE=0.5 -- share of all flips toward it
--          min_rate DOUBLE=0.1 -- share of the annotator's items, where nobody else reviewed
-- false:   an assigned re-labelling campaign; one annotator who clears a queue of hard cases
-- runbook: docs/runbooks/DP-013.md
-- why:     One person, or one session under that name, makes most of the flips toward one class
--          within a day. Label overrides that say how many items they changed count as flips.
--          Where nobody else reviewed that day, the share of the reviewer's own items counts.
WITH said AS (
  SELECT label_set AS artifact, event_time, event_id, coalesce(annotator, vendor, actor_id) AS who,
    coalesce(items, 0) AS items, unnest(CASE WHEN len(flips) > 0 THEN flips ELSE [NULL] END) AS flip
  FROM label_review
  WHERE artifact_scope(label_set) IN (SELECT scope FROM touched)
  UNION ALL
  SELECT target.artifact, event_time, event_id, made_by, items_affected,
    {'from_label': "before", 'to_label': "after", 'count': items_affected}
  FROM override
  WHERE target.artifact.kind = 'label_set' AND items_affected > 0
    AND artifact_scope(target.artifact) IN (SELECT scope FROM touched)
), day AS (
  SELECT artifact_scope(artifact) AS scope, time_bucket(INTERVAL 1 DAY, event_time) AS day, *
  FROM said
), toward AS (
  SELECT scope, day, person_key(who) AS person, any_value(who) AS who, flip.to_label AS to_label,
    sum(flip.count) AS flips, max(event_time) AS seen_at, min(event_id) AS event_id
  FROM day
  WHERE flip IS NOT NULL
  GROUP BY scope, day, person, to_label
), everybody AS (
  SELECT scope, day, flip.to_label AS to_label, sum(flip.count) AS flips FROM day WHERE flip IS NOT NULL GROUP BY ALL
), reviewer AS (
  SELECT scope, day, count(DISTINCT person_key(who)) AS people FROM day GROUP BY ALL
), seen AS (
  SELECT scope, day, person, sum(items) AS items
  FROM (SELECT DISTINCT scope, day, person_key(who) AS person, event_id, items FROM day)
  GROUP BY ALL
)
SELECT t.scope, 'person:' || t.person || ' at ' || t.scope AS subject, t.seen_at, t.event_id,
  t.who || ' made ' || t.flips || ' of ' || e.flips || ' flips toward ' || t.to_label AS reason
FROM toward t
JOIN everybody e USING (scope, day, to_label)
JOIN reviewer USING (scope, day)
JOIN seen USING (scope, day, person)
WHERE t.flips >= $min_flips AND t.flips >= $min_share * e.flips
  AND (people > 1 OR t.flips >= $min_rate * greatest(seen.items, t.flips))
