-- name:    runs_in_order
-- title:   What is known about these runs, in the order of their names?
-- kind:    completeness
-- params:  runs BIGINT[]           -- runs: surrogates of this store
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: run BIGINT
--          producer VARCHAR
--          run_id VARCHAR
--          job VARCHAR             -- namespace/name; null: no event names it
--          stage VARCHAR
--          state VARCHAR
--          started_at VARCHAR      -- earliest event of the run, RFC 3339 in UTC
--          ended_at VARCHAR        -- latest event of the run, included
--          chain VARCHAR           -- producer and epochs that carry its events, as JSON
-- reads:   run_fact
-- order:   producer, run_id
-- since:   0.2
-- why:     As run_facts.sql, for answers of many thousand versions, which are made in columns.
SELECT
  run,
  producer,
  run_id,
  job_namespace || '/' || job_name AS job,
  stage,
  state,
  strftime(started_at, '%Y-%m-%dT%H:%M:%S.%fZ') AS started_at,
  strftime(ended_at, '%Y-%m-%dT%H:%M:%S.%fZ') AS ended_at,
  to_json(list_prepend(producer, epochs))::VARCHAR AS chain
FROM run_fact
WHERE run IN (SELECT unnest($runs::BIGINT[]))
  AND CASE
    WHEN $known_at::TIMESTAMP IS NULL THEN known_to IS NULL
    ELSE known_from <= $known_at AND (known_to IS NULL OR known_to > $known_at)
  END
ORDER BY producer, run_id
