-- name:    same_artifacts
-- title:   Which artifact versions do these descriptions mean, with all their versions and digests?
-- kind:    containment
-- params:  kinds VARCHAR[]      -- one description at each place of the five lists
--          namespaces VARCHAR[]
--          names VARCHAR[]
--          versions VARCHAR[]   -- null, with digest: every version
--          digests VARCHAR[]
-- returns: place BIGINT         -- of the description, from 0
--          artifact_version_id BIGINT
--          kind VARCHAR
--          namespace VARCHAR
--          name VARCHAR
--          version VARCHAR
--          digest VARCHAR
-- reads:   artifact_version
-- order:   place, kind, namespace, name, version, digest, artifact_version_id
-- since:   0.2
-- why:     Who stops a version means its bytes: what has the same digest is the same thing under
--          another name.
WITH described AS (
  SELECT
    unnest(range(len($kinds::VARCHAR[]))) AS place,
    unnest($kinds::VARCHAR[]) AS kind,
    unnest($namespaces::VARCHAR[]) AS namespace,
    unnest($names::VARCHAR[]) AS name,
    unnest($versions::VARCHAR[]) AS version,
    unnest($digests::VARCHAR[]) AS digest
), current AS (
  SELECT artifact_version_id, kind, namespace, name, version, digest
  FROM artifact_version
  WHERE known_to IS NULL
), named AS (
  SELECT described.place, current.*
  FROM described
  JOIN current
    ON current.kind = described.kind
    AND current.namespace = described.namespace
    AND current.name = described.name
    AND (
      (described.version IS NULL AND described.digest IS NULL)
      OR coalesce(described.digest = current.digest, false)
      OR (described.digest IS NULL AND described.version = current.version)
    )
)
SELECT place, artifact_version_id, kind, namespace, name, version, digest FROM named
UNION
SELECT named.place, current.*
FROM named
JOIN described ON described.place = named.place
JOIN current ON current.digest = named.digest
WHERE described.version IS NOT NULL OR described.digest IS NOT NULL
ORDER BY place, kind, namespace, name, version, digest, artifact_version_id
