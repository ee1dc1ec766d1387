-- name:    registrations
-- title:   Which of these artifact versions are registered, by whom, and which are opaque?
-- kind:    completeness
-- params:  ids BIGINT[]            -- artifact versions: surrogates of this store
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: artifact_version_id BIGINT
--          opaque BOOLEAN          -- some registration says: made from what is not disclosed
--          owner VARCHAR           -- of the newest registration that names one
-- reads:   artifact_version, registration
-- order:   none
-- since:   0.1
-- why:     One row for each version that a registration covers (ADR-0005): it names the
--          artifact alone, or this version of it. Where both sides give a digest the digests
--          decide, else the version, unless that version has several digests: who registered
--          it cannot have meant all of them. Opaque once is opaque: taking it back proves
--          nothing. An unsigned import registers nothing.
WITH node AS (
  SELECT artifact_version_id, kind, namespace, name, version, digest, conflict
  FROM artifact_version
  WHERE artifact_version_id IN (SELECT unnest($ids::BIGINT[]))
    AND known_from <= coalesce($known_at::TIMESTAMP, known_from)
    AND coalesce(known_to > $known_at::TIMESTAMP, known_to IS NULL)
), registered AS (
  SELECT subject.artifact AS artifact, opaque, owner, event_time, event_id
  FROM registration
  WHERE subject.artifact.kind IS NOT NULL AND origin IS DISTINCT FROM 'import'
    AND event_time <= coalesce($as_of::TIMESTAMP, event_time)
    AND ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
)
SELECT
  node.artifact_version_id,
  bool_or(coalesce(registered.opaque, false)) AS opaque,
  arg_max(registered.owner, (registered.event_time, registered.event_id))
    FILTER (registered.owner IS NOT NULL) AS owner
FROM node
JOIN registered
  ON registered.artifact.kind = node.kind
  AND registered.artifact.namespace = node.namespace
  AND registered.artifact.name = node.name
  AND (
    (registered.artifact.version IS NULL AND registered.artifact.digest IS NULL)
    OR coalesce(
      registered.artifact.digest = node.digest,
      registered.artifact.version = node.version AND NOT node.conflict,
      false
    )
  )
GROUP BY node.artifact_version_id
