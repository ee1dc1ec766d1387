-- name:    alerts_by_prefix
-- title:   Which alerts have ids that start so?
-- kind:    incident
-- params:  prefix VARCHAR         -- lower-case
-- returns: alert_id VARCHAR
--          first_seen TIMESTAMP
--          rule_id VARCHAR
--          severity VARCHAR
--          status VARCHAR
--          subject VARCHAR
--          title VARCHAR
--          decided_by VARCHAR
-- reads:   alert
-- order:   alert_id
-- since:   0.2
-- why:     People paste the start of an id.
SELECT alert_id, first_seen, rule_id, severity, status, subject, title, decided_by
FROM alert
WHERE starts_with(alert_id, $prefix::VARCHAR)
ORDER BY alert_id
