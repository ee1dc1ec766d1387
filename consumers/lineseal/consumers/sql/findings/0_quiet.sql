-- name:    quiet
-- title:   Does every batch of this commit just go on from the head of its epoch?
-- params:  ingest_time TIMESTAMP -- the commit's; its rows are already inserted
-- returns: one boolean: then no chain finding can have opened, closed or changed
-- why:     Nearly every commit of a long-running producer. Computing its epoch anew costs as much
--          as the epoch is long, this reads its last batches only. It must never say yes where
--          2_chain.sql would find something: in doubt it says no.

WITH span AS (
  SELECT producer, epoch, min(batch_seq) AS first, max(batch_seq) AS last, count(*) AS batches
  FROM batch
  WHERE ingest_time = $ingest_time
  GROUP BY producer, epoch
), tail AS (
  SELECT batch.*, span.batches, coalesce(logged_at, ingest_time) AS arrived_at
  FROM batch
  JOIN span USING (producer, epoch)
  WHERE batch_seq >= span.first - 1
), linked AS (
  SELECT
    *,
    count(*) OVER (PARTITION BY producer, epoch) AS rows_of_tail,
    lag(batch_seq) OVER chain AS before_seq,
    lag(header_sha256) OVER chain AS before_header,
    lag(first_seq + event_count) OVER chain AS expected_first_seq,
    lag(created_at) OVER chain AS before_at
  FROM tail
  WINDOW chain AS (PARTITION BY producer, epoch ORDER BY batch_seq)
)
SELECT
  NOT EXISTS (
    FROM linked
    WHERE ingest_time = $ingest_time AND NOT coalesce(
      rows_of_tail = batches + 1
        AND batch_seq = before_seq + 1
        AND prev_header_sha256 = before_header
        AND first_seq = expected_first_seq
        AND genesis.prev_epoch IS NULL
        AND created_at >= before_at - INTERVAL 5 MINUTE
        AND created_at BETWEEN arrived_at - INTERVAL 7 DAY AND arrived_at + INTERVAL 5 MINUTE,
      false
    )
  )
  AND NOT EXISTS (
    FROM batch
    JOIN span USING (producer, epoch)
    WHERE (flags & 4) <> 0 AND batch_seq < span.last
  )
  AND NOT EXISTS (
    FROM batch
    JOIN span ON batch.producer = span.producer AND batch.genesis.prev_epoch = span.epoch
    WHERE batch_seq = 0
  )
  AND NOT EXISTS (
    FROM event
    WHERE ingest_time = $ingest_time
      AND event_time > coalesce(logged_at, ingest_time) + INTERVAL 5 MINUTE
  ) AS quiet
