-- name:    open_alerts
-- title:   Which alerts of these severities are not closed?
-- kind:    gate
-- params:  severities VARCHAR[]
-- returns: alert_id VARCHAR
--          rule_id VARCHAR
--          severity VARCHAR
--          status VARCHAR       -- open, acknowledged
--          subject VARCHAR
--          scope VARCHAR
--          title VARCHAR
--          evidence VARCHAR[]   -- event ids
-- reads:   alert
-- order:   subject, rule_id, alert_id
-- since:   0.2
-- why:     Somebody who looks into an alert has not explained it yet: acknowledged is not closed.
SELECT alert_id, rule_id, severity, status, subject, scope, title, evidence
FROM alert
WHERE status <> 'closed' AND list_contains($severities::VARCHAR[], severity)
ORDER BY subject, rule_id, alert_id
