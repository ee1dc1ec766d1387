-- name:    runs
-- title:   What is each run now that these events are known?
-- params:  ingest_time TIMESTAMP -- of the commit; null: of every commit there was
-- makes:   run_now
-- why:     A run is what its events up to a moment say, so each moment at which one of them
--          arrived gives one row. A run new in this commit has no older event; then the older
--          ones are not even looked at.

CREATE OR REPLACE TEMP TABLE arrival AS
SELECT DISTINCT producer, run_id, ingest_time AS known_from
FROM run_event
WHERE ingest_time = coalesce($ingest_time::TIMESTAMP, ingest_time);

CREATE OR REPLACE TEMP TABLE known_run AS
SELECT DISTINCT run, producer, run_id
FROM run_fact
SEMI JOIN arrival USING (producer, run_id);

CREATE OR REPLACE TEMP TABLE run_now AS
WITH numbered AS (
  SELECT
    producer, run_id,
    coalesce(run, least((SELECT coalesce(min(run), 0) FROM run_fact), 0) - row_number() OVER (
      PARTITION BY run IS NULL ORDER BY first_known, producer, run_id
    )) AS run
  FROM (SELECT producer, run_id, min(known_from) AS first_known FROM arrival GROUP BY ALL)
  LEFT JOIN known_run USING (producer, run_id)
), own_event AS (
  SELECT * FROM run_event
  WHERE ingest_time = coalesce($ingest_time::TIMESTAMP, ingest_time)
  UNION ALL
  SELECT * FROM run_event
  SEMI JOIN known_run USING (producer, run_id)
  WHERE ingest_time < $ingest_time::TIMESTAMP
)
SELECT
  numbered.run,
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
  list_sort(list(DISTINCT epoch)) AS epochs,
  arrival.known_from,
  lead(arrival.known_from) OVER (PARTITION BY numbered.run ORDER BY arrival.known_from)
    AS known_to
FROM own_event
JOIN arrival USING (producer, run_id)
JOIN numbered USING (producer, run_id)
WHERE own_event.ingest_time <= arrival.known_from
GROUP BY numbered.run, producer, run_id, arrival.known_from;

UPDATE run_fact SET known_to = $ingest_time
WHERE run IN (SELECT run FROM known_run) AND known_to IS NULL;

DROP TABLE known_run;
DROP TABLE arrival;
