-- name:    run_outputs
-- title:   What did these runs write?
-- kind:    impact
-- params:  runs BIGINT[]           -- runs: surrogates of this store
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: run BIGINT
--          artifact_version_id BIGINT
--          reasons UTINYINT        -- bits as in ddl/0003; 0 when exact
-- reads:   run_output
-- order:   none
-- since:   0.1
-- why:     Second half of a hop downstream: everything a run wrote may carry what it read.
SELECT run, artifact_version_id, reasons
FROM run_output
WHERE run IN (SELECT unnest($runs::BIGINT[]))
  AND ($as_of::TIMESTAMP IS NULL OR event_time <= $as_of)
  AND CASE
    WHEN $known_at::TIMESTAMP IS NULL THEN known_to IS NULL
    ELSE known_from <= $known_at AND (known_to IS NULL OR known_to > $known_at)
  END
