-- name:    epochs
-- title:   What is each epoch now that these batches and rejects are known?
-- params:  ingest_time TIMESTAMP -- of the commit; later ones are not looked at
-- makes:   epoch_now
-- why:     An epoch is UNCLOSED when it ended without a final batch and no later genesis names
--          it: whether it goes on only a clock can tell. Here a commit changes the epochs of its
--          batches and rejects, and those that its geneses name.

CREATE OR REPLACE TEMP TABLE epoch_touched AS
SELECT producer, epoch FROM batch WHERE ingest_time = $ingest_time
UNION
SELECT producer, genesis.prev_epoch FROM batch
WHERE ingest_time = $ingest_time AND genesis.prev_epoch IS NOT NULL
UNION
SELECT producer, epoch FROM reject
WHERE ingest_time = $ingest_time AND producer IS NOT NULL AND epoch IS NOT NULL;

CREATE OR REPLACE TEMP TABLE epoch_now AS
WITH chain AS (
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
    arg_max(header_sha256, (batch_seq, header_sha256)) AS head_sha256,
    min(created_at) AS first_created_at,
    max(created_at) AS last_created_at,
    max(least(created_at, ingest_time)) AS last_seen_at,
    max(genesis.reason) AS genesis_reason
  FROM batch
  SEMI JOIN epoch_touched USING (producer, epoch)
  WHERE ingest_time <= $ingest_time
  GROUP BY producer, epoch
), successor AS (
  SELECT batch.producer, genesis.prev_epoch AS epoch, max(genesis.prev_batch_seq) AS claimed_last
  FROM batch
  WHERE genesis.prev_epoch IS NOT NULL AND ingest_time <= $ingest_time
    AND genesis.prev_epoch IN (SELECT epoch FROM epoch_touched)
  GROUP BY batch.producer, genesis.prev_epoch
), refused AS (
  SELECT producer, epoch, count(DISTINCT raw_sha256) AS rejected
  FROM reject
  SEMI JOIN epoch_touched USING (producer, epoch)
  WHERE ingest_time <= $ingest_time
  GROUP BY producer, epoch
)
SELECT
  chain.epoch,
  chain.producer,
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
  chain.genesis_reason,
  $ingest_time::TIMESTAMP AS known_from,
  NULL::TIMESTAMP AS known_to
FROM chain
LEFT JOIN successor USING (producer, epoch)
LEFT JOIN refused USING (producer, epoch);

UPDATE epoch_fact SET known_to = $ingest_time
WHERE known_to IS NULL AND (producer, epoch) IN (SELECT (producer, epoch) FROM epoch_now);

DROP TABLE epoch_touched;
