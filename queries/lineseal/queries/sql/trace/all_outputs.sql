-- name:    all_outputs
-- title:   What did all runs write?
-- kind:    trace
-- params:  as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: run BIGINT
--          artifact_version_id BIGINT
--          reasons UTINYINT        -- bits as in ddl/0003; 0 when exact
-- reads:   version_writer
-- order:   none
-- since:   0.2
-- why:     Once a walk has grown long or wide, reading every edge once is faster than asking for
--          thousands of keys, hop by hop.
SELECT run, artifact_version_id, reasons
FROM version_writer
WHERE ($as_of::TIMESTAMP IS NULL OR event_time <= $as_of)
  AND CASE
    WHEN $known_at::TIMESTAMP IS NULL THEN known_to IS NULL
    ELSE known_from <= $known_at AND (known_to IS NULL OR known_to > $known_at)
  END
