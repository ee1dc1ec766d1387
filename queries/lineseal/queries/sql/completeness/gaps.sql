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
-- reads:   finding
-- order:   producer, epoch, first_missing
-- since:   0.1
-- why:     A missing batch may hold events of any run in its time (ADR-0005, 4): between two
--          received batches the time between them; before the first one all time up to it;
--          after the last one all time from it; of an epoch that only a later genesis names,
--          all time before that genesis.
SELECT
  producer,
  epoch,
  first_batch_seq AS first_missing,
  last_batch_seq AS last_missing,
  span_start AS gap_start,
  span_end AS gap_end
FROM finding
WHERE code = 'GAP'
  AND ($producers::VARCHAR[] IS NULL OR list_contains($producers::VARCHAR[], producer))
  AND opened_at <= coalesce($known_at::TIMESTAMP, opened_at)
  AND coalesce(closed_at > $known_at::TIMESTAMP, closed_at IS NULL)
ORDER BY producer, epoch, first_batch_seq
