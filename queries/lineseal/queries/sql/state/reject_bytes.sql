-- name:    reject_bytes
-- title:   What exactly was refused?
-- kind:    state
-- params:  prefix VARCHAR        -- first hex characters of the SHA-256 of the bytes
-- returns: id VARCHAR            -- SHA-256 of the refused bytes, 64 hex
--          code VARCHAR
--          detail VARCHAR
--          producer VARCHAR      -- verified; null when the signature was not
--          log_key VARCHAR       -- producer as the log names it; not verified
--          epoch VARCHAR
--          batch_seq BIGINT
--          event_index BIGINT    -- null: the whole record was refused
--          stream VARCHAR
--          position BIGINT
--          size_bytes BIGINT
--          logged_at TIMESTAMP
--          ingest_time TIMESTAMP
--          retried_at TIMESTAMP  -- when it was last judged again; null: never
--          outcome VARCHAR       -- of that: ACCEPTED, DUPLICATE, or the code of the refusal
--          raw BLOB
-- reads:   reject
-- order:   id, newest first
-- since:   0.1
-- why:     The bytes decide what happened; the same bytes may have been refused several times.
SELECT
  raw_sha256 AS id,
  code,
  detail,
  producer,
  log_key,
  epoch,
  batch_seq,
  event_index,
  stream,
  position,
  octet_length(raw) AS size_bytes,
  logged_at,
  ingest_time,
  retried_at,
  outcome,
  raw
FROM reject
WHERE starts_with(raw_sha256, $prefix)
ORDER BY raw_sha256, ingest_time DESC, stream, position, event_index
