-- name:    doubtful_registrations
-- title:   Which registrations stand in batches that prove nothing?
-- kind:    completeness
-- params:  known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: producer VARCHAR
--          event_id VARCHAR
-- reads:   event, untrusted_batch
-- order:   none
-- since:   0.2
-- why:     What such a batch says stays visible and registers nothing (ADR-0012). Asked only when
--          some finding says that there are such batches.
SELECT DISTINCT event.producer, event.event_id
FROM event
JOIN untrusted_batch USING (producer, epoch, batch_seq)
WHERE event.body = 'registration'
  AND known_from <= coalesce($known_at::TIMESTAMP, known_from)
  AND coalesce(known_to > $known_at::TIMESTAMP, known_to IS NULL)
