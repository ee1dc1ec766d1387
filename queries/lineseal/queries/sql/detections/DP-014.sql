-- id:      DP-014
-- uuid:    8d39c78f-3ccd-5993-896c-11e205a5571f
-- title:   Reviewer agreement drop or override-rate or latency anomaly
-- status:  experimental
-- version: 1.0.0
-- severity: medium
-- confidence: low
-- atlas:   AML.T0046, AML.T0012
-- owasp:   ML02:2023
-- reads:   label_review
-- clock:   commit
-- key:     reviewer and label set
-- window:  1 day
-- params:  max_drop DOUBLE=0.15 -- agreement below the median of earlier reviews
--          min_agreement DOUBLE=0.4 -- where there is no earlier review
--          min_items BIGINT=20 -- items compared or reviewed, at least
--          min_seconds DOUBLE=2.0 -- time per item below which nobody looked
-- false:   a new guideline; an easy queue; a tool that pre-fills answers
-- runbook: docs/runbooks/DP-014.md
-- why:     Reviewers agree much less than they did, or somebody decides faster than a person
--          can look: labels are waved through, or somebody works against the others. Needs
--          label reviews with agreement or latency.
WITH said AS (
  SELECT *, artifact_scope(label_set) AS scope, coalesce(annotator, vendor, actor_id) AS who
  FROM label_review
  WHERE artifact_scope(label_set) IN (SELECT scope FROM touched)
), agreed AS (
  SELECT *, median(agreement.value) OVER (
      PARTITION BY scope, agreement.metric ORDER BY event_time RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING
    ) AS usual
  FROM said
  WHERE agreement IS NOT NULL AND agreement.n >= $min_items
), odd AS (
  SELECT scope, who, event_time, event_id,
    agreement.metric || ' is ' || round(agreement.value, 2) || coalesce(', usually ' || round(usual, 2), '') AS what
  FROM agreed
  WHERE CASE WHEN usual IS NULL THEN agreement.value < $min_agreement ELSE agreement.value < usual - $max_drop END
  UNION ALL
  SELECT scope, who, event_time, event_id, items || ' items were decided in ' || round(latency_seconds, 1) || ' s each'
  FROM said
  WHERE method = 'human' AND items >= $min_items AND latency_seconds < $min_seconds
)
SELECT scope, 'person:' || person_key(who) || ' at ' || scope AS subject, event_time AS seen_at, event_id, what AS reason
FROM odd
