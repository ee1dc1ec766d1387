-- name:    statements_about
-- title:   Which statements are about these artifact versions?
-- kind:    statement
-- params:  ids BIGINT[]            -- artifact versions: surrogates of this store
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: artifact_version_id BIGINT
--          body VARCHAR            -- table the statement stands in
--          producer VARCHAR
--          event_id VARCHAR
--          event_time TIMESTAMP
--          names VARCHAR           -- digest, version, or name: of every version alike
-- reads:   artifact_version, registration, validation, evaluation, quarantine, approval,
--          promotion, override, label_review, feedback, access, containment, incident, verdict
-- order:   none
-- since:   0.2
-- why:     A statement means a version as a registration does (ADR-0005): where both sides give a
--          digest the digests decide, else the version, unless that version has several digests.
--          One that names neither is about the name; whoever asks decides what that is worth.
WITH node AS (
  SELECT artifact_version_id, kind, namespace, name, version, digest, conflict
  FROM artifact_version
  WHERE artifact_version_id IN (SELECT unnest($ids::BIGINT[]))
    AND known_from <= coalesce($known_at::TIMESTAMP, known_from)
    AND coalesce(known_to > $known_at::TIMESTAMP, known_to IS NULL)
), statement AS (
  SELECT 'registration' AS body, producer, event_id, event_time, ingest_time, subject.artifact AS about
  FROM registration
  UNION ALL
  SELECT 'validation', producer, event_id, event_time, ingest_time, artifact FROM validation
  UNION ALL
  SELECT 'evaluation', producer, event_id, event_time, ingest_time, model FROM evaluation
  UNION ALL
  SELECT 'quarantine', producer, event_id, event_time, ingest_time, artifact FROM quarantine
  UNION ALL
  SELECT 'approval', producer, event_id, event_time, ingest_time, subject.artifact FROM approval
  UNION ALL
  SELECT 'promotion', producer, event_id, event_time, ingest_time, artifact FROM promotion
  UNION ALL
  SELECT 'override', producer, event_id, event_time, ingest_time, target.artifact FROM override
  UNION ALL
  SELECT 'label_review', producer, event_id, event_time, ingest_time, label_set FROM label_review
  UNION ALL
  SELECT 'feedback', producer, event_id, event_time, ingest_time, artifact FROM feedback
  UNION ALL
  SELECT 'access', producer, event_id, event_time, ingest_time, resource.artifact FROM access
  UNION ALL
  SELECT 'containment', producer, event_id, event_time, ingest_time, subject.artifact FROM containment
  UNION ALL
  SELECT 'incident', producer, event_id, event_time, ingest_time, unnest(subjects).artifact FROM incident
  UNION ALL
  SELECT 'verdict', producer, event_id, event_time, ingest_time, subject.artifact FROM verdict
)
SELECT DISTINCT
  node.artifact_version_id,
  statement.body,
  statement.producer,
  statement.event_id,
  statement.event_time,
  CASE
    WHEN statement.about.digest IS NOT NULL AND node.digest IS NOT NULL THEN 'digest'
    WHEN statement.about.version IS NOT NULL THEN 'version'
    ELSE 'name'
  END AS names
FROM node
JOIN statement
  ON statement.about.kind = node.kind
  AND statement.about.namespace = node.namespace
  AND statement.about.name = node.name
  AND (
    (statement.about.version IS NULL AND statement.about.digest IS NULL)
    OR coalesce(
      statement.about.digest = node.digest,
      statement.about.version = node.version AND NOT node.conflict,
      false
    )
  )
WHERE statement.event_time <= coalesce($as_of::TIMESTAMP, statement.event_time)
  AND statement.ingest_time <= coalesce($known_at::TIMESTAMP, statement.ingest_time)
