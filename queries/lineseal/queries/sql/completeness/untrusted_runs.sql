-- name:    untrusted_runs
-- title:   Which runs of these producers rest on batches that prove nothing?
-- kind:    completeness
-- params:  producers VARCHAR[]      -- any; only some have untrusted batches
--          known_at TIMESTAMP=NULL  -- ingest time, included; null: as known today
-- returns: producer VARCHAR
--          run_id VARCHAR
--          code VARCHAR             -- FORK, REPLAY, KEY_COMPROMISED
-- reads:   untrusted_batch, event
-- order:   producer, run_id, code
-- since:   0.1
-- why:     What a suspended or compromised key said stays visible and proves nothing: every
--          edge of such a run is weak (ADR-0005, ADR-0012).
WITH doubt AS (
  SELECT DISTINCT producer, epoch, batch_seq, header_sha256, code
  FROM untrusted_batch
  WHERE list_contains($producers::VARCHAR[], producer)
    AND known_from <= coalesce($known_at::TIMESTAMP, known_from)
    AND coalesce(known_to > $known_at::TIMESTAMP, known_to IS NULL)
)
SELECT DISTINCT event.producer, event.run_id, doubt.code
FROM event
JOIN doubt USING (producer, epoch, batch_seq)
WHERE event.run_id IS NOT NULL
ORDER BY event.producer, event.run_id, doubt.code
