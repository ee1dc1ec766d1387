-- id:      DP-036
-- uuid:    5f267004-2645-5052-b353-4d8c6d97a89e
-- title:   Burst of rejected records together with a principal first seen shortly before
-- status:  stable
-- version: 1.0.0
-- severity: high
-- confidence: medium
-- atlas:   AML.T0020, AML.T0012, AML.T0046
-- owasp:   LLM04:2025, ML02:2023
-- reads:   validation, reject, access
-- clock:   tick
-- key:     principal
-- window:  none
-- params:  min_rows BIGINT=50 -- rows checked in the hour, at least
--          factor DOUBLE=3.0 -- times the median of the 30 days before
--          floor DOUBLE=0.05 -- share of rejected rows that is always borne
--          min_rejects BIGINT=10 -- refused lineage records within an hour that are a burst
--          hours DOUBLE=24.0 -- how shortly before the principal was first seen
-- false:   a new colleague on the day a source changes its format
-- runbook: docs/runbooks/DP-036.md
-- why:     A principal nobody knew before got or used access to the data, and within a day a
--          check rejects far more rows than usual, or lineage records are refused in numbers:
--          somebody new is trying what gets through. Access events come from the importers or
--          the emitter.
WITH hourly AS (
  SELECT artifact_scope(artifact) AS scope, "check".tool AS tool, "check".name AS check_name,
    time_bucket(INTERVAL 1 HOUR, event_time) AS hour, sum(rows_checked) AS checked, sum(rows_rejected) AS rejected,
    min(event_id) AS event_id, max(event_time) AS seen_at
  FROM validation
  WHERE rows_checked > 0 AND rows_rejected IS NOT NULL
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
), refused AS (
  SELECT time_bucket(INTERVAL 1 HOUR, coalesce(logged_at, ingest_time)) AS hour, count(DISTINCT raw_sha256) AS number,
    max(coalesce(logged_at, ingest_time)) AS seen_at
  FROM reject
  GROUP BY ALL
  HAVING count(DISTINCT raw_sha256) >= $min_rejects
), burst_of AS (
  SELECT scope, seen_at, event_id, check_name || ' rejected ' || rejected || ' of ' || checked || ' rows of ' || scope AS what FROM burst
  UNION ALL
  SELECT NULL, seen_at, NULL, number || ' lineage records were refused' FROM refused
), actor AS (
  SELECT principal AS who, event_time, event_id, resource, action FROM access
  UNION ALL
  SELECT granted_to, event_time, event_id, resource, action FROM access WHERE granted_to IS NOT NULL AND action = 'grant'
), first_seen AS (
  SELECT person_key(who) AS person, any_value(who) AS who, min(event_time) AS since,
    arg_min(event_id, (event_time, event_id)) AS event_id
  FROM actor
  GROUP BY person_key(who)
), near AS (
  SELECT f.*, a.resource
  FROM first_seen f JOIN actor a ON person_key(a.who) = f.person
  WHERE a.action IN ('create', 'grant', 'write', 'read') AND a.event_time < f.since + to_milliseconds(CAST($hours * 3600000 AS BIGINT))
)
SELECT DISTINCT 'person:' || n.person AS scope, 'person:' || n.person AS subject, b.seen_at,
  coalesce(b.event_id, n.event_id) AS event_id,
  n.who || ', first seen ' || strftime(n.since, '%Y-%m-%d %H:%M') || ' UTC; then ' || b.what AS reason
FROM near n
JOIN burst_of b ON b.seen_at >= n.since AND b.seen_at < n.since + to_milliseconds(CAST($hours * 3600000 AS BIGINT))
WHERE b.scope IS NULL OR n.resource.artifact IS NULL
  OR n.resource.artifact.namespace = split_part(split_part(b.scope, ':', 2), '/', 1)
  OR starts_with(b.scope, n.resource.artifact.kind || ':' || n.resource.artifact.namespace || '/')
