-- name:    epochs
-- title:   How did each epoch of these producers end, and what is known to be lacking?
-- kind:    completeness
-- params:  producers VARCHAR[]=NULL -- null: of every producer
--          known_at TIMESTAMP=NULL  -- ingest time, included; null: as known today
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
-- reads:   batch, reject
-- order:   producer, first_created_at, epoch
-- since:   0.1
-- why:     The view producer_epoch has no bound on ingest time and no rejects; otherwise this
--          is the same. An epoch is UNCLOSED when it ended without a final batch and no later
--          genesis names it: whether it goes on only a clock can tell.
WITH known AS (
  SELECT *
  FROM batch
  WHERE ($producers::VARCHAR[] IS NULL OR list_contains($producers::VARCHAR[], producer))
    AND ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
), chain AS (
  SELECT
    producer,
    epoch,
    count(*) AS batches,
    CAST(sum(event_count) AS BIGINT) AS events,
    min(batch_seq) AS first_batch_seq,
    max(batch_seq) AS last_batch_seq,
    max(batch_seq) + 1 - count(DISTINCT batch_seq) AS missing_batches,
    CAST(least(coalesce(sum(loss."count"), 0), 9223372036854775807) AS BIGINT) AS lost_events,
    bool_or((flags & 4) <> 0) AS final,
    arg_max(header_sha256, batch_seq) AS head_sha256,
    min(created_at) AS first_created_at,
    max(created_at) AS last_created_at,
    max(least(created_at, ingest_time)) AS last_seen_at,
    max(genesis.reason) AS genesis_reason
  FROM known
  GROUP BY producer, epoch
), successor AS (
  SELECT producer, genesis.prev_epoch AS epoch, max(genesis.prev_batch_seq) AS claimed_last
  FROM known
  WHERE genesis.prev_epoch IS NOT NULL
  GROUP BY producer, genesis.prev_epoch
), refused AS (
  SELECT producer, epoch, count(DISTINCT raw_sha256) AS rejected
  FROM reject
  WHERE producer IS NOT NULL
    AND ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
  GROUP BY producer, epoch
)
SELECT
  chain.producer,
  chain.epoch,
  CASE
    WHEN chain.final THEN 'CLOSED'
    WHEN successor.claimed_last IS NOT NULL THEN 'SUCCEEDED'
    ELSE 'UNCLOSED'
  END AS state,
  chain.batches,
  chain.events,
  chain.first_batch_seq,
  chain.last_batch_seq,
  chain.missing_batches,
  greatest(coalesce(successor.claimed_last, -1) - chain.last_batch_seq, 0) AS missing_tail,
  chain.lost_events,
  coalesce(refused.rejected, 0) AS rejected,
  chain.head_sha256,
  chain.first_created_at,
  chain.last_created_at,
  chain.last_seen_at,
  chain.genesis_reason
FROM chain
LEFT JOIN successor USING (producer, epoch)
LEFT JOIN refused USING (producer, epoch)
ORDER BY chain.producer, chain.first_created_at, chain.epoch
