-- id:      DP-025
-- uuid:    f2a7d6d0-8b9c-5134-8350-d2ff0aea9028
-- title:   Lineage telemetry silence or pipeline tampering
-- status:  stable
-- version: 1.0.0
-- severity: high
-- confidence: medium
-- atlas:   AML.T0012, AML.T0081
-- owasp:   ML06:2023
-- reads:   batch, finding, registration, approval, key_change
-- clock:   tick
-- key:     producer, or policy
-- window:  none
-- params:  expected_producers VARCHAR[]=[] -- [policy] expected_producers, as PRODUCER=SECONDS
--          factor DOUBLE=3.0 -- times the interval before silence counts
--          min_days BIGINT=6 -- days a producer was heard on before its rhythm is known
--          setup_days BIGINT=7 -- days after the first batch in which keys need no approval
-- false:   a maintenance window; a producer with little to say; an upgrade that brings other
--          defaults; a new job whose key nobody was asked about
-- runbook: docs/runbooks/DP-025.md
-- why:     A producer fell silent longer than its interval allows (named in the policy, or
--          in the keyring, or learned from at least six days while others are still heard), it
--          lost events, or the policy or own rules were changed, or a key was enrolled after the
--          first week, and nobody approved that.
WITH expected AS (
  SELECT split_part(e, '=', 1) AS producer, CAST(split_part(e, '=', 2) AS BIGINT) AS seconds
  FROM (SELECT unnest($expected_producers) AS e)
), heard AS (
  SELECT producer, max(created_at) AS last FROM batch WHERE created_at <= $now GROUP BY producer
), day AS (
  SELECT DISTINCT producer, date_trunc('day', created_at) AS day FROM batch WHERE created_at <= $now
), rhythm AS (
  SELECT producer, count(*) AS days, max(day - before) AS longest
  FROM (SELECT *, lag(day) OVER (PARTITION BY producer ORDER BY day) AS before FROM day)
  GROUP BY producer
), policy AS (
  SELECT event_time, event_id, subject.name AS name, manifest_root AS digest,
    coalesce(
      lag(manifest_root) OVER (PARTITION BY subject.name ORDER BY event_time, event_id),
      list_filter(attributes, lambda a: a.key = 'previous')[1].value
    ) AS before
  FROM registration
  WHERE subject.type = 'policy' AND manifest_root IS NOT NULL
)
SELECT 'producer:' || e.producer AS scope, 'producer:' || e.producer AS subject,
  coalesce(h.last, $now) AS seen_at, CAST(NULL AS VARCHAR) AS event_id,
  CASE WHEN h.last IS NULL THEN 'never heard' ELSE 'not heard since ' || strftime(h.last, '%Y-%m-%d %H:%M:%S') || ' UTC' END
    || ', expected every ' || e.seconds || ' s' AS reason
FROM expected e LEFT JOIN heard h USING (producer)
WHERE h.last IS NULL OR $now > h.last + to_milliseconds(CAST(1000 * $factor * e.seconds AS BIGINT))
UNION ALL
SELECT 'producer:' || h.producer, 'producer:' || h.producer, h.last, NULL,
  'not heard since ' || strftime(h.last, '%Y-%m-%d %H:%M:%S') || ' UTC, and never silent for more than ' || date_diff('day', TIMESTAMP '1970-01-01', TIMESTAMP '1970-01-01' + r.longest) || ' days before'
FROM heard h JOIN rhythm r USING (producer)
WHERE r.days >= $min_days AND $now > h.last + r.longest * $factor
  AND h.producer NOT IN (SELECT producer FROM expected)
  AND EXISTS (FROM heard o WHERE o.producer <> h.producer AND NOT starts_with(o.producer, 'person:') AND o.last > h.last + r.longest * 2 AND o.last > $now - r.longest)
UNION ALL
SELECT 'producer:' || producer, 'producer:' || producer, coalesce(span_start, opened_at), NULL, code || ': ' || detail
FROM finding
WHERE code IN ('SILENT_PRODUCER', 'KEYRING_ROLLBACK') AND closed_at IS NULL
  AND producer NOT IN (SELECT producer FROM expected)
UNION ALL
SELECT 'producer:' || producer, 'producer:' || producer, created_at, NULL, loss.count || ' events were lost: ' || loss.reason
FROM batch WHERE loss IS NOT NULL
UNION ALL
SELECT 'policy:' || p.name, 'policy:' || p.name, p.event_time, p.event_id, 'it was changed to ' || left(p.digest, 19) || ', which nobody approved'
FROM policy p
WHERE p.digest <> p.before
  AND NOT EXISTS (
    FROM sound_approval a
    WHERE (a.subject.name IN (p.digest, p.name) AND a.subject.type = 'policy' OR a.subject.artifact.digest = p.digest)
      AND (a.subject.name = p.digest OR a.subject.artifact.digest = p.digest OR list_contains(list_transform(a.evidence, lambda e: e.digest), p.digest))
  )
UNION ALL
SELECT 'key:' || k.key_id, 'key:' || k.key_id, k.event_time, k.event_id, k.changed_by || ' enrolled it, and nobody approved'
FROM key_change k
WHERE k.action = 'enrolled'
  AND k.event_time > (SELECT min(created_at) FROM batch) + to_days(CAST($setup_days AS INTEGER))
  AND NOT EXISTS (FROM sound_approval a WHERE a.subject.type = 'key' AND a.subject.name = k.key_id AND person_key(a.approver) <> person_key(k.changed_by))
