-- name:    store_counts
-- title:   How much does the store hold, and how new is it?
-- kind:    state
-- params:
-- returns: batches BIGINT
--          events BIGINT
--          rejects BIGINT
--          producers BIGINT
--          epochs BIGINT
--          runs BIGINT
--          artifact_versions BIGINT
--          datasets BIGINT            -- names, not versions
--          models BIGINT              -- names, not versions
--          model_versions BIGINT
--          newest_event_time TIMESTAMP
--          newest_ingest_time TIMESTAMP
-- reads:   batch, event, reject, run_event, artifact_version
-- order:   one row
-- since:   0.1
-- why:     The first look at an installation: is anything in it, is it still coming?
SELECT
  (SELECT count(*) FROM batch) AS batches,
  (SELECT count(*) FROM event) AS events,
  (SELECT count(*) FROM reject) AS rejects,
  (SELECT count(DISTINCT producer) FROM batch) AS producers,
  (SELECT count(DISTINCT (producer, epoch)) FROM batch) AS epochs,
  (SELECT count(DISTINCT (producer, run_id)) FROM run_event) AS runs,
  (SELECT count(*) FROM artifact_version WHERE known_to IS NULL) AS artifact_versions,
  (
    SELECT count(DISTINCT (namespace, name))
    FROM artifact_version
    WHERE kind = 'dataset' AND known_to IS NULL
  ) AS datasets,
  (
    SELECT count(DISTINCT (namespace, name))
    FROM artifact_version
    WHERE kind = 'model' AND known_to IS NULL
  ) AS models,
  (
    SELECT count(*)
    FROM artifact_version
    WHERE kind = 'model' AND known_to IS NULL
  ) AS model_versions,
  (SELECT max(event_time) FROM event) AS newest_event_time,
  (SELECT max(ingest_time) FROM batch) AS newest_ingest_time
