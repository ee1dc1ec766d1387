-- name:    run_facts
-- title:   What is known about these runs, and in which epochs do their events stand?
-- kind:    completeness
-- params:  runs BIGINT[]           -- runs: surrogates of this store
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: run BIGINT
--          producer VARCHAR
--          run_id VARCHAR
--          job_namespace VARCHAR
--          job_name VARCHAR
--          stage VARCHAR
--          state VARCHAR
--          started_at TIMESTAMP    -- earliest event of the run
--          ended_at TIMESTAMP      -- latest event of the run, included
--          epochs VARCHAR[]        -- sorted
-- reads:   run_fact
-- order:   none
-- since:   0.1
-- why:     The view run has no bound on ingest time and no epochs; otherwise this is the same.
SELECT
  run, producer, run_id, job_namespace, job_name, stage, state, started_at, ended_at, epochs
FROM run_fact
WHERE run IN (SELECT unnest($runs::BIGINT[]))
  AND CASE
    WHEN $known_at::TIMESTAMP IS NULL THEN known_to IS NULL
    ELSE known_from <= $known_at AND (known_to IS NULL OR known_to > $known_at)
  END
