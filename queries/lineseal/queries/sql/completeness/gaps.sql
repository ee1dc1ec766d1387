-- name:    gaps
-- title:   Which batches of these producers are missing, and in which time?
-- kind:    completeness
-- params:  producers VARCHAR[]=NULL -- null: of every producer
--          known_at TIMESTAMP=NULL  -- ingest time, included; null: as known today
-- returns: producer VARCHAR
--          epoch VARCHAR
--          first_missing BIGINT
--          last_missing BIGINT      -- included
--          gap_start TIMESTAMP      -- null: the beginning of time
--          gap_end TIMESTAMP        -- null: the end of time
-- reads:   batch
-- order:   producer, epoch, first_missing
-- since:   0.1
-- why:     A missing batch may hold events of any run in its time (ADR-0005, 4): between two
--          received batches the time between them; before the first one all time up to it;
--          after the last one all time from it; of an epoch that only a later genesis names,
--          all time before that genesis.
WITH known AS (
  SELECT producer, epoch, batch_seq, created_at, genesis
  FROM batch
  WHERE ($producers::VARCHAR[] IS NULL OR list_contains($producers::VARCHAR[], producer))
    AND ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
), ordered AS (
  SELECT
    producer,
    epoch,
    batch_seq,
    created_at,
    lag(batch_seq, 1, -1) OVER chain AS previous_seq,
    lag(created_at) OVER chain AS previous_at
  FROM known
  WINDOW chain AS (PARTITION BY producer, epoch ORDER BY batch_seq)
), head AS (
  SELECT
    producer,
    epoch,
    max(batch_seq) AS last_seq,
    arg_max(created_at, batch_seq) AS last_at
  FROM known
  GROUP BY producer, epoch
), named AS (
  SELECT
    producer,
    genesis.prev_epoch AS epoch,
    max(genesis.prev_batch_seq) AS claimed_last,
    max(created_at) AS named_at
  FROM known
  WHERE genesis.prev_epoch IS NOT NULL
  GROUP BY producer, genesis.prev_epoch
)
SELECT
  producer,
  epoch,
  previous_seq + 1 AS first_missing,
  batch_seq - 1 AS last_missing,
  least(previous_at, created_at) AS gap_start,
  greatest(previous_at, created_at) AS gap_end
FROM ordered
WHERE batch_seq > previous_seq + 1 AND previous_seq >= 0
UNION ALL
SELECT producer, epoch, 0, batch_seq - 1, NULL, created_at
FROM ordered
WHERE previous_seq < 0 AND batch_seq > 0
UNION ALL
SELECT named.producer, named.epoch, head.last_seq + 1, named.claimed_last, head.last_at, NULL
FROM named
JOIN head USING (producer, epoch)
WHERE named.claimed_last > head.last_seq
UNION ALL
SELECT named.producer, named.epoch, 0, named.claimed_last, NULL, named.named_at
FROM named
ANTI JOIN head USING (producer, epoch)
ORDER BY producer, epoch, first_missing
