-- name:    refused_records
-- title:   How many records of nobody's in particular were refused since then, and why?
-- kind:    completeness
-- params:  since TIMESTAMP         -- ingest time, included
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: code VARCHAR
--          records BIGINT
-- reads:   reject
-- order:   code
-- since:   0.1
-- why:     A record whose signature did not verify belongs to no producer, so no chain shows
--          that it is missing; what it said may have been true all the same (a key that nobody
--          enrolled yet). What was accepted when it was judged again lacks no more.
SELECT code, count(*) AS records
FROM reject
WHERE producer IS NULL
  AND ingest_time >= $since::TIMESTAMP
  AND ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
  AND NOT coalesce(
    outcome IN ('ACCEPTED', 'DUPLICATE')
      AND retried_at <= coalesce($known_at::TIMESTAMP, retried_at),
    false
  )
GROUP BY code
ORDER BY code
