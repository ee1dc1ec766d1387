-- name:    artifact_names
-- title:   Which stored names can this text of a REF mean?
-- kind:    lookup
-- params:  kind VARCHAR            -- dataset, model, ...
--          path VARCHAR            -- [namespace/]name, as the person wrote it
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: namespace VARCHAR
--          name VARCHAR
-- reads:   artifact_version
-- order:   longest namespace first
-- since:   0.1
-- why:     Where the namespace ends cannot be told from the text, since both parts may hold
--          slashes: every stored name that reads so is a row (ADR-0006).
SELECT namespace, name
FROM artifact_version
WHERE kind = $kind
  AND (namespace || '/' || name = $path OR (namespace = 'default' AND name = $path))
  AND known_from <= coalesce($known_at::TIMESTAMP, known_from)
  AND coalesce(known_to > $known_at::TIMESTAMP, known_to IS NULL)
GROUP BY namespace, name
ORDER BY CASE WHEN name = $path THEN 0 ELSE length(namespace) END DESC
