-- name:    registrations
-- title:   Which of these artifact versions are registered, by whom, and which are opaque?
-- kind:    completeness
-- params:  ids BIGINT[]            -- artifact versions: surrogates of this store
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: artifact_version_id BIGINT
--          opaque BOOLEAN          -- some registration says: made from what is not disclosed
--          owner VARCHAR           -- of the newest registration that names one
--          proven BOOLEAN          -- some registration stands in a batch that is trusted
-- reads:   artifact_version, registered_name, event, untrusted_batch
-- order:   none
-- since:   0.1
-- why:     One row for each version that a registration covers (ADR-0005): it names the
--          artifact alone, or this version of it. Where both sides give a digest the digests
--          decide, else the version, unless that version has several digests: who registered
--          it cannot have meant all of them. Opaque once is opaque: taking it back proves
--          nothing. An unsigned import registers nothing, nor does a batch that proves nothing
--          (ADR-0012); what such a batch calls opaque is opaque all the same.
WITH node AS (
  SELECT
    artifact_version_id, kind, namespace, name, version, digest, conflict,
    md5_number_lower(namespace || '/' || name) AS name_hash
  FROM artifact_version
  WHERE artifact_version_id IN (SELECT unnest($ids::BIGINT[]))
    AND CASE
      WHEN $known_at::TIMESTAMP IS NULL THEN known_to IS NULL
      ELSE known_from <= $known_at AND (known_to IS NULL OR known_to > $known_at)
    END
), doubtful AS (
  SELECT DISTINCT event.producer, event.event_id
  FROM event
  JOIN untrusted_batch USING (producer, epoch, batch_seq)
  WHERE known_from <= coalesce($known_at::TIMESTAMP, known_from)
    AND coalesce(known_to > $known_at::TIMESTAMP, known_to IS NULL)
), registered AS (
  SELECT registered_name.*, doubtful.event_id IS NULL AS proven
  FROM registered_name
  LEFT JOIN doubtful USING (producer, event_id)
  WHERE name_hash IN (SELECT name_hash FROM node)
    AND ($as_of::TIMESTAMP IS NULL OR event_time <= $as_of)
    AND ($known_at::TIMESTAMP IS NULL OR ingest_time <= $known_at)
)
SELECT
  node.artifact_version_id,
  bool_or(coalesce(registered.opaque, false)) AS opaque,
  arg_max(registered.owner, (registered.event_time, registered.event_id))
    FILTER (registered.owner IS NOT NULL) AS owner,
  bool_or(registered.proven) AS proven
FROM node
JOIN registered
  ON registered.name_hash = node.name_hash
  AND registered.kind = node.kind
  AND registered.namespace = node.namespace
  AND registered.name = node.name
  AND (
    (registered.version IS NULL AND registered.digest IS NULL)
    OR coalesce(
      registered.digest = node.digest,
      registered.version = node.version AND NOT node.conflict,
      false
    )
  )
GROUP BY node.artifact_version_id
