-- id:      DP-022
-- uuid:    48bd05c2-5117-56b4-8c4d-20d94c73b385
-- title:   Model artefact changed or unsafe format after registration
-- status:  stable
-- version: 1.0.0
-- severity: critical
-- confidence: high
-- atlas:   AML.T0018.002, AML.T0011.000, AML.T0058
-- owasp:   ML10:2023, ML06:2023
-- reads:   registration, run_io, promotion, evaluation
-- clock:   commit
-- key:     model version
-- window:  none
-- params:  allowed_model_formats VARCHAR[]=[] -- [policy] allowed_model_formats; empty: formats are not checked
-- false:   a quantisation step without a registration of its own
-- runbook: docs/runbooks/DP-022.md
-- why:     The bytes that were deployed, promoted or judged are not those that were registered
--          for this version; or a model was registered in a format that runs code when it is
--          loaded, where the policy wants another.
WITH said AS (
  SELECT subject.artifact AS artifact, event_time, true AS registered FROM registration WHERE is_model(subject.artifact.kind)
  UNION ALL
  SELECT {'kind': kind, 'namespace': namespace, 'name': name, 'version': version, 'digest': digest}, event_time, false
  FROM run_io WHERE direction = 'output' AND is_model(kind)
), known AS (
  SELECT artifact.kind AS kind, artifact.namespace AS namespace, artifact.name AS name, artifact.version AS version,
    coalesce(list(DISTINCT artifact.digest) FILTER (registered), list(DISTINCT artifact.digest)) AS digests
  FROM said
  WHERE artifact.version IS NOT NULL AND artifact.digest IS NOT NULL AND artifact_scope(artifact) IN (SELECT scope FROM touched)
  GROUP BY ALL
), met AS (
  SELECT artifact, event_time, event_id, action || 'd' AS what FROM promotion
  UNION ALL SELECT model, event_time, event_id, 'judged' FROM evaluation
  UNION ALL
  SELECT {'kind': kind, 'namespace': namespace, 'name': name, 'version': version, 'digest': digest}, event_time, event_id, 'read by run ' || run_id
  FROM run_io WHERE direction = 'input' AND is_model(kind)
  UNION ALL
  SELECT {'kind': kind, 'namespace': namespace, 'name': name, 'version': version, 'digest': digest}, event_time, event_id, 'written by run ' || run_id
  FROM run_io WHERE direction = 'output' AND is_model(kind)
), form AS (
  SELECT artifact_scope(subject.artifact) AS scope, artifact_ref(subject.artifact) AS ref, event_time, event_id,
    lower(list_filter(attributes, lambda a: lower(a.key) IN ('format', 'serialization', 'serialisation'))[1].value) AS format
  FROM registration WHERE is_model(subject.artifact.kind)
  UNION ALL
  SELECT artifact_scope(io), artifact_ref(io), event_time, event_id, lower(regexp_extract(location, '\.([A-Za-z0-9]+)$', 1))
  FROM run_io io WHERE direction = 'output' AND is_model(kind)
)
SELECT artifact_scope(m.artifact) AS scope,
  k.kind || ':' || k.namespace || '/' || k.name || '@' || k.version AS subject, m.event_time AS seen_at, m.event_id,
  left(m.artifact.digest, 19) || ' was ' || m.what || ', registered is ' || left(k.digests[1], 19) AS reason
FROM met m
JOIN known k ON k.kind = m.artifact.kind AND k.namespace = m.artifact.namespace AND k.name = m.artifact.name AND k.version = m.artifact.version
WHERE m.artifact.digest IS NOT NULL AND NOT list_contains(k.digests, m.artifact.digest)
UNION ALL
SELECT scope, ref, event_time, event_id, 'its format is ' || format
FROM form
WHERE len($allowed_model_formats) > 0 AND format <> '' AND NOT list_contains($allowed_model_formats, format)
  AND scope IN (SELECT scope FROM touched)
