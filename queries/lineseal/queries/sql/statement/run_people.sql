-- name:    run_people
-- title:   Which people acted in these runs?
-- kind:    statement
-- params:  producers VARCHAR[]     -- with run_ids: one pair for each run
--          run_ids VARCHAR[]       -- same length as producers
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: producer VARCHAR
--          run_id VARCHAR
--          actor_id VARCHAR
-- reads:   event
-- order:   none
-- since:   0.2
-- why:     Who made a version must not be the one who approves it.
SELECT DISTINCT producer, run_id, actor_id
FROM event
SEMI JOIN (
  SELECT unnest($producers::VARCHAR[]) AS producer, unnest($run_ids::VARCHAR[]) AS run_id
) AS wanted USING (producer, run_id)
WHERE actor_kind = 'human'
  AND ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
  AND event_time <= coalesce($as_of::TIMESTAMP, event_time)
