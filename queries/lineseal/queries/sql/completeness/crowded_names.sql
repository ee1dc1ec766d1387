-- name:    crowded_names
-- title:   Of which artifacts could a read or a write mean too many versions?
-- kind:    completeness
-- params:  as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: artifact_version_id BIGINT -- of the unknown version that stands for them
--          written BOOLEAN         -- a run wrote it so; else a run read it so
-- reads:   version_reader, version_writer
-- order:   none
-- since:   0.1
-- why:     Such an edge leads to the unknown version of the name instead of to its candidates
--          (ADR-0004), so a walk that meets a candidate must say that there may be more. The bit
--          is the highest, so that row groups without one are skipped.
SELECT DISTINCT artifact_version_id, false AS written
FROM version_reader
WHERE reasons >= 64
  AND ($as_of::TIMESTAMP IS NULL OR event_time <= $as_of)
  AND CASE
    WHEN $known_at::TIMESTAMP IS NULL THEN known_to IS NULL
    ELSE known_from <= $known_at AND (known_to IS NULL OR known_to > $known_at)
  END
UNION ALL
SELECT DISTINCT artifact_version_id, true
FROM version_writer
WHERE reasons >= 64
  AND ($as_of::TIMESTAMP IS NULL OR event_time <= $as_of)
  AND CASE
    WHEN $known_at::TIMESTAMP IS NULL THEN known_to IS NULL
    ELSE known_from <= $known_at AND (known_to IS NULL OR known_to > $known_at)
  END
