-- id:      DP-009
-- uuid:    a2c2a122-6065-52d2-9083-fea7a63323d2
-- title:   Validation reject-rate burst
-- status:  stable
-- version: 1.0.0
-- severity: medium
-- confidence: medium
-- atlas:   AML.T0020, AML.T0046
-- owasp:   LLM04:2025, ML02:2023
-- reads:   validation
-- clock:   commit
-- key:     artifact
-- window:  1 day
-- params:  min_rows BIGINT=50 -- rows checked in the hour, at least
--          factor DOUBLE=3.0 -- times the median of the 30 days before
--          floor DOUBLE=0.05 -- share of rejected rows that is always borne
-- false:   a schema change upstream; a broken release of the validator
-- runbook: docs/runbooks/DP-009.md
-- why:     A check rejected far more rows than it did in the 30 days before: somebody is trying
--          what gets through, or a source broke. Counted per artifact, check and hour.
WITH hourly AS (
  SELECT artifact_scope(artifact) AS scope, "check".tool AS tool, "check".name AS check_name,
    time_bucket(INTERVAL 1 HOUR, event_time) AS hour, sum(rows_checked) AS checked, sum(rows_rejected) AS rejected,
    min(event_id) AS event_id, max(event_time) AS seen_at
  FROM validation
  WHERE rows_checked > 0 AND rows_rejected IS NOT NULL AND artifact_scope(artifact) IN (SELECT scope FROM touched)
  GROUP BY ALL
), rated AS (
  SELECT *, rejected / checked AS ratio,
    median(rejected / checked) OVER (
      PARTITION BY scope, tool, check_name ORDER BY hour
      RANGE BETWEEN INTERVAL 30 DAYS PRECEDING AND INTERVAL 1 HOUR PRECEDING
    ) AS usual
  FROM hourly
), burst AS (
  SELECT * FROM rated
  WHERE checked >= $min_rows AND ratio > greatest($factor * coalesce(usual, 0), $floor)
)
SELECT scope, scope AS subject, seen_at, event_id,
  check_name || ' rejected ' || rejected || ' of ' || checked || ' rows (' || round(100 * ratio, 1) || ' %, usually '
    || round(100 * coalesce(usual, 0), 1) || ' %)' AS reason
FROM burst
