-- name:    run_details
-- title:   With which code, environment and parameters did these runs run?
-- kind:    statement
-- params:  producers VARCHAR[]     -- with run_ids: one pair for each run
--          run_ids VARCHAR[]       -- same length as producers
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: producer VARCHAR
--          run_id VARCHAR
--          code STRUCT(repository VARCHAR, "commit" VARCHAR, dirty BOOLEAN, entry_point VARCHAR)
--          environment STRUCT(image_digest VARCHAR, lockfile_digest VARCHAR, python VARCHAR, platform VARCHAR)
--          trigger VARCHAR
--          message VARCHAR
--          parameters STRUCT("key" VARCHAR, "value" VARCHAR)[] -- sorted, each pair once
--          metrics STRUCT("name" VARCHAR, "value" DOUBLE)[]    -- sorted, each pair once
-- reads:   run_event
-- order:   none
-- since:   0.2
-- why:     A run may say these in several events; what its newest event says counts, parameters
--          and metrics are those of all. What ties an event to the document it came as
--          ("openlineage.*") is no parameter of the run.
SELECT
  producer,
  run_id,
  arg_max(code, (event_time, event_id)) FILTER (code IS NOT NULL) AS code,
  arg_max(environment, (event_time, event_id)) FILTER (environment IS NOT NULL) AS environment,
  arg_max("trigger", (event_time, event_id)) FILTER ("trigger" IS NOT NULL) AS "trigger",
  arg_max(message, (event_time, event_id)) FILTER (message IS NOT NULL) AS message,
  list_filter(
    list_sort(list_distinct(flatten(list(coalesce(parameters, []))))),
    lambda pair: NOT starts_with(pair.key, 'openlineage.')
  ) AS parameters,
  list_sort(list_distinct(flatten(list(coalesce(metrics, []))))) AS metrics
FROM run_event
SEMI JOIN (
  SELECT unnest($producers::VARCHAR[]) AS producer, unnest($run_ids::VARCHAR[]) AS run_id
) AS wanted USING (producer, run_id)
WHERE ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
  AND event_time <= coalesce($as_of::TIMESTAMP, event_time)
GROUP BY producer, run_id
