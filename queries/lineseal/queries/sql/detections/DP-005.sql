-- id:      DP-005
-- uuid:    7b123245-7873-531b-9500-e858a4a07605
-- title:   Source not on the allowlist
-- status:  stable
-- version: 1.0.0
-- severity: high
-- confidence: high
-- atlas:   AML.T0010.002, AML.T0019
-- owasp:   LLM04:2025, ML02:2023, ML06:2023
-- reads:   registration, approval
-- clock:   commit
-- key:     source
-- window:  1 day
-- params:  allowed_sources VARCHAR[]=[] -- [policy] allowed_sources; empty: nothing is checked
-- false:   a new source before its change ticket is recorded; the same place under another URL
-- runbook: docs/runbooks/DP-005.md
-- why:     Data was taken from somewhere nobody allowed. A source counts as allowed when
--          [policy] allowed_sources names it, its supplier, publisher or host, or the start of
--          its URI up to a slash; or when a person approved the source or the artifact at the
--          gate source by then.
WITH registered AS (
  SELECT *, coalesce('source:' || coalesce(source.uri, supplier.name), subject_ref(subject)) AS scope,
    source_host(source.uri) AS host
  FROM registration
  WHERE (source.uri IS NOT NULL OR supplier.name IS NOT NULL OR subject.type = 'source')
    AND coalesce(acquisition.method, '') NOT IN ('internal', 'synthetic')
    AND coalesce(subject.type, '') NOT IN ('policy', 'stage', 'producer', 'job')
    AND len($allowed_sources) > 0
    AND coalesce('source:' || coalesce(source.uri, supplier.name), subject_ref(subject)) IN (SELECT scope FROM touched)
), allowed AS (
  SELECT lower(unnest($allowed_sources)) AS entry
)
SELECT scope, scope AS subject, event_time AS seen_at, event_id,
  subject_ref(subject) || ' comes from ' || coalesce(source.uri, supplier.name, subject.name) AS reason
FROM registered r
WHERE NOT EXISTS (
    FROM allowed
    WHERE entry IN (lower(r.source.uri), r.host, lower(r.subject.name), lower(r.supplier.name), lower(r.source.publisher))
      OR starts_with(lower(r.source.uri), rtrim(entry, '/') || '/') AND contains(entry, '://')
  )
  AND NOT EXISTS (
    FROM sound_approval a
    WHERE a.gate = 'source' AND a.event_time <= r.event_time
      AND coalesce(a.expires > r.event_time, true)
      AND (
        (a.subject.artifact IS NOT NULL AND is_about(a.subject.artifact, r.subject.artifact))
        OR lower(a.subject.name) IN (lower(r.subject.name), lower(r.supplier.name), lower(r.source.publisher), lower(r.source.uri), r.host)
      )
  )
