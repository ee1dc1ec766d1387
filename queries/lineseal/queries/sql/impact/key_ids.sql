-- name:    key_ids
-- title:   Which keys that signed something have an id that starts so?
-- kind:    impact
-- params:  prefix VARCHAR
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: keyid VARCHAR
-- reads:   batch
-- order:   keyid
-- since:   0.2
-- why:     People cut ids of 64 characters short.
SELECT DISTINCT keyid
FROM batch
WHERE starts_with(keyid, $prefix::VARCHAR)
  AND ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
ORDER BY keyid
