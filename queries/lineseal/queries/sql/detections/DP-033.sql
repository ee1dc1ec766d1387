-- id:      DP-033
-- uuid:    a092581b-97a7-559e-bae6-d87c434dea27
-- title:   A model in its own ancestry
-- status:  stable
-- version: 1.0.0
-- severity: high
-- confidence: high
-- atlas:   AML.T0020, AML.T0031
-- owasp:   LLM04:2025, ML02:2023
-- reads:   run_event, run_io, registration
-- clock:   commit
-- key:     model version
-- window:  none
-- params:  none
-- false:   distillation and active learning that are meant so; record who reviewed the labels,
--          and acknowledge
-- runbook: docs/runbooks/DP-033.md
-- why:     Outputs of a model became data it was trained on again: its mistakes, or what
--          somebody made it say, are learned as truth. Going on from an earlier version of the
--          model itself is no such loop.
WITH made AS (
  SELECT t.producer, t.run_id, t.scope, t.subject, t.started_at, t.event_id, io.kind, io.namespace, io.name
  FROM training_output t JOIN run_io io USING (producer, run_id)
  WHERE io.direction = 'output' AND is_model(io.kind)
), loop AS (
  SELECT m.*, a.ref AS data, artifact_ref(v) AS model
  FROM made m
  JOIN ancestor a ON a.producer = m.producer AND a.run_id = m.run_id AND is_data(a.kind)
  JOIN edge writes ON writes.artifact_version_id = a.artifact_version_id AND writes.direction = 'output' AND writes.known_to IS NULL
  JOIN edge reads ON reads.producer = writes.producer AND reads.run_id = writes.run_id AND reads.direction = 'input' AND reads.known_to IS NULL
  JOIN artifact_version v ON v.artifact_version_id = reads.artifact_version_id
  WHERE v.namespace = m.namespace AND v.name = m.name AND is_model(v.kind)
), generated AS (
  SELECT m.*, a.ref AS data, artifact_ref(v) AS model
  FROM made m
  JOIN ancestor a ON a.producer = m.producer AND a.run_id = m.run_id AND is_data(a.kind)
  JOIN registration r ON is_about(r.subject.artifact, a)
  JOIN artifact_version v ON v.digest = r.acquisition.generator_digest AND v.known_to IS NULL
  WHERE v.namespace = m.namespace AND v.name = m.name AND is_model(v.kind)
)
SELECT DISTINCT scope, subject, started_at AS seen_at, event_id, data || ', made by ' || model || ', was learned from' AS reason
FROM (FROM loop UNION ALL FROM generated)
