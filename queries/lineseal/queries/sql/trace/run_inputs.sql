-- name:    run_inputs
-- title:   What did these runs read?
-- kind:    trace
-- params:  producers VARCHAR[]     -- with run_ids: one pair for each run
--          run_ids VARCHAR[]       -- same length as producers
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: producer VARCHAR
--          run_id VARCHAR
--          artifact_version_id BIGINT
--          exact BOOLEAN           -- the version is named, not inferred
--          reasons VARCHAR[]       -- why it is not exact; empty when it is
-- reads:   edge
-- order:   none
-- since:   0.1
-- why:     Second half of a hop upstream: from the runs to what they were made from.
SELECT producer, run_id, artifact_version_id, exact, reasons
FROM edge
SEMI JOIN (
  SELECT unnest($producers::VARCHAR[]) AS producer, unnest($run_ids::VARCHAR[]) AS run_id
) AS wanted USING (producer, run_id)
WHERE direction = 'input'
  AND event_time <= coalesce($as_of::TIMESTAMP, event_time)
  AND known_from <= coalesce($known_at::TIMESTAMP, known_from)
  AND coalesce(known_to > $known_at::TIMESTAMP, known_to IS NULL)
