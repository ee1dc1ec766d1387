-- name:    descendants
-- title:   What was made from these artifact versions, however far away?
-- kind:    impact
-- params:  ids BIGINT[]            -- artifact versions: surrogates of this store
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: artifact_version_id BIGINT
-- reads:   version_reader, run_output
-- order:   none
-- since:   0.1
-- why:     Once a walk has grown wide, one statement that reads both copies once for each hop is
--          faster than asking for thousands of keys. Includes the versions it starts from.
WITH RECURSIVE near AS MATERIALIZED (
  SELECT artifact_version_id, run
  FROM version_reader
  WHERE true
  AND ($as_of::TIMESTAMP IS NULL OR event_time <= $as_of)
  AND CASE
    WHEN $known_at::TIMESTAMP IS NULL THEN known_to IS NULL
    ELSE known_from <= $known_at AND (known_to IS NULL OR known_to > $known_at)
  END
), far AS MATERIALIZED (
  SELECT run, artifact_version_id
  FROM run_output
  WHERE true
  AND ($as_of::TIMESTAMP IS NULL OR event_time <= $as_of)
  AND CASE
    WHEN $known_at::TIMESTAMP IS NULL THEN known_to IS NULL
    ELSE known_from <= $known_at AND (known_to IS NULL OR known_to > $known_at)
  END
), visited AS (
  SELECT unnest($ids::BIGINT[]) AS artifact_version_id
  UNION
  SELECT far.artifact_version_id
  FROM visited
  JOIN near USING (artifact_version_id)
  JOIN far ON near.run = far.run
)
SELECT artifact_version_id FROM visited
