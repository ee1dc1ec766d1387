-- name:    epochs_of
-- title:   How did these epochs end, and what is known to be lacking?
-- kind:    completeness
-- params:  epochs VARCHAR[]        -- of any producer
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: producer VARCHAR
--          epoch VARCHAR
--          state VARCHAR            -- CLOSED, SUCCEEDED, UNCLOSED
--          batches BIGINT
--          events BIGINT
--          first_batch_seq BIGINT
--          last_batch_seq BIGINT
--          missing_batches BIGINT   -- below last_batch_seq
--          missing_tail BIGINT      -- after it, as a later genesis says
--          lost_events BIGINT       -- the producer itself says it dropped them
--          rejected BIGINT          -- different records of this epoch that were refused
--          head_sha256 VARCHAR
--          first_created_at TIMESTAMP
--          last_created_at TIMESTAMP
--          last_seen_at TIMESTAMP   -- last_created_at, but never after it reached us
--          genesis_reason VARCHAR   -- why the producer opened it; null: not received
-- reads:   epoch_fact
-- order:   none
-- since:   0.2
-- why:     As epochs.sql, for the few that carry the events of some runs.
SELECT
  producer, epoch, state, batches, events, first_batch_seq, last_batch_seq, missing_batches,
  missing_tail, lost_events, rejected, head_sha256, first_created_at, last_created_at,
  last_seen_at, genesis_reason
FROM epoch_fact
WHERE epoch IN (SELECT unnest($epochs::VARCHAR[]))
  AND CASE
    WHEN $known_at::TIMESTAMP IS NULL THEN known_to IS NULL
    ELSE known_from <= $known_at AND (known_to IS NULL OR known_to > $known_at)
  END
