-- name:    rejects
-- title:   Which records were refused, and why?
-- kind:    state
-- params:  code VARCHAR=NULL     -- null: every code
--          most BIGINT           -- at most so many rows
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
-- reads:   reject
-- order:   newest first, then stream, position, event_index
-- since:   0.1
-- why:     What is refused is never dropped; this is where to look first.
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
  outcome
FROM reject
WHERE code = coalesce($code::VARCHAR, code)
ORDER BY ingest_time DESC, stream, position, event_index
LIMIT $most::BIGINT
