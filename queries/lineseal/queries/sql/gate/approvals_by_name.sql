-- name:    approvals_by_name
-- title:   What was decided at gates about sources and suppliers?
-- kind:    gate
-- params:  as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: type VARCHAR            -- source, supplier
--          name VARCHAR
--          producer VARCHAR
--          event_id VARCHAR
--          event_time TIMESTAMP
-- reads:   approval
-- order:   event_time, event_id, producer
-- since:   0.2
-- why:     A source may be approved once, instead of every version that comes from it.
SELECT DISTINCT subject.type AS type, subject.name AS name, producer, event_id, event_time
FROM approval
WHERE subject.type IN ('source', 'supplier')
  AND subject.name IS NOT NULL
  AND event_time <= coalesce($as_of::TIMESTAMP, event_time)
  AND ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
ORDER BY event_time, event_id, producer
