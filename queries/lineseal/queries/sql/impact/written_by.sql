-- name:    written_by
-- title:   What did the runs of this key, producer, person or stage, or of this time, write?
-- kind:    impact
-- params:  type VARCHAR=NULL       -- key, producer, person or stage; null: anybody
--          name VARCHAR=NULL       -- of a key its id
--          since TIMESTAMP=NULL    -- event time, included; null: no bound
--          until TIMESTAMP=NULL    -- event time, included; null: no bound
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: artifact_version_id BIGINT
--          producer VARCHAR
--          run_id VARCHAR
--          reasons UTINYINT        -- bits as in ddl/0003; 0 when exact
--          own_key BOOLEAN         -- a person's own key signed an event of the run
-- reads:   event, run_fact, run_output
-- order:   none
-- since:   0.2
-- why:     One event of a run is enough: who has a hand in a run has one in all it writes. A run
--          counts for a time when any of it lies in there.
WITH spoke AS (
  SELECT producer, run_id, bool_or(actor_verified AND actor_kind = 'human') AS own_key
  FROM event
  WHERE body = 'run'
    AND CASE $type::VARCHAR
      WHEN 'key' THEN keyid = $name::VARCHAR
      WHEN 'producer' THEN producer = $name
      WHEN 'stage' THEN stage = $name
      WHEN 'person' THEN actor_kind = 'human' AND person_key(actor_id) = person_key($name)
      ELSE $type IS NULL
    END
    AND ($as_of::TIMESTAMP IS NULL OR event_time <= $as_of)
    AND ($known_at::TIMESTAMP IS NULL OR ingest_time <= $known_at)
  GROUP BY producer, run_id
), ran AS (
  SELECT run_fact.run, spoke.*
  FROM spoke
  JOIN run_fact USING (producer, run_id)
  WHERE CASE
      WHEN $known_at::TIMESTAMP IS NULL THEN run_fact.known_to IS NULL
      ELSE run_fact.known_from <= $known_at
        AND (run_fact.known_to IS NULL OR run_fact.known_to > $known_at)
    END
    AND ($since::TIMESTAMP IS NULL OR run_fact.ended_at >= $since)
    AND ($until::TIMESTAMP IS NULL OR run_fact.started_at <= $until)
)
SELECT
  run_output.artifact_version_id, ran.producer, ran.run_id, run_output.reasons, ran.own_key
FROM ran
JOIN run_output USING (run)
WHERE ($as_of::TIMESTAMP IS NULL OR run_output.event_time <= $as_of)
  AND CASE
    WHEN $known_at::TIMESTAMP IS NULL THEN run_output.known_to IS NULL
    ELSE run_output.known_from <= $known_at
      AND (run_output.known_to IS NULL OR run_output.known_to > $known_at)
  END
