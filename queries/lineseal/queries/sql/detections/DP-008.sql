-- id:      DP-008
-- uuid:    2df880b3-9aa4-5361-bdcb-56bc351d2cc5
-- title:   Pinned upstream changed content (split-view or rug pull)
-- status:  stable
-- version: 1.1.0
-- severity: critical
-- confidence: high
-- atlas:   AML.T0109, AML.T0010.002
-- owasp:   LLM04:2025, ML06:2023
-- reads:   registration
-- clock:   commit
-- key:     source
-- window:  none
-- params:  none
-- false:   an upstream that regenerates archives; a content network that re-encodes; a
--          maintainer who joined openly
-- runbook: docs/runbooks/DP-008.md
-- why:     The same place at the same revision gave other bytes than before, or it has another
--          publisher or other maintainers: a split view, a bought domain, or a takeover. What is
--          fetched from a new address by new people is compared with the address before it.
WITH concerned AS (
  SELECT DISTINCT subject_scope(subject) AS artifact
  FROM registration
  WHERE 'source:' || source.uri IN (SELECT scope FROM touched)
), said AS (
  SELECT event_time, event_id, 'source:' || source.uri AS scope, subject_scope(subject) AS artifact, source.uri AS uri, source.revision AS revision,
    coalesce(subject.artifact.digest, publisher_digest) AS digest, source.publisher AS publisher,
    nullif(list_sort(list_distinct(source.maintainers)), []) AS maintainers
  FROM registration
  WHERE source.uri IS NOT NULL AND subject_scope(subject) IN (SELECT artifact FROM concerned)
), content AS (
  SELECT *, first_value(digest) OVER (PARTITION BY artifact, uri, revision ORDER BY event_time, event_id) AS before
  FROM said
  WHERE revision IS NOT NULL AND digest IS NOT NULL
), owner AS (
  -- At an address seen before: who it was there. At a new one: who it was at the address before, unless
  -- these people were known for this artifact already.
  SELECT *, coalesce(lag(publisher) OVER here, CASE WHEN row_number() OVER same = 1 THEN lag(publisher) OVER anywhere END) AS before
  FROM said WHERE publisher IS NOT NULL
  WINDOW here AS (PARTITION BY artifact, uri ORDER BY event_time, event_id),
    same AS (PARTITION BY artifact, publisher ORDER BY event_time, event_id),
    anywhere AS (PARTITION BY artifact ORDER BY event_time, event_id)
), keeper AS (
  SELECT *, coalesce(lag(maintainers) OVER here, CASE WHEN row_number() OVER same = 1 THEN lag(maintainers) OVER anywhere END) AS before
  FROM said WHERE maintainers IS NOT NULL
  WINDOW here AS (PARTITION BY artifact, uri ORDER BY event_time, event_id),
    same AS (PARTITION BY artifact, maintainers ORDER BY event_time, event_id),
    anywhere AS (PARTITION BY artifact ORDER BY event_time, event_id)
), changed AS (
  SELECT scope, uri, event_time, event_id, 'revision ' || revision || ' had ' || left(before, 19) || ' and has ' || left(digest, 19) AS what
  FROM content WHERE digest <> before
  UNION ALL
  SELECT scope, uri, event_time, event_id, 'the publisher was ' || before || ' and is ' || publisher FROM owner WHERE publisher <> before
  UNION ALL
  SELECT scope, uri, event_time, event_id,
    'the maintainers were ' || array_to_string(before, ', ') || ' and are ' || array_to_string(maintainers, ', ')
  FROM keeper WHERE maintainers <> before
)
SELECT scope, scope AS subject, event_time AS seen_at, event_id, what AS reason FROM changed
