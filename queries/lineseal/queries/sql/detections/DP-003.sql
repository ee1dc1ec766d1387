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
--          history was cut out, forked or rolled back. A missing batch counts once the batch
--          behind it is older than the lateness at the tick.
WITH ordered AS (
  SELECT *,
    lag(batch_seq, 1, -1) OVER chain AS previous_seq,
    lag(header_sha256) OVER chain AS previous_sha256
  FROM batch
  WINDOW chain AS (PARTITION BY producer, epoch ORDER BY batch_seq)
), broken AS (
  SELECT producer, epoch, created_at,
    'batches ' || previous_seq + 1 || ' to ' || batch_seq - 1 || ' are missing' AS what
  FROM ordered
  WHERE batch_seq > previous_seq + 1
    AND created_at <= $now - to_minutes($lateness_minutes)
  UNION ALL
  SELECT producer, epoch, created_at,
    'batch ' || batch_seq || ' does not follow the batch before it'
  FROM ordered
  WHERE batch_seq = previous_seq + 1 AND batch_seq > 0 AND prev_header_sha256 <> ''
    AND prev_header_sha256 <> previous_sha256
  UNION ALL
  SELECT b.producer, b.genesis.prev_epoch, b.created_at,
    'the last batches up to ' || b.genesis.prev_batch_seq || ' never arrived'
  FROM batch b
  WHERE b.genesis.prev_epoch IS NOT NULL
    AND b.created_at <= $now - to_minutes($lateness_minutes)
    AND NOT EXISTS (
      FROM batch p
      WHERE p.producer = b.producer AND p.epoch = b.genesis.prev_epoch
        AND p.batch_seq >= b.genesis.prev_batch_seq
    )
  UNION ALL
  SELECT producer, epoch, created_at, 'the outbox was ' || genesis.reason || ' before this epoch'
  FROM batch
  WHERE genesis.reason IN ('lost', 'rolled back')
  UNION ALL
  SELECT coalesce(producer, log_key), coalesce(epoch, 'unknown'), coalesce(logged_at, ingest_time),
    code || ': record ' || left(raw_sha256, 16) || ' was refused'
  FROM reject
  WHERE code IN ('FORK', 'LOG_GAP')
  UNION ALL
  SELECT producer, epoch, span_start, code || ': ' || detail
  FROM finding
  WHERE code = 'FORK' AND closed_at IS NULL
)
SELECT
  'producer:' || producer AS scope,
  'producer:' || producer || '#' || epoch AS subject,
  created_at AS seen_at,
  CAST(NULL AS VARCHAR) AS event_id,
  what AS reason
FROM broken
