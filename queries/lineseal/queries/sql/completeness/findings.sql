-- name:    findings
-- title:   What is missing from these producers' chains, and what else is wrong with them?
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
-- reads:   finding
-- order:   producer, epoch, code, first_batch_seq, finding_id, keyid
-- since:   0.1
-- why:     ADR-0012 says what each code means. A missing batch (GAP) may hold events of any run
--          in its span (ADR-0005, 4). Codes behind untrusted_batch come for every producer: what
--          such a batch registers counts for nobody.
SELECT
  code, producer, epoch, finding_id, keyid, first_batch_seq, last_batch_seq, span_start,
  span_end, detail
FROM finding
WHERE (
    $producers::VARCHAR[] IS NULL
    OR list_contains($producers::VARCHAR[], producer)
    OR code IN ('FORK', 'REPLAY', 'KEY_COMPROMISED')
  )
  AND opened_at <= coalesce($known_at::TIMESTAMP, opened_at)
  AND coalesce(closed_at > $known_at::TIMESTAMP, closed_at IS NULL)
ORDER BY producer, epoch, code, first_batch_seq, finding_id, keyid
