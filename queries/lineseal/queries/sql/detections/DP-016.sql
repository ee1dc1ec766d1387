-- id:      DP-016
-- uuid:    662349b1-5b6a-576b-bd1d-a842ca78cbc7
-- title:   Hold-out or evaluation set contaminated
-- status:  stable
-- version: 1.2.0
-- severity: critical
-- confidence: high
-- atlas:   AML.T0020, AML.T0042
-- owasp:   ML02:2023
-- reads:   run_event, run_io, registration, feedback, access, event
-- clock:   commit
-- key:     training run's output, or holdout
-- window:  none
-- params:  min_rows BIGINT=5 -- rows two sketches share, at least
--          min_share DOUBLE=0.1 -- share of the holdout's rows that both sketches could show
-- false:   boilerplate rows in both sets; a holdout that was retired and reused openly
-- runbook: docs/runbooks/DP-016.md
-- why:     Rows that a model is judged by were learned from, or somebody writes to the judging
--          set, be it a person or a run that began after it was registered as one: results no longer mean anything, and a trigger can be hidden behind them. Found
--          by lineage, by equal digests, and by row sketches of profiles. A run that reads the
--          holdout in the role holdout or evaluation judges by it.
WITH held AS (
  SELECT r.subject.artifact AS artifact, min(r.event_time) AS since, min(r.role) AS role,
    list(DISTINCT e.run_id) FILTER (e.run_id IS NOT NULL) AS makers
  FROM registration r
  JOIN event e USING (event_id)
  WHERE r.role IN ('holdout', 'challenge', 'golden') AND r.subject.artifact IS NOT NULL
  GROUP BY r.subject.artifact
), wrote AS (
  SELECT h.artifact, h.since, io.producer, io.run_id, io.event_time, io.event_id
  FROM held h
  JOIN run_io io ON io.kind = h.artifact.kind AND io.namespace = h.artifact.namespace AND io.name = h.artifact.name
  JOIN event e ON e.event_id = io.event_id
  WHERE io.direction = 'output' AND e.actor_kind <> 'human'
    AND is_about(h.artifact, {'kind': io.kind, 'namespace': io.namespace, 'name': io.name, 'version': io.version, 'digest': NULL})
    AND coalesce(io.digest <> h.artifact.digest, true) AND NOT coalesce(list_contains(h.makers, io.run_id), false)
    AND artifact_scope(h.artifact) IN (SELECT scope FROM touched)
), begun AS (
  SELECT producer, run_id, min(event_time) AS started_at
  FROM run_event SEMI JOIN wrote USING (producer, run_id)
  GROUP BY producer, run_id
), sketch AS (
  SELECT subject.artifact AS artifact, role, profile.row_sketch AS tokens,
    -- A sketch that is cut off says nothing about rows with larger digests.
    CASE WHEN profile.rows > len(profile.row_sketch) THEN list_max(profile.row_sketch) END AS last
  FROM registration
  WHERE len(profile.row_sketch) > 0 AND is_data(subject.artifact.kind)
), token AS (
  SELECT DISTINCT artifact, coalesce(role, '') IN ('holdout', 'challenge', 'golden') AS held, tokens, last, unnest(tokens) AS token
  FROM sketch
), overlap AS (
  SELECT h.artifact AS held, s.artifact AS learned, count(DISTINCT token) AS shared
  FROM token h JOIN token s USING (token)
  WHERE h.held AND NOT s.held AND s.artifact <> h.artifact
  GROUP BY h.artifact, s.artifact, h.tokens, s.last
  HAVING count(DISTINCT token) >= greatest(
    $min_rows, $min_share * len(list_filter(h.tokens, lambda t: s.last IS NULL OR t <= s.last))
  )
), used AS (
  SELECT t.scope, t.subject, t.started_at, t.event_id, a.*
  FROM training_output t JOIN ancestor a USING (producer, run_id)
  WHERE a.data_only
)
SELECT u.scope, u.subject, u.started_at AS seen_at, u.event_id,
  u.ref || ' was learned from and is the ' || h.role || ' ' || artifact_ref(h.artifact) AS reason
FROM used u JOIN held h ON is_about(h.artifact, u) OR h.artifact.digest = u.digest
UNION ALL
SELECT u.scope, u.subject, u.started_at, u.event_id,
  u.ref || ' was learned from and shares ' || o.shared || ' sketched rows with ' || artifact_ref(o.held)
FROM used u JOIN overlap o ON is_about(o.learned, u)
UNION ALL
SELECT artifact_scope(h.artifact), artifact_ref(h.artifact), f.event_time, f.event_id, 'feedback of ' || f.channel || ' goes into it'
FROM held h JOIN feedback f ON is_about(f.artifact, h.artifact)
WHERE artifact_scope(h.artifact) IN (SELECT scope FROM touched)
UNION ALL
SELECT artifact_scope(h.artifact), artifact_ref(h.artifact), x.event_time, x.event_id, x.principal || ' wrote to it'
FROM held h JOIN access x ON is_about(x.resource.artifact, h.artifact)
WHERE x.action = 'write' AND x.outcome = 'allowed' AND x.event_time > h.since
  AND artifact_scope(h.artifact) IN (SELECT scope FROM touched)
UNION ALL
SELECT artifact_scope(artifact), artifact_ref(artifact), event_time, event_id, 'run ' || run_id || ' of ' || producer || ' wrote to it'
FROM wrote JOIN begun USING (producer, run_id)
WHERE started_at > since
