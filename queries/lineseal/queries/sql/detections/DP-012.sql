-- id:      DP-012
-- uuid:    addc812f-9e9b-59ce-96d9-2d2b4241c34d
-- title:   Class or label distribution shift
-- status:  experimental
-- version: 1.0.0
-- severity: medium
-- confidence: low
-- atlas:   AML.T0020, AML.T0059
-- owasp:   LLM04:2025, ML02:2023
-- reads:   registration
-- clock:   commit
-- key:     artifact version
-- window:  none
-- params:  min_rows BIGINT=100 -- labels of both versions, at least
--          max_psi DOUBLE=0.25 -- population stability index that is borne
-- false:   season; a new product line; a class that was split
-- runbook: docs/runbooks/DP-012.md
-- why:     The shares of the labels differ from the version before by a population stability
--          index above the bound. Needs profiles with label counts, as lineseal profile makes
--          them.
WITH profiled AS (
  SELECT event_time, event_id, subject_scope(subject) AS scope, subject_ref(subject) AS ref,
    profile.label_counts AS labels,
    list_sum(list_transform(profile.label_counts, lambda c: c.count)) AS total
  FROM registration
  WHERE len(profile.label_counts) > 0 AND subject_scope(subject) IN (SELECT scope FROM touched)
), ordered AS (
  SELECT *, lag(labels) OVER versions AS labels_before, lag(total) OVER versions AS total_before, lag(ref) OVER versions AS ref_before
  FROM profiled
  WINDOW versions AS (PARTITION BY scope ORDER BY event_time, event_id)
), label AS (
  SELECT *, unnest(list_distinct(list_concat(
      list_transform(labels, lambda c: c.name), list_transform(labels_before, lambda c: c.name)
    ))) AS name
  FROM ordered
  WHERE labels_before IS NOT NULL AND ref <> ref_before AND total >= $min_rows AND total_before >= $min_rows
), share AS (
  SELECT * EXCLUDE (name),
    greatest(coalesce(list_sum(list_transform(list_filter(labels, lambda c: c.name = name), lambda c: c.count)), 0), 0.5) / total AS now,
    greatest(coalesce(list_sum(list_transform(list_filter(labels_before, lambda c: c.name = name), lambda c: c.count)), 0), 0.5) / total_before AS before
  FROM label
), shift AS (
  SELECT scope, ref, ref_before, event_time, event_id, sum((now - before) * ln(now / before)) AS psi
  FROM share
  GROUP BY ALL
)
SELECT scope, ref AS subject, event_time AS seen_at, event_id,
  'label shares differ from ' || ref_before || ': stability index ' || round(psi, 2) AS reason
FROM shift
WHERE psi > $max_psi
