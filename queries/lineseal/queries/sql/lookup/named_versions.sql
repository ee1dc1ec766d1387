-- name:    named_versions
-- title:   Which versions may there be of what this text of a REF can mean?
-- kind:    lookup
-- params:  path VARCHAR            -- [namespace/]name, as the person wrote it
-- returns: artifact_version_id BIGINT
-- reads:   version_name
-- order:   none
-- since:   0.2
-- why:     Where the namespace ends cannot be told from the text, since both parts may hold
--          slashes: every stored name that reads so is meant (ADR-0006). A hash finds candidates
--          of any kind; who they are, nodes.sql tells. In one statement with it DuckDB would
--          compare every name there is.
SELECT artifact_version_id
FROM version_name
WHERE name_hash IN (md5_number_lower($path), md5_number_lower('default/' || $path))
