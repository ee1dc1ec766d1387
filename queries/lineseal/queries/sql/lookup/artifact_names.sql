-- name:    artifact_names
-- title:   Which stored names can this text of a REF mean?
-- kind:    lookup
-- params:  kind VARCHAR            -- dataset, model, ...
--          path VARCHAR            -- [namespace/]name, as the person wrote it
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: namespace VARCHAR
--          name VARCHAR
-- reads:   artifact_version, version_name
-- order:   longest namespace first
-- since:   0.1
-- why:     Where the namespace ends cannot be told from the text, since both parts may hold
--          slashes: every stored name that reads so is a row (ADR-0006).
SELECT namespace, name
FROM artifact_version
WHERE artifact_version_id IN (
    SELECT artifact_version_id
    FROM version_name
    WHERE name_hash IN (md5_number_lower($path), md5_number_lower('default/' || $path))
  )
  AND kind = $kind
  AND (namespace || '/' || name = $path OR (namespace = 'default' AND name = $path))
  AND CASE
    WHEN $known_at::TIMESTAMP IS NULL THEN known_to IS NULL
    ELSE known_from <= $known_at AND (known_to IS NULL OR known_to > $known_at)
  END
GROUP BY namespace, name
ORDER BY CASE WHEN name = $path THEN 0 ELSE length(namespace) END DESC
