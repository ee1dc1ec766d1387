-- name:    readers
-- title:   Which runs read these artifact versions?
-- kind:    impact
-- params:  ids BIGINT[]            -- artifact versions: surrogates of this store
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
-- why:     First half of a hop downstream: from the artifacts to the runs that used them.
SELECT producer, run_id, artifact_version_id, exact, reasons
FROM edge
WHERE direction = 'input'
  AND artifact_version_id IN (SELECT unnest($ids::BIGINT[]))
  AND event_time <= coalesce($as_of::TIMESTAMP, event_time)
  AND known_from <= coalesce($known_at::TIMESTAMP, known_from)
  AND coalesce(known_to > $known_at::TIMESTAMP, known_to IS NULL)
