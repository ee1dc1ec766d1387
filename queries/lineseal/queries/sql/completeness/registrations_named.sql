-- name:    registrations_named
-- title:   Which registrations stand under these hashes of names and versions?
-- kind:    completeness
-- params:  hashes UBIGINT[]        -- about_hash, as in ddl/0003
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: kind VARCHAR
--          namespace VARCHAR
--          name VARCHAR
--          version VARCHAR
--          digest VARCHAR
--          producer VARCHAR
--          event_id VARCHAR
--          event_time TIMESTAMP
--          opaque BOOLEAN
--          owner VARCHAR
-- reads:   statement_about
-- order:   none
-- since:   0.2
-- why:     For a few versions: joining them in SQL takes longer to plan than to run. Hashes find
--          candidates only, and one may come twice. An unsigned import registers nothing.
SELECT kind, namespace, name, version, digest, producer, event_id, event_time, opaque, owner
FROM statement_about
WHERE about_hash IN (SELECT unnest($hashes::UBIGINT[]))
  AND body = 'registration'
  AND origin IS DISTINCT FROM 'import'
  AND ($as_of::TIMESTAMP IS NULL OR event_time <= $as_of)
  AND ($known_at::TIMESTAMP IS NULL OR ingest_time <= $known_at)
