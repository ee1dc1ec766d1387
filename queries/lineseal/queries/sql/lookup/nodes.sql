-- name:    nodes
-- title:   Which artifact versions are these?
-- kind:    lookup
-- params:  ids BIGINT[]            -- surrogates of this store
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
--          version VARCHAR=NULL    -- those of this version or of none and no digest; null: all
--          digest_prefix VARCHAR=NULL
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
-- order:   none
-- since:   0.1
-- why:     The walk over the edges carries integers; this gives them their names.
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
WHERE artifact_version_id IN (SELECT unnest($ids::BIGINT[]))
  AND CASE
    WHEN $known_at::TIMESTAMP IS NULL THEN known_to IS NULL
    ELSE known_from <= $known_at AND (known_to IS NULL OR known_to > $known_at)
  END
  AND (
    $version::VARCHAR IS NULL OR version = $version OR (version IS NULL AND digest IS NULL)
  )
  AND ($digest_prefix::VARCHAR IS NULL OR starts_with(digest, $digest_prefix))
