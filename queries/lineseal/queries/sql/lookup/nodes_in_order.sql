-- name:    nodes_in_order
-- title:   Which artifact versions are these, in the order of their names?
-- kind:    lookup
-- params:  ids BIGINT[]            -- surrogates of this store
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: artifact_version_id BIGINT
--          kind VARCHAR
--          namespace VARCHAR
--          name VARCHAR
--          version VARCHAR
--          digest VARCHAR
--          producer VARCHAR        -- with run_id: only where the run is the identity
--          run_id VARCHAR
--          reference VARCHAR       -- the REF that means this version and no other
-- reads:   artifact_version
-- order:   kind, namespace, name, version, digest, producer, run_id
-- since:   0.2
-- why:     As nodes.sql, for answers of many thousand versions, which are made in columns.
SELECT
  artifact_version_id,
  kind,
  namespace,
  name,
  version,
  digest,
  producer,
  run_id,
  kind || ':' || namespace || '/' || name || '@' || CASE
    WHEN conflict AND version <> '' AND digest <> '' THEN version || '@' || digest
    ELSE coalesce(
      nullif(version, ''), nullif(digest, ''), 'run:' || producer || '/' || run_id, 'unknown'
    )
  END AS reference
FROM artifact_version
WHERE artifact_version_id IN (SELECT unnest($ids::BIGINT[]))
  AND CASE
    WHEN $known_at::TIMESTAMP IS NULL THEN known_to IS NULL
    ELSE known_from <= $known_at AND (known_to IS NULL OR known_to > $known_at)
  END
ORDER BY
  kind, namespace, name, version NULLS FIRST, digest NULLS FIRST, producer NULLS FIRST,
  run_id NULLS FIRST
