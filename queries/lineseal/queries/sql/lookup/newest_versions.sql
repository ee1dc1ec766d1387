-- name:    newest_versions
-- title:   Which of these versions is no newer version of their name known to replace?
-- kind:    lookup
-- params:  ids BIGINT[]            -- artifact versions: surrogates of this store
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: artifact_version_id BIGINT
-- reads:   artifact_version
-- order:   none
-- since:   0.2
-- why:     What was replaced need not be made again. By when a version appeared; of several that
--          appeared at once each is the newest.
WITH known AS (
  SELECT artifact_version_id, kind, namespace, name, appeared_at
  FROM artifact_version
  WHERE made
    AND appeared_at <= coalesce($as_of::TIMESTAMP, appeared_at)
    AND known_from <= coalesce($known_at::TIMESTAMP, known_from)
    AND coalesce(known_to > $known_at::TIMESTAMP, known_to IS NULL)
), wanted AS (
  SELECT artifact_version_id, kind, namespace, name, appeared_at
  FROM known
  WHERE artifact_version_id IN (SELECT unnest($ids::BIGINT[]))
), latest AS (
  SELECT kind, namespace, name, max(appeared_at) AS appeared_at
  FROM known
  SEMI JOIN wanted USING (kind, namespace, name)
  GROUP BY kind, namespace, name
)
SELECT artifact_version_id
FROM wanted
SEMI JOIN latest USING (kind, namespace, name, appeared_at)
