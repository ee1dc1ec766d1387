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
-- reads:   artifact_version, version_name
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
WHERE artifact_version_id IN (
    SELECT artifact_version_id
    FROM version_name
    WHERE name_hash = md5_number_lower($namespace || '/' || $name)
  )
  AND kind = $kind AND namespace = $namespace AND name = $name
  AND CASE
    WHEN $known_at::TIMESTAMP IS NULL THEN known_to IS NULL
    ELSE known_from <= $known_at AND (known_to IS NULL OR known_to > $known_at)
  END
ORDER BY version, digest, producer, run_id
