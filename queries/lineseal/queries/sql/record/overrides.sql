-- name:    overrides
-- title:   Who overrode what, and why?
-- kind:    record
-- params:  made_by VARCHAR=NULL  -- null: anybody
--          since TIMESTAMP=NULL  -- event time, included; null: no bound
--          until TIMESTAMP=NULL  -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: event_time TIMESTAMP
--          producer VARCHAR
--          event_id VARCHAR
--          target JSON
--          before VARCHAR
--          after VARCHAR
--          made_by VARCHAR
--          approved_by VARCHAR
--          own_key BOOLEAN       -- signed by the personal key of made_by
--          reason VARCHAR
--          items_affected BIGINT
--          expires_at BIGINT     -- microseconds UTC, the end excluded
-- reads:   override
-- order:   event_time, producer, event_id
-- since:   0.2
-- why:     Human overrides are what an auditor asks for first.
SELECT
  event_time,
  producer,
  event_id,
  to_json(target) AS target,
  before,
  after,
  made_by,
  approved_by,
  coalesce(actor_verified AND actor_kind = 'human' AND actor_id = made_by, false) AS own_key,
  reason,
  items_affected,
  expires_at
FROM override
WHERE made_by = coalesce($made_by::VARCHAR, made_by)
  AND event_time >= coalesce($since::TIMESTAMP, event_time)
  AND event_time <= coalesce($until::TIMESTAMP, event_time)
  AND ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
ORDER BY event_time, producer, event_id
