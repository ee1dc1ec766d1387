-- id:      DP-038
-- uuid:    24e862ae-b3ab-5de8-92bf-ac3564a3890a
-- title:   Containment lifted or ordered by somebody without the role
-- status:  stable
-- version: 1.0.0
-- severity: high
-- confidence: high
-- atlas:   AML.T0012
-- owasp:   ML06:2023
-- reads:   containment
-- clock:   commit
-- key:     subject of the order
-- window:  none
-- params:  containment_officers VARCHAR[]=[] -- [policy] containment_officers; empty: anybody under their own key
-- false:   break-glass in an incident, ratified later
-- runbook: docs/runbooks/DP-038.md
-- why:     What is contained was set free, or something was frozen, by an order that is not
--          proven under the key of who gave it, by somebody without the role, or approved by
--          the very person who ordered the release.
WITH told AS (
  SELECT *, subject_scope(subject) AS scope, subject_ref(subject) AS ref
  FROM containment
  WHERE subject_scope(subject) IN (SELECT scope FROM touched)
)
SELECT scope, ref AS subject, event_time AS seen_at, event_id, action || ' in the name of ' || ordered_by || ', not proven under their key' AS reason
FROM told WHERE NOT actor_verified
UNION ALL
SELECT scope, ref, event_time, event_id, action || ' by ' || ordered_by || ', who does not have the role'
FROM told
WHERE len($containment_officers) > 0
  AND NOT list_contains(list_transform($containment_officers, lambda officer: person_key(officer)), person_key(ordered_by))
UNION ALL
SELECT scope, ref, event_time, event_id, 'the release by ' || ordered_by || ' was approved by the same person'
FROM told
WHERE action = 'release' AND person_key(approved_by) = person_key(ordered_by)
