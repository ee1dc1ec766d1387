-- id:      DP-006
-- uuid:    8f1582e3-2c0b-5136-9430-d88d7fab0e10
-- title:   New source reaches training without review period
-- status:  stable
-- version: 1.0.0
-- severity: high
-- confidence: medium
-- atlas:   AML.T0019, AML.T0020
-- owasp:   LLM04:2025, ML02:2023
-- reads:   run_event, run_io, registration, approval
-- clock:   commit
-- key:     source and training run's output
-- window:  none
-- params:  review_days BIGINT=7 -- how long a new source waits before it may be learned from
-- false:   pilot projects; a known supplier under a new name
-- runbook: docs/runbooks/DP-006.md
-- why:     Data of a source that was first seen days ago is in a training set, and no person
--          approved the source or the data before. External means: acquired from a partner,
--          bought, scraped, given by users, or with a supplier. When it was first seen is the
--          earliest registration of that source.
WITH external AS (
  SELECT event_time, event_id, subject.artifact AS artifact,
    lower(coalesce(supplier.name, source.publisher, source.uri, subject.artifact.namespace || '/' || subject.artifact.name)) AS origin,
    supplier, source
  FROM registration
  WHERE subject.artifact IS NOT NULL AND is_data(subject.artifact.kind)
    AND (acquisition.method IN ('partner', 'purchased', 'scraped', 'user')
      OR (supplier.name IS NOT NULL AND coalesce(acquisition.method, '') <> 'internal'))
), known AS (
  SELECT lower(coalesce(supplier.name, source.publisher, source.uri, subject.artifact.namespace || '/' || subject.artifact.name)) AS origin, min(event_time) AS first_seen
  FROM registration
  GROUP BY ALL
), learned AS (
  SELECT t.scope, t.subject, t.started_at, t.event_id AS run_event_id, x.*, known.first_seen, a.ref
  FROM training_output t
  JOIN ancestor a USING (producer, run_id)
  JOIN external x ON is_about(x.artifact, a)
  JOIN known USING (origin)
  WHERE is_data(a.kind)
)
SELECT l.scope, l.subject, l.started_at AS seen_at, l.run_event_id AS event_id,
  l.ref || ' of ' || l.origin || ', first seen ' || strftime(l.first_seen, '%Y-%m-%d') || ', was learned from' AS reason
FROM learned l
WHERE l.started_at < l.first_seen + to_days(CAST($review_days AS INTEGER))
  AND NOT EXISTS (
    FROM sound_approval p
    WHERE p.gate IN ('source', 'dataset', 'training')
      AND p.event_time <= l.started_at AND coalesce(p.expires > l.started_at, true)
      AND (
        (p.subject.artifact IS NOT NULL AND is_about(p.subject.artifact, l.artifact))
        OR lower(p.subject.name) IN (l.origin, lower(l.supplier.name), lower(l.source.publisher), lower(l.source.uri))
      )
  )
