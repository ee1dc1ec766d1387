-- name:    sealed_events
-- title:   What was said, with the seal it was said under?
-- kind:    export
-- params:  bodies VARCHAR[]           -- names of bodies
--          limit INTEGER              -- rows, at most
--          after_time TIMESTAMP=NULL  -- with after_id: go on behind this event; null: start
--          after_id VARCHAR=NULL      -- see after_time
--          since TIMESTAMP=NULL       -- event time, included; null: no bound
--          until TIMESTAMP=NULL       -- event time, included; null: no bound
-- returns: event_time TIMESTAMP
--          event_id VARCHAR
--          raw BLOB
--          schema_sha256 VARCHAR
--          actor_verified BOOLEAN
--          epoch VARCHAR
--          batch_seq BIGINT
--          event_index BIGINT
--          keyid VARCHAR
--          payload_type VARCHAR
--          header BLOB
--          signature BLOB
--          merkle_root VARCHAR
--          event_count BIGINT
--          leaves VARCHAR[]           -- of the accepted events of the batch, in order
-- reads:   event, batch
-- order:   event_time, event_id
-- since:   0.2
-- why:     A batch that a fork has twice is told by the key and number alone, so the caller checks
--          the root before it shows a proof.
WITH chosen AS (
  SELECT event_time, event_id, raw, actor_verified, producer, epoch, batch_seq, event_index, keyid
  FROM event
  WHERE body IN (SELECT unnest($bodies::VARCHAR[]))
    AND event_time >= coalesce($since::TIMESTAMP, event_time)
    AND event_time <= coalesce($until::TIMESTAMP, event_time)
    AND (
      $after_time::TIMESTAMP IS NULL
      OR (event_time, event_id) > ($after_time::TIMESTAMP, $after_id::VARCHAR)
    )
  QUALIFY row_number() OVER (PARTITION BY producer, event_id ORDER BY epoch, batch_seq) = 1
  ORDER BY event_time, event_id
  LIMIT $limit::INTEGER
), sealed AS (
  SELECT producer, epoch, batch_seq, list(leaf_sha256 ORDER BY event_index) AS leaves
  FROM event
  SEMI JOIN chosen USING (producer, epoch, batch_seq)
  GROUP BY producer, epoch, batch_seq
), header AS (
  SELECT DISTINCT ON (producer, epoch, batch_seq)
    producer, epoch, batch_seq, schema_sha256, payload_type, header, signature, merkle_root,
    event_count
  FROM batch
  SEMI JOIN chosen USING (producer, epoch, batch_seq)
  ORDER BY producer, epoch, batch_seq, header_sha256
)
SELECT
  event_time, event_id, raw, schema_sha256, actor_verified, epoch, batch_seq, event_index, keyid,
  payload_type, header, signature, merkle_root, event_count, leaves
FROM chosen
JOIN sealed USING (producer, epoch, batch_seq)
JOIN header USING (producer, epoch, batch_seq)
ORDER BY event_time, event_id
