-- Sources, releases and people in the ancestry of what alerts are about, $back days before and at most.
-- $alerts, $subjects, $scopes and $untils have the same length.
WITH RECURSIVE asked AS (
  SELECT unnest($alerts) AS alert_id, unnest($subjects) AS subject, unnest($scopes) AS scope, unnest($untils) AS until
), node AS (
  SELECT artifact_version_id, kind, namespace, name, version, digest, appeared_at,
    artifact_ref(v) AS ref, artifact_scope(v) AS scope
  FROM artifact_version v
  WHERE known_to IS NULL
), up AS (
  SELECT asked.alert_id, asked.until, node.artifact_version_id, 0 AS depth
  FROM asked JOIN node ON node.ref = asked.subject
  UNION
  SELECT asked.alert_id, asked.until, node.artifact_version_id, 0
  FROM asked JOIN node ON node.scope = asked.subject
  UNION
  SELECT asked.alert_id, asked.until, edge.artifact_version_id, 0
  FROM (SELECT alert_id, until, unnest([subject, scope]) AS run FROM asked) asked
  JOIN edge ON 'run:' || edge.producer || '/' || edge.run_id = asked.run
  WHERE edge.known_to IS NULL AND starts_with(asked.run, 'run:')
  UNION
  SELECT up.alert_id, up.until, reads.artifact_version_id, up.depth + 1
  FROM up
  JOIN edge writes ON writes.artifact_version_id = up.artifact_version_id
    AND writes.direction = 'output' AND writes.known_to IS NULL
  JOIN edge reads ON reads.producer = writes.producer AND reads.run_id = writes.run_id
    AND reads.direction = 'input' AND reads.known_to IS NULL
  WHERE up.depth < 6
), near AS (
  SELECT DISTINCT alert_id, until, node.*
  FROM up JOIN node USING (artifact_version_id)
), said AS (
  SELECT near.alert_id, near.until, 'sources' AS part, r.event_time AS happened_at, near.ref AS name,
    concat_ws('; ', 'registered', 'by ' || coalesce(r.submitted_by, r.actor_id), 'supplier ' || r.supplier.name,
      'publisher ' || r.source.publisher, 'from ' || r.source.uri, r.acquisition.method,
      'zone ' || r.trust_zone, 'owner ' || r.owner) AS what
  FROM near JOIN registration r ON is_about(r.subject.artifact, near)
  UNION ALL
  SELECT alert_id, until, 'releases', appeared_at, ref, 'appeared' FROM near
  UNION ALL
  SELECT near.alert_id, near.until, 'releases', p.event_time, near.ref,
    concat_ws(' ', p.action, 'to ' || p.to_environment) FROM near JOIN promotion p ON is_about(p.artifact, near)
  UNION ALL
  SELECT near.alert_id, near.until, 'people', a.event_time, a.approver,
    concat_ws(' ', a.decision, near.ref, 'at the gate', a.gate) || CASE WHEN a.actor_verified THEN '' ELSE ' (asserted)' END
  FROM near JOIN approval a ON is_about(a.subject.artifact, near)
  UNION ALL
  SELECT near.alert_id, near.until, 'people', o.event_time, o.made_by,
    concat_ws(' ', 'override of', near.ref, 'from', o.before, 'to', o.after) || CASE WHEN o.actor_verified THEN '' ELSE ' (asserted)' END
  FROM near JOIN override o ON is_about(o.target.artifact, near)
  UNION ALL
  SELECT near.alert_id, near.until, 'people', l.event_time, coalesce(l.annotator, l.vendor, l.actor_id), 'labels of ' || near.ref
  FROM near JOIN label_review l ON is_about(l.label_set, near)
  UNION ALL
  SELECT near.alert_id, near.until, 'people', q.event_time, coalesce(q.reviewer, q.actor_id), 'quarantine ' || q.action || ' ' || near.ref
  FROM near JOIN quarantine q ON is_about(q.artifact, near)
)
SELECT DISTINCT alert_id, part, happened_at, name, left(what, 300) AS what
FROM said
WHERE happened_at <= until + INTERVAL 1 DAY AND happened_at >= until - to_days(CAST($back AS INTEGER))
ORDER BY alert_id, part, happened_at DESC, name, what;
