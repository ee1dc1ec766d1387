-- id:      DP-003
-- uuid:    0bceae27-cb6a-5e99-991f-22f54b41a69b
-- title:   Gap, fork or reorder in a producer's hash chain
-- status:  stable
-- version: 1.0.0
-- severity: high
-- confidence: high
-- atlas:   AML.T0074, AML.T0059
-- owasp:   ML06:2023
-- reads:   batch, finding, reject
-- clock:   tick
-- key:     producer and epoch
-- window:  none
-- params:  lateness_minutes BIGINT=15 -- how long a missing batch may take to arrive
-- false:   a producer restored from a backup; log retention shorter than a consumer's outage
-- runbook: docs/runbooks/DP-003.md
-- why:     Records of this producer are missing, or two different ones claim the same place:
--          history was cut out, forked or rolled back. The table finding says so, whatever order
--          batches came in (docs/findings.md). A gap counts once the batch behind it is older
--          than the lateness at the tick; it is over when the batches arrive.
WITH named AS (
  SELECT producer, genesis.prev_epoch AS epoch, max(created_at) AS named_at
  FROM batch
  WHERE genesis.prev_epoch IS NOT NULL
  GROUP BY ALL
), broken AS (
  SELECT f.producer, f.epoch, coalesce(f.span_end, named.named_at, f.span_start, f.opened_at) AS seen_at,
    f.code || ': ' || f.detail AS what
  FROM finding f
  LEFT JOIN named USING (producer, epoch)
  WHERE f.code IN ('GAP', 'FORK', 'OUTBOX_ROLLBACK', 'COUNTER_JUMP') AND f.closed_at IS NULL
    AND (f.code <> 'GAP'
      OR coalesce(f.span_end, named.named_at, f.span_start) <= $now - to_minutes($lateness_minutes))
  UNION ALL
  SELECT coalesce(producer, log_key), coalesce(epoch, 'unknown'), coalesce(logged_at, ingest_time),
    code || ': record ' || left(raw_sha256, 16) || ' was refused'
  FROM reject
  WHERE code IN ('FORK', 'LOG_GAP')
)
SELECT
  'producer:' || producer AS scope,
  'producer:' || producer || '#' || epoch AS subject,
  seen_at,
  CAST(NULL AS VARCHAR) AS event_id,
  what AS reason
FROM broken
