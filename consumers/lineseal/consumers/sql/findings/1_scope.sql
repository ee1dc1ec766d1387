-- name:    scope
-- title:   Which epochs can this commit have changed?
-- params:  ingest_time TIMESTAMP -- the commit's; its rows are already inserted
-- makes:   touched_epoch, received, genesis_claim
-- why:     A finding depends on the batches of its epoch, on the geneses that name it, and on
--          the epoch that its own genesis names with everything else that names that one.

CREATE OR REPLACE TEMP TABLE epoch_link AS
SELECT producer, epoch, genesis.prev_epoch AS prev_epoch
FROM batch
WHERE batch_seq = 0
  AND genesis.prev_epoch IS NOT NULL
  AND producer IN (SELECT producer FROM batch WHERE ingest_time = $ingest_time);

-- whose findings are computed anew
CREATE OR REPLACE TEMP TABLE touched_epoch AS
WITH arrived AS (
  SELECT DISTINCT producer, epoch FROM batch WHERE ingest_time = $ingest_time
), base AS (
  SELECT producer, epoch FROM arrived
  UNION
  SELECT producer, prev_epoch FROM epoch_link SEMI JOIN arrived USING (producer, epoch)
)
SELECT producer, epoch FROM base
UNION
SELECT epoch_link.producer, epoch_link.epoch
FROM epoch_link
JOIN base ON epoch_link.producer = base.producer AND epoch_link.prev_epoch = base.epoch;

-- what they depend on
CREATE OR REPLACE TEMP TABLE near_epoch AS
WITH base AS (
  SELECT producer, epoch FROM touched_epoch
  UNION
  SELECT producer, prev_epoch FROM epoch_link SEMI JOIN touched_epoch USING (producer, epoch)
)
SELECT producer, epoch FROM base
UNION
SELECT epoch_link.producer, epoch_link.epoch
FROM epoch_link
JOIN base ON epoch_link.producer = base.producer AND epoch_link.prev_epoch = base.epoch;

CREATE OR REPLACE TEMP TABLE received AS
SELECT
  producer, epoch, batch_seq, first_seq, event_count, header_sha256, prev_header_sha256,
  created_at, flags, genesis, keyid, coalesce(logged_at, ingest_time) AS arrived_at
FROM batch
SEMI JOIN near_epoch USING (producer, epoch);

-- what geneses say about the epochs before them
CREATE OR REPLACE TEMP TABLE genesis_claim AS
SELECT
  producer,
  genesis.prev_epoch AS epoch,
  genesis.prev_batch_seq AS batch_seq,
  genesis.prev_header_sha256 AS header_sha256,
  keyid,
  created_at,
  epoch AS named_by
FROM received
WHERE genesis.prev_epoch IS NOT NULL;

DROP TABLE near_epoch;
DROP TABLE epoch_link;
