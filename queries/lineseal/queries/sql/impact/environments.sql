-- name:    environments
-- title:   Where were these artifact versions promoted to last?
-- kind:    impact
-- params:  ids BIGINT[]            -- artifact versions: surrogates of this store
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: artifact_version_id BIGINT
--          environment VARCHAR     -- null: retired, or the event names none
-- reads:   artifact_version, promotion
-- order:   none
-- since:   0.1
-- why:     Affected and in production comes before affected and on a shelf. The newest action
--          counts. Where both sides give a digest the digests decide, else the version.
WITH node AS (
  SELECT artifact_version_id, kind, namespace, name, version, digest
  FROM artifact_version
  WHERE artifact_version_id IN (SELECT unnest($ids::BIGINT[]))
    AND known_from <= coalesce($known_at::TIMESTAMP, known_from)
    AND coalesce(known_to > $known_at::TIMESTAMP, known_to IS NULL)
)
SELECT
  node.artifact_version_id,
  arg_max_null(
    CASE WHEN promotion.action <> 'retire' THEN promotion.to_environment END,
    (promotion.event_time, promotion.event_id)
  ) AS environment
FROM node
JOIN promotion
  ON promotion.artifact.kind = node.kind
  AND promotion.artifact.namespace = node.namespace
  AND promotion.artifact.name = node.name
  AND coalesce(
    promotion.artifact.digest = node.digest,
    promotion.artifact.version = node.version,
    false
  )
WHERE promotion.event_time <= coalesce($as_of::TIMESTAMP, promotion.event_time)
  AND promotion.ingest_time <= coalesce($known_at::TIMESTAMP, promotion.ingest_time)
GROUP BY node.artifact_version_id
