-- name:    recorded_keyring
-- title:   Which keyring was the newest?
-- kind:    record
-- params:  known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: document BLOB           -- signed by root keys; verified when it was recorded
-- reads:   keyring_version
-- order:   one row at most
-- since:   0.2
-- why:     Who may write stands in the keyring, and the store keeps every version of it.
SELECT document
FROM keyring_version
WHERE ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
ORDER BY version DESC
LIMIT 1
