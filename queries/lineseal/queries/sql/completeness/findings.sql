-- name:    findings
-- title:   What else than missing batches is wrong with these producers' chains and keys?
-- kind:    completeness
-- params:  producers VARCHAR[]=NULL -- null: of every producer
--          known_at TIMESTAMP=NULL  -- ingest time, included; null: as known today
-- returns: code VARCHAR
--          producer VARCHAR
--          epoch VARCHAR             -- null: about the producer or its key
--          finding_id VARCHAR
--          keyid VARCHAR
--          first_batch_seq BIGINT
--          last_batch_seq BIGINT     -- included
--          span_start TIMESTAMP      -- null: the beginning of time
--          span_end TIMESTAMP        -- null: the end of time
--          detail VARCHAR
--          opened_at TIMESTAMP       -- ingest time: since when this store knows
-- reads:   finding
-- order:   producer, epoch, code, first_batch_seq, finding_id, keyid
-- since:   0.1
-- why:     ADR-0012 says what each code means; gaps.sql has the missing batches.
SELECT
  code,
  producer,
  epoch,
  finding_id,
  keyid,
  first_batch_seq,
  last_batch_seq,
  span_start,
  span_end,
  detail,
  (SELECT min(opened_at) FROM finding AS former
   WHERE former.finding_id = finding.finding_id) AS opened_at
FROM finding
WHERE code <> 'GAP'
  AND ($producers::VARCHAR[] IS NULL OR list_contains($producers::VARCHAR[], producer))
  AND opened_at <= coalesce($known_at::TIMESTAMP, opened_at)
  AND coalesce(closed_at > $known_at::TIMESTAMP, closed_at IS NULL)
ORDER BY producer, epoch, code, first_batch_seq, finding_id, keyid
