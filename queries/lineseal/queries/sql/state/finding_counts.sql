-- name:    finding_counts
-- title:   How many findings are open, by code?
-- kind:    state
-- params:
-- returns: code VARCHAR
--          findings BIGINT
-- reads:   finding
-- order:   code
-- since:   0.1
-- why:     Zero is what an installation should show; 'lineseal producers' has the rest.
SELECT code, count(DISTINCT finding_id) AS findings
FROM finding
WHERE closed_at IS NULL
GROUP BY code
ORDER BY code
