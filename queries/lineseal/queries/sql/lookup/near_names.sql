-- name:    near_names
-- title:   Which stored names look like this one?
-- kind:    lookup
-- params:  kind VARCHAR=NULL       -- null: of any kind
--          path VARCHAR            -- [namespace/]name, as the person wrote it
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: kind VARCHAR
--          namespace VARCHAR
--          name VARCHAR
-- reads:   artifact_version
-- order:   likest first, then kind, namespace, name
-- since:   0.1
-- why:     Somebody mistyped a REF. Only suggestions: the fifty likest names, compared with
--          and without their namespace, and without regard to case.
WITH names AS (
  SELECT DISTINCT kind, namespace, name
  FROM artifact_version
  WHERE kind = coalesce($kind::VARCHAR, kind)
    AND known_from <= coalesce($known_at::TIMESTAMP, known_from)
    AND coalesce(known_to > $known_at::TIMESTAMP, known_to IS NULL)
)
SELECT kind, namespace, name
FROM names
ORDER BY
  greatest(
    jaro_winkler_similarity(lower(namespace || '/' || name), lower($path)),
    jaro_winkler_similarity(lower(name), lower($path))
  ) DESC,
  kind, namespace, name
LIMIT 50
