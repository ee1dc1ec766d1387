-- name:    name_versions
-- title:   Which versions of this artifact are there?
-- kind:    lookup
-- params:  kind VARCHAR            -- dataset, model, ...
--          namespace VARCHAR
--          name VARCHAR
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: artifact_version_id BIGINT
--          kind VARCHAR
--          namespace VARCHAR
--          name VARCHAR
--          version VARCHAR
--          digest VARCHAR
--          producer VARCHAR        -- with run_id: only where the run is the identity
--          run_id VARCHAR
--          conflict BOOLEAN        -- its version has several digests
--          appeared_at TIMESTAMP   -- earliest event time that names it
-- reads:   artifact_version
-- order:   version, digest, producer, run_id
-- since:   0.1
-- why:     Versions, digests cut short and runs are matched by the caller, who also needs the
--          others to say what could have been meant.
SELECT
  artifact_version_id,
  kind,
  namespace,
  name,
  version,
  digest,
  producer,
  run_id,
  conflict,
  appeared_at
FROM artifact_version
WHERE kind = $kind AND namespace = $namespace AND name = $name
  AND known_from <= coalesce($known_at::TIMESTAMP, known_from)
  AND coalesce(known_to > $known_at::TIMESTAMP, known_to IS NULL)
ORDER BY version, digest, producer, run_id
