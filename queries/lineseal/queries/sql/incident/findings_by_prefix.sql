-- name:    findings_by_prefix
-- title:   Which findings about chains and keys have ids that start so?
-- kind:    incident
-- params:  prefix VARCHAR         -- lower-case hex
-- returns: finding_id VARCHAR
--          opened_at TIMESTAMP    -- the newest time it opened
--          code VARCHAR
--          producer VARCHAR
--          detail VARCHAR
--          open BOOLEAN
-- reads:   finding
-- order:   finding_id
-- since:   0.2
-- why:     The same finding may have been closed and opened again; it is one.
SELECT
  finding_id,
  max(opened_at) AS opened_at,
  any_value(code) AS code,
  any_value(producer) AS producer,
  arg_max(detail, opened_at) AS detail,
  bool_or(closed_at IS NULL) AS open
FROM finding
WHERE starts_with(finding_id, $prefix::VARCHAR)
GROUP BY finding_id
ORDER BY finding_id
