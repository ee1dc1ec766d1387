-- name:    run_facts
-- title:   What is known about these runs, and in which epochs do their events stand?
-- kind:    completeness
-- params:  producers VARCHAR[]     -- with run_ids: one pair for each run
--          run_ids VARCHAR[]       -- same length as producers
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: producer VARCHAR
--          run_id VARCHAR
--          job_namespace VARCHAR
--          job_name VARCHAR
--          stage VARCHAR
--          state VARCHAR
--          started_at TIMESTAMP    -- earliest event of the run
--          ended_at TIMESTAMP      -- latest event of the run, included
--          epochs VARCHAR[]        -- sorted
-- reads:   run_event
-- order:   none
-- since:   0.1
-- why:     The view run has no bound on ingest time and no epochs; otherwise this is the same.
SELECT
  producer,
  run_id,
  arg_min(job_namespace, (event_time, event_id)) AS job_namespace,
  arg_min(job_name, (event_time, event_id)) AS job_name,
  arg_min(stage, (event_time, event_id)) FILTER (stage IS NOT NULL) AS stage,
  coalesce(
    arg_max(state, (event_time, event_id)) FILTER (state IN ('COMPLETE', 'FAIL', 'ABORT')),
    arg_max(state, (event_time, event_id))
  ) AS state,
  min(event_time) AS started_at,
  max(event_time) AS ended_at,
  list_sort(list(DISTINCT epoch)) AS epochs
FROM run_event
SEMI JOIN (
  SELECT unnest($producers::VARCHAR[]) AS producer, unnest($run_ids::VARCHAR[]) AS run_id
) AS wanted USING (producer, run_id)
WHERE ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
GROUP BY producer, run_id
