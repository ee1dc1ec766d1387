-- id:      DP-037
-- uuid:    a1ffd2f1-d35a-5de6-a94d-b75684aae664
-- title:   Write or grant on training data outside policy, or granted and never used
-- status:  stable
-- version: 1.0.0
-- severity: medium
-- confidence: medium
-- atlas:   AML.T0012
-- owasp:   ML02:2023
-- reads:   access
-- clock:   tick
-- key:     principal and resource
-- window:  none
-- params:  data_writers VARCHAR[]=[] -- [policy] data_writers; empty: writes and grants are not checked
--          unused_days BIGINT=30 -- how long a grant may lie unused
-- false:   a break-glass account; access that is kept for audits
-- runbook: docs/runbooks/DP-037.md
-- why:     Somebody who may not wrote to data, or was given the right to; or a right was given
--          and in a month never used, which is one more door. Denied attempts do not count.
WITH done AS (
  SELECT *, subject_scope(resource) AS scope, subject_ref(resource) AS ref,
    CASE WHEN action = 'grant' THEN coalesce(granted_to, principal) ELSE principal END AS who
  FROM access
  WHERE outcome = 'allowed' AND (resource.artifact IS NULL OR is_data(resource.artifact.kind)) AND event_time <= $now
), allowed AS (
  SELECT lower(regexp_extract(w, '^(.*)=([^=]*)$', 1)) AS who, regexp_extract(w, '^(.*)=([^=]*)$', 2) AS start FROM (SELECT unnest($data_writers) AS w)
)
SELECT scope, 'person:' || person_key(who) || ' at ' || scope AS subject, event_time AS seen_at, event_id,
  CASE action WHEN 'grant' THEN principal || ' granted access to ' || who ELSE who || ' wrote to it' END || ', which the policy does not allow' AS reason
FROM done d
WHERE action IN ('write', 'grant') AND resource.artifact IS NOT NULL AND len($data_writers) > 0
  AND NOT EXISTS (FROM allowed a WHERE a.who IN (lower(d.who), person_key(d.who)) AND (a.start = '*' OR starts_with(d.scope, a.start)))
UNION ALL
SELECT scope, 'person:' || person_key(who) || ' at ' || scope, event_time + to_days(CAST($unused_days AS INTEGER)), event_id,
  'granted to ' || who || ' on ' || strftime(event_time, '%Y-%m-%d') || ' and never used since'
FROM done g
WHERE action = 'grant' AND $now > event_time + to_days(CAST($unused_days AS INTEGER))
  AND NOT EXISTS (
    FROM done u
    WHERE u.event_time >= g.event_time AND u.scope = g.scope
      AND ((u.action IN ('read', 'write', 'create') AND person_key(u.principal) = person_key(g.who))
        OR (u.action = 'revoke' AND person_key(coalesce(u.granted_to, u.principal)) = person_key(g.who)))
  )
