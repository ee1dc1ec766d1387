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
--          enrolled yet).
SELECT code, count(*) AS records
FROM reject
WHERE producer IS NULL
  AND ingest_time >= $since::TIMESTAMP
  AND ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
GROUP BY code
ORDER BY code
