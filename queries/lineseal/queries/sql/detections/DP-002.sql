-- id:      DP-002
-- uuid:    39744803-a96c-5220-a89a-44e40ff60f46
-- title:   Lineage event with missing, invalid or unknown-key signature
-- status:  stable
-- version: 1.1.0
-- severity: critical
-- confidence: high
-- atlas:   AML.T0074, AML.T0012
-- owasp:   ML06:2023
-- reads:   reject, finding, batch
-- clock:   commit
-- key:     producer as the log names it
-- window:  none
-- params:  none
-- false:   key rotation that has not reached this keyring; clock skew of the verifier; a producer
--          newer than this consumer (UNKNOWN_SCHEMA)
-- runbook: docs/runbooks/DP-002.md
-- why:     Somebody sealed records without a key that may speak for that producer, or the bytes are
--          none that a producer of ours seals: an impostor, a stolen and revoked key, or bytes
--          changed on the way, wherever in the record. Everything that is refused counts here but
--          what DP-003 and DP-004 judge. The producer is what the log says and is not proven. What a key sealed before it was found to be stolen was taken
--          in, and proves nothing: its first 100 events are the evidence.
SELECT
  'producer:' || log_key AS scope,
  'producer:' || log_key AS subject,
  coalesce(logged_at, ingest_time) AS seen_at,
  CAST(NULL AS VARCHAR) AS event_id,
  code || ': record ' || left(raw_sha256, 16) || ' of ' || log_key || ' was refused' AS reason
FROM reject
WHERE code NOT IN ('FORK', 'LOG_GAP', 'REPLAY')
  AND 'producer:' || log_key IN (SELECT scope FROM touched)
UNION ALL
SELECT 'producer:' || u.producer, 'producer:' || u.producer, e.event_time, e.event_id,
  'KEY_COMPROMISED: what key ' || left(e.keyid, 16) || ' sealed since then proves nothing'
FROM untrusted_batch u
JOIN event e USING (producer, epoch, batch_seq)
WHERE u.code = 'KEY_COMPROMISED' AND u.known_to IS NULL
  AND 'producer:' || u.producer IN (SELECT scope FROM touched)
QUALIFY row_number() OVER (PARTITION BY u.producer, e.keyid ORDER BY e.event_time, e.event_id) <= 100
