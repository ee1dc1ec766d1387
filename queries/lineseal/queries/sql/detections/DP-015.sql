-- id:      DP-015
-- uuid:    91dee03c-019a-5917-9353-e4a72dba512b
-- title:   Data or labels changed after freeze
-- status:  stable
-- version: 1.0.0
-- severity: high
-- confidence: high
-- atlas:   AML.T0059
-- owasp:   LLM04:2025, ML02:2023
-- reads:   registration, run_io, run_event, label_review, override, event
-- clock:   commit
-- key:     artifact version
-- window:  none
-- params:  none
-- false:   a late correction without a new version
-- runbook: docs/runbooks/DP-015.md
-- why:     A version was registered as frozen and changed afterwards: a later run wrote it,
--          labels in it were flipped, or it was registered with other content. What belongs to
--          the run that froze it, or to runs that had begun, is part of making it.
WITH frozen AS (
  SELECT r.subject.artifact AS artifact, min(r.event_time) AS frozen_at,
    list(DISTINCT e.run_id) FILTER (e.run_id IS NOT NULL) AS makers,
    list(DISTINCT r.subject.artifact.digest) FILTER (r.subject.artifact.digest IS NOT NULL) AS digests
  FROM registration r
  JOIN event e USING (event_id)
  WHERE r.state = 'frozen' AND is_data(r.subject.artifact.kind)
    AND subject_scope(r.subject) IN (SELECT scope FROM touched)
  GROUP BY r.subject.artifact
), wrote AS (
  SELECT f.artifact, f.frozen_at, f.makers, f.digests, io.producer, io.run_id, io.digest, io.event_time, io.event_id
  FROM frozen f
  JOIN run_io io ON io.direction = 'output' AND io.kind = f.artifact.kind AND io.namespace = f.artifact.namespace
    AND io.name = f.artifact.name AND io.version = f.artifact.version
), begun AS (
  SELECT producer, run_id, min(event_time) AS started_at
  FROM run_event SEMI JOIN wrote USING (producer, run_id)
  GROUP BY producer, run_id
), changed AS (
  SELECT artifact, event_time, event_id, 'run ' || run_id || ' of ' || producer || ' wrote it' AS what
  FROM wrote JOIN begun USING (producer, run_id)
  WHERE started_at > frozen_at AND NOT coalesce(list_contains(makers, run_id), false)
    AND NOT coalesce(list_contains(digests, digest), false)
  UNION ALL
  SELECT f.artifact, l.event_time, l.event_id, coalesce(l.annotator, l.actor_id) || ' flipped ' || list_sum(list_transform(l.flips, lambda x: x.count)) || ' labels'
  FROM frozen f
  JOIN label_review l ON is_about(l.label_set, f.artifact) AND l.label_set.version = f.artifact.version
  JOIN event e ON e.event_id = l.event_id
  WHERE len(l.flips) > 0 AND l.event_time > f.frozen_at AND NOT coalesce(list_contains(f.makers, e.run_id), false)
  UNION ALL
  SELECT f.artifact, o.event_time, o.event_id, o.made_by || ' changed ' || coalesce(CAST(o.items_affected AS VARCHAR) || ' items', 'labels') || ' from ' || o.before || ' to ' || o.after
  FROM frozen f
  JOIN override o ON is_about(o.target.artifact, f.artifact) AND o.target.artifact.version = f.artifact.version
  JOIN event e ON e.event_id = o.event_id
  WHERE (o.items_affected > 0 OR f.artifact.kind = 'label_set') AND o.event_time > f.frozen_at
    AND NOT coalesce(list_contains(f.makers, e.run_id), false)
  UNION ALL
  SELECT f.artifact, r.event_time, r.event_id, 'it was registered with the content ' || left(r.subject.artifact.digest, 19)
  FROM frozen f
  JOIN registration r ON r.subject.artifact.kind = f.artifact.kind AND r.subject.artifact.namespace = f.artifact.namespace
    AND r.subject.artifact.name = f.artifact.name AND r.subject.artifact.version = f.artifact.version
  WHERE r.event_time > f.frozen_at AND r.subject.artifact.digest <> f.artifact.digest
)
SELECT artifact_scope(artifact) AS scope, artifact_ref(artifact) AS subject, event_time AS seen_at, event_id,
  'after it was frozen ' || what AS reason
FROM changed
