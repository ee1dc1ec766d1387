-- id:      DP-002
-- uuid:    39744803-a96c-5220-a89a-44e40ff60f46
-- title:   Lineage event with missing, invalid or unknown-key signature
-- status:  stable
-- version: 1.0.0
-- severity: critical
-- confidence: high
-- atlas:   AML.T0074, AML.T0012
-- owasp:   ML06:2023
-- reads:   reject, finding, batch
-- clock:   commit
-- key:     producer as the log names it
-- window:  none
-- params:  none
-- false:   key rotation that has not reached this keyring; clock skew of the verifier
-- runbook: docs/runbooks/DP-002.md
-- why:     Somebody sealed records without a key that may speak for that producer: an impostor,
--          a stolen and revoked key, or bytes changed on the way. The producer is what the log
--          says and is not proven. What a key sealed before it was found to be stolen was taken
--          in, and proves nothing: its first 100 events are the evidence.
SELECT
  'producer:' || log_key AS scope,
  'producer:' || log_key AS subject,
  coalesce(logged_at, ingest_time) AS seen_at,
  CAST(NULL AS VARCHAR) AS event_id,
  code || ': record ' || left(raw_sha256, 16) || ' of ' || log_key || ' was refused' AS reason
FROM reject
WHERE code IN (
    'NO_SIGNATURE', 'BAD_SIGNATURE', 'UNKNOWN_KEY', 'KEY_NOT_YET_VALID', 'KEY_EXPIRED',
    'KEY_REVOKED', 'SCOPE', 'WRONG_DEPLOYMENT', 'ROOT_MISMATCH', 'WRONG_TYPE', 'WEAK_KEY'
  )
  AND 'producer:' || log_key IN (SELECT scope FROM touched)
UNION ALL
SELECT 'producer:' || u.producer, 'producer:' || u.producer, e.event_time, e.event_id,
  'KEY_COMPROMISED: what key ' || left(e.keyid, 16) || ' sealed since then proves nothing'
FROM untrusted_batch u
JOIN event e USING (producer, epoch, batch_seq)
WHERE u.code = 'KEY_COMPROMISED' AND u.known_to IS NULL
  AND 'producer:' || u.producer IN (SELECT scope FROM touched)
QUALIFY row_number() OVER (PARTITION BY u.producer, e.keyid ORDER BY e.event_time, e.event_id) <= 100
