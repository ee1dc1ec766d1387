-- id:      DP-002
-- uuid:    39744803-a96c-5220-a89a-44e40ff60f46
-- title:   Lineage event with missing, invalid or unknown-key signature
-- status:  stable
-- version: 1.0.0
-- severity: critical
-- confidence: high
-- atlas:   AML.T0074, AML.T0012
-- owasp:   ML06:2023
-- reads:   reject
-- clock:   commit
-- key:     producer as the log names it
-- window:  none
-- params:  none
-- false:   key rotation that has not reached this keyring; clock skew of the verifier
-- runbook: docs/runbooks/DP-002.md
-- why:     Somebody sealed records without a key that may speak for that producer: an impostor,
--          a stolen and revoked key, or bytes changed on the way. The producer is what the log
--          says and is not proven.
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
