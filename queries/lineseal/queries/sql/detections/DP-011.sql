-- id:      DP-011
-- uuid:    bcd421af-f594-5d36-9e79-719d17278ffe
-- title:   Near-duplicate injection burst
-- status:  experimental
-- version: 1.0.0
-- severity: medium
-- confidence: low
-- atlas:   AML.T0020
-- owasp:   LLM04:2025, ML02:2023
-- reads:   registration
-- clock:   commit
-- key:     artifact
-- window:  1 day
-- params:  min_rows BIGINT=100 -- rows of the profile, at least
--          factor DOUBLE=3.0 -- times the median of earlier versions
--          floor DOUBLE=0.05 -- share of near-duplicates that is always borne
-- false:   promotions and templated tickets; resampled or augmented data
-- runbook: docs/runbooks/DP-011.md
-- why:     A version holds a far larger share of near-duplicate rows than the versions before
--          it: copies of a few rows are a cheap way to weigh a label. Needs profiles, as
--          lineseal profile makes them.
WITH profiled AS (
  SELECT event_time, event_id, subject_scope(subject) AS scope, subject_ref(subject) AS ref,
    profile.rows AS total, profile.near_duplicates / profile.rows AS share
  FROM registration
  WHERE profile.rows > 0 AND profile.near_duplicates IS NOT NULL
    AND subject_scope(subject) IN (SELECT scope FROM touched)
), compared AS (
  SELECT *, median(share) OVER (
      PARTITION BY scope ORDER BY event_time RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING
    ) AS usual
  FROM profiled
)
SELECT scope, ref AS subject, event_time AS seen_at, event_id,
  round(100 * share, 1) || ' % of ' || total || ' rows are near-duplicates, usually ' || round(100 * coalesce(usual, 0), 1) || ' %' AS reason
FROM compared
WHERE total >= $min_rows AND share > greatest($factor * coalesce(usual, 0), $floor)
