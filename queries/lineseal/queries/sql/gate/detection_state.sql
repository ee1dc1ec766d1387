-- name:    detection_state
-- title:   Have the detections seen everything that is in the store?
-- kind:    gate
-- params:
-- returns: rules BIGINT      -- that ran under the newest policy
--          behind BIGINT     -- of those that judge commits, which have not seen the newest
-- reads:   detection, log_entry
-- order:   one row
-- since:   0.2
-- why:     No open alert means nothing when nobody looked. Rules about absence look at their own
--          moments (tick_time), never more often than [detect] tick_seconds.
WITH newest AS (
  SELECT arg_max(policy_sha256, last_run_at) AS policy_sha256 FROM detection
)
SELECT
  count(*) AS rules,
  count(*) FILTER (
    tick_time IS NULL
    AND coalesce(watermark < (SELECT max(ingest_time) FROM log_entry), true)
  ) AS behind
FROM detection
SEMI JOIN newest USING (policy_sha256)
