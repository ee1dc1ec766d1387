-- name:    untrusted_statements
-- title:   Which of these statements rest on batches that prove nothing?
-- kind:    statement
-- params:  producers VARCHAR[]     -- with event_ids: one pair for each statement
--          event_ids VARCHAR[]     -- same length as producers
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: producer VARCHAR
--          event_id VARCHAR
--          code VARCHAR            -- FORK, REPLAY, KEY_COMPROMISED; the smallest
-- reads:   untrusted_batch, event
-- order:   none
-- since:   0.2
-- why:     What a suspended or compromised key signed stays visible, but is nobody's decision
--          (ADR-0012).
WITH doubt AS (
  SELECT DISTINCT producer, epoch, batch_seq, code
  FROM untrusted_batch
  WHERE list_contains($producers::VARCHAR[], producer)
    AND known_from <= coalesce($known_at::TIMESTAMP, known_from)
    AND coalesce(known_to > $known_at::TIMESTAMP, known_to IS NULL)
), wanted AS (
  SELECT unnest($producers::VARCHAR[]) AS producer, unnest($event_ids::VARCHAR[]) AS event_id
)
SELECT event.producer, event.event_id, min(doubt.code) AS code
FROM event
JOIN doubt USING (producer, epoch, batch_seq)
SEMI JOIN wanted ON wanted.producer = event.producer AND wanted.event_id = event.event_id
GROUP BY event.producer, event.event_id
