-- id:      DP-004
-- uuid:    bc7f736b-1b19-53b0-8b72-c304a7fb2ae8
-- title:   Replayed or stale event
-- status:  stable
-- version: 1.0.0
-- severity: medium
-- confidence: medium
-- atlas:   AML.T0074
-- owasp:   ML06:2023
-- reads:   event, batch, finding, reject
-- clock:   commit
-- key:     producer
-- window:  1 day
-- params:  stale_days BIGINT=7 -- how old an event may be when it is sealed
--          ahead_minutes BIGINT=60 -- how far its time may lie after the sealing
-- false:   a legitimate back-fill (declare it as origin import); a host that was offline for a
--          week
-- runbook: docs/runbooks/DP-004.md
-- why:     Old records are played back as new ones, or events carry times they cannot have.
--          Compared with when the producer sealed the batch, and with when the log stored it
--          where the log says so; never with our own clock, so a rebuilt store says the same.
--          The same event delivered twice is no replay.
WITH told AS (
  SELECT e.*, b.created_at
  FROM event e
  JOIN batch b USING (producer, epoch, batch_seq)
  WHERE 'producer:' || e.producer IN (SELECT scope FROM touched)
), odd AS (
  SELECT producer, event_time, event_id,
    'event ' || event_id || ' is ' || date_diff('day', event_time, created_at) || ' days older than its batch' AS what
  FROM told
  WHERE origin <> 'import' AND event_time < created_at - to_days(CAST($stale_days AS INTEGER))
  UNION ALL
  SELECT producer, event_time, event_id, 'event ' || event_id || ' lies after the sealing of its batch'
  FROM told
  WHERE event_time > created_at + to_minutes($ahead_minutes)
  UNION ALL
  SELECT producer, event_time, event_id, 'event ' || event_id || ' reached the log days after it happened'
  FROM told
  WHERE origin <> 'import' AND logged_at > event_time + to_days(CAST($stale_days AS INTEGER))
  UNION ALL
  SELECT a.producer, a.event_time, a.event_id, 'event id ' || a.event_id || ' was used for two different events'
  FROM told a
  SEMI JOIN (
    SELECT event_id FROM event GROUP BY event_id HAVING count(DISTINCT leaf_sha256) > 1
  ) USING (event_id)
  UNION ALL
  SELECT coalesce(producer, log_key), coalesce(logged_at, ingest_time), NULL,
    'REPLAY: record ' || left(raw_sha256, 16) || ' was refused'
  FROM reject
  WHERE code = 'REPLAY' AND 'producer:' || log_key IN (SELECT scope FROM touched)
  UNION ALL
  SELECT producer, span_start, NULL, 'REPLAY in epoch ' || epoch || ': ' || detail
  FROM finding
  WHERE code = 'REPLAY' AND closed_at IS NULL
    AND 'producer:' || producer IN (SELECT scope FROM touched)
)
SELECT 'producer:' || producer AS scope, 'producer:' || producer AS subject, event_time AS seen_at,
  event_id, what AS reason
FROM odd
