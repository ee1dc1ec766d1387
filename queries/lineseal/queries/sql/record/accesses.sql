-- name:    accesses
-- title:   Who read, wrote or was granted what?
-- kind:    record
-- params:  principal VARCHAR=NULL -- null: anybody
--          since TIMESTAMP=NULL   -- event time, included; null: no bound
--          until TIMESTAMP=NULL   -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: event_time TIMESTAMP
--          producer VARCHAR
--          event_id VARCHAR
--          principal VARCHAR
--          action VARCHAR
--          outcome VARCHAR
--          resource JSON
--          granted_to VARCHAR
--          reason VARCHAR
--          origin VARCHAR          -- import: as another system logged it
-- reads:   access
-- order:   event_time, producer, event_id
-- since:   0.2
-- why:     Correlates data with identity: who touched it, and who was let in shortly before.
SELECT
  event_time,
  producer,
  event_id,
  principal,
  action,
  outcome,
  to_json(resource) AS resource,
  granted_to,
  reason,
  origin
FROM access
WHERE principal = coalesce($principal::VARCHAR, principal)
  AND event_time >= coalesce($since::TIMESTAMP, event_time)
  AND event_time <= coalesce($until::TIMESTAMP, event_time)
  AND ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
ORDER BY event_time, producer, event_id
