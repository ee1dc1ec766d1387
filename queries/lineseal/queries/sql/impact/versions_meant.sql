-- name:    versions_meant
-- title:   Which artifact versions can these descriptions mean?
-- kind:    impact
-- params:  kinds VARCHAR[]      -- one description at each place of the five lists
--          namespaces VARCHAR[]
--          names VARCHAR[]
--          versions VARCHAR[]   -- null, with digest: every version
--          digests VARCHAR[]
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: place BIGINT         -- of the description, from 0
--          artifact_version_id BIGINT
--          names VARCHAR        -- digest, version, name; conflict: its version has several digests
-- reads:   artifact_version
-- order:   none
-- since:   0.2
-- why:     As a statement means a version (statements_about), but none is left out that may be meant:
--          to suspect too little would call clean what is not.
WITH described AS (
  SELECT
    unnest(range(len($kinds::VARCHAR[]))) AS place,
    unnest($kinds::VARCHAR[]) AS kind,
    unnest($namespaces::VARCHAR[]) AS namespace,
    unnest($names::VARCHAR[]) AS name,
    unnest($versions::VARCHAR[]) AS version,
    unnest($digests::VARCHAR[]) AS digest
)
SELECT
  described.place,
  node.artifact_version_id,
  CASE
    WHEN described.digest IS NOT NULL AND node.digest IS NOT NULL THEN 'digest'
    WHEN described.version IS NULL THEN 'name'
    WHEN node.conflict THEN 'conflict'
    ELSE 'version'
  END AS names
FROM described
JOIN artifact_version AS node USING (kind, namespace, name)
WHERE (
    (described.version IS NULL AND described.digest IS NULL)
    OR coalesce(described.digest = node.digest, described.version = node.version, false)
  )
  AND node.appeared_at <= coalesce($as_of::TIMESTAMP, node.appeared_at)
  AND node.known_from <= coalesce($known_at::TIMESTAMP, node.known_from)
  AND coalesce(node.known_to > $known_at::TIMESTAMP, node.known_to IS NULL)
