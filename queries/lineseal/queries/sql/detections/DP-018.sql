-- id:      DP-018
-- uuid:    99bfdaf0-8139-57c6-9d0b-1d40bea9a0a0
-- title:   Quarantine released or gate passed by self-approval
-- status:  stable
-- version: 1.0.0
-- severity: high
-- confidence: high
-- atlas:   AML.T0012
-- owasp:   ML06:2023
-- reads:   approval, quarantine, override, registration, run_io, event
-- clock:   commit
-- key:     subject of the decision
-- window:  none
-- params:  approvers VARCHAR[]=[] -- [policy] approvers; empty: anybody under their own key
-- false:   break-glass with a later ratification; a team of one
-- runbook: docs/runbooks/DP-018.md
-- why:     Whoever made or asked for something also let it pass, under one account or two
--          spellings of it; or a quarantine was lifted by one person alone; or the approver
--          does not have the role. Two people are two events under two keys.
WITH author AS (
  SELECT subject.artifact AS artifact, unnest([submitted_by, owner]) AS who FROM registration WHERE subject.artifact IS NOT NULL
  UNION ALL
  SELECT {'kind': io.kind, 'namespace': io.namespace, 'name': io.name, 'version': io.version, 'digest': io.digest}, e.actor_id
  FROM run_io io JOIN event e USING (event_id)
  WHERE io.direction = 'output' AND e.actor_kind = 'human'
), passed AS (
  SELECT event_time, event_id, subject, gate, approver AS who, requested_by
  FROM approval
  WHERE decision = 'approve' AND subject_scope(subject) IN (SELECT scope FROM touched)
), released AS (
  SELECT event_time, event_id, artifact, actor_kind, actor_id, reviewer, owner
  FROM quarantine
  WHERE action = 'released' AND artifact_scope(artifact) IN (SELECT scope FROM touched)
), odd AS (
  SELECT subject_scope(subject) AS scope, subject_ref(subject) AS ref, event_time, event_id,
    who || ' approved at the gate ' || gate || ' what they asked for themselves' AS what
  FROM passed WHERE person_key(who) = person_key(requested_by)
  UNION ALL
  SELECT subject_scope(p.subject), subject_ref(p.subject), p.event_time, p.event_id,
    p.who || ' approved at the gate ' || p.gate || ' what they made, own or handed in'
  FROM passed p JOIN author a ON is_about(a.artifact, p.subject.artifact)
  WHERE person_key(a.who) = person_key(p.who)
  UNION ALL
  SELECT subject_scope(subject), subject_ref(subject), event_time, event_id, who || ' has no role at the gate ' || gate
  FROM passed
  WHERE len($approvers) > 0 AND NOT list_has_any(
    list_transform($approvers, lambda entry: lower(entry)),
    [lower(gate) || '=' || person_key(who), '*=' || person_key(who), lower(gate) || '=' || lower(who), '*=' || lower(who)]
  )
  UNION ALL
  SELECT artifact_scope(r.artifact), artifact_ref(r.artifact), r.event_time, r.event_id,
    coalesce(r.reviewer, r.actor_id) || ' released it alone'
  FROM released r
  WHERE (r.reviewer IS NULL OR person_key(r.reviewer) = person_key(r.actor_id) OR person_key(r.reviewer) = person_key(r.owner))
    AND NOT EXISTS (
      FROM sound_approval a
      WHERE is_about(a.subject.artifact, r.artifact) AND a.event_time <= r.event_time
        AND a.event_time >= coalesce((
          SELECT max(q.event_time) FROM quarantine q
          WHERE q.action = 'placed' AND is_about(q.artifact, r.artifact) AND q.event_time <= r.event_time
        ), TIMESTAMP '1970-01-01')
        AND person_key(a.approver) <> person_key(r.actor_id)
    )
  UNION ALL
  SELECT artifact_scope(r.artifact), artifact_ref(r.artifact), r.event_time, r.event_id,
    coalesce(r.reviewer, r.actor_id) || ' released what they made, own or handed in'
  FROM released r JOIN author a ON is_about(a.artifact, r.artifact)
  WHERE person_key(a.who) IN (person_key(r.reviewer), CASE WHEN r.actor_kind = 'human' THEN person_key(r.actor_id) END)
  UNION ALL
  SELECT subject_scope(target), subject_ref(target), event_time, event_id, made_by || ' approved an override of their own'
  FROM override
  WHERE person_key(made_by) = person_key(approved_by) AND subject_scope(target) IN (SELECT scope FROM touched)
)
SELECT scope, ref AS subject, event_time AS seen_at, event_id, what AS reason FROM odd
