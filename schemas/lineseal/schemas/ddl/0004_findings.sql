-- What is wrong with chains, clocks and keys: a function of the batches received (and, for three
-- codes, of the keyring and the clock), whatever the order they came in. ADR-0012.
-- A row holds from opened_at (included) to closed_at (excluded; null = still).
CREATE TABLE finding (
  finding_id      VARCHAR NOT NULL, -- 16 hex; the same thing has the same id in every store
  code            VARCHAR NOT NULL, -- GAP, FORK, REPLAY, OUTBOX_ROLLBACK, COUNTER_JUMP, CLOCK,
                                    -- KEY_COMPROMISED, KEYRING_ROLLBACK, SILENT_PRODUCER
  producer        VARCHAR NOT NULL,
  epoch           VARCHAR,          -- null: about the producer or its key
  keyid           VARCHAR,          -- the key that sealed it, where one did
  first_batch_seq BIGINT,
  last_batch_seq  BIGINT,           -- included
  span_start      TIMESTAMP,        -- claimed time it is about; null: the beginning of time
  span_end        TIMESTAMP,        -- included; null: the end of time
  detail          VARCHAR NOT NULL,
  opened_at       TIMESTAMP NOT NULL, -- ingest time
  closed_at       TIMESTAMP
);

-- Batches that verified and stay visible, but prove nothing: one row for each reason.
CREATE VIEW untrusted_batch AS
WITH accused AS (
  SELECT * FROM finding WHERE code IN ('FORK', 'REPLAY', 'KEY_COMPROMISED')
)
SELECT
  batch.producer,
  batch.epoch,
  batch.batch_seq,
  batch.header_sha256,
  accused.code,
  accused.finding_id,
  greatest(accused.opened_at, batch.ingest_time) AS known_from,
  accused.closed_at AS known_to
FROM accused
JOIN batch ON batch.producer = accused.producer
WHERE CASE accused.code
  -- the key is suspended from the fork on
  WHEN 'FORK' THEN batch.keyid = accused.keyid AND (
    (batch.epoch = accused.epoch AND batch.batch_seq >= accused.first_batch_seq)
    OR batch.created_at >= accused.span_start
  )
  WHEN 'REPLAY' THEN
    batch.epoch = accused.epoch AND batch.batch_seq >= accused.first_batch_seq
  ELSE
    batch.keyid = accused.keyid
    AND coalesce(batch.first_seen, batch.logged_at, batch.ingest_time) >= accused.span_start
END;
