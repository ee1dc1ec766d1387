-- name:    chain
-- title:   What is wrong with the chains of the touched epochs now?
-- params:  settled VARCHAR[] -- ids of forks that an operator decided about
-- reads:   received, genesis_claim, finding
-- makes:   finding_now
-- why:     Every statement is a function of the set of batches, so that late, doubled or
--          shuffled delivery ends in the same findings (attack table A12 to A18).

CREATE OR REPLACE TEMP TABLE place AS
WITH place AS (
  SELECT
    producer, epoch, batch_seq,
    count(*) AS branches,
    min(keyid) AS keyid,
    min(created_at) AS earliest,
    max(created_at) AS latest,
    min(first_seq) AS first_seq,
    min(event_count) AS event_count
  FROM received
  GROUP BY producer, epoch, batch_seq
)
SELECT
  *,
  lag(batch_seq, 1, -1) OVER chain AS before_seq,
  lag(earliest) OVER chain AS before_earliest,
  lag(latest) OVER chain AS before_latest,
  lag(first_seq + event_count, 1, 0) OVER chain AS expected_first_seq,
  greatest(branches, lag(branches, 1, 1) OVER chain) AS most_branches
FROM place
WINDOW chain AS (PARTITION BY producer, epoch ORDER BY batch_seq);

CREATE OR REPLACE TEMP TABLE epoch_head AS
SELECT
  producer, epoch,
  max(batch_seq) AS last_seq,
  arg_max(earliest, batch_seq) AS last_at,
  arg_max(keyid, batch_seq) AS keyid
FROM place
GROUP BY producer, epoch;

CREATE OR REPLACE TEMP TABLE finding_now (
  finding_id VARCHAR, code VARCHAR, producer VARCHAR, epoch VARCHAR, keyid VARCHAR,
  first_batch_seq BIGINT, last_batch_seq BIGINT, span_start TIMESTAMP, span_end TIMESTAMP,
  detail VARCHAR
);

-- missing before a received batch, behind the last one, or all of an epoch that is only named
INSERT INTO finding_now
WITH named AS (
  SELECT
    producer, epoch, max(batch_seq) AS claimed_last, max(created_at) AS named_at,
    min(keyid) AS keyid
  FROM genesis_claim
  GROUP BY producer, epoch
), missing AS (
  SELECT
    producer, epoch, keyid, before_seq + 1 AS first, batch_seq - 1 AS last,
    least(before_earliest, earliest) AS span_start, greatest(before_latest, latest) AS span_end
  FROM place
  WHERE batch_seq > before_seq + 1 AND before_seq >= 0
  UNION ALL
  SELECT producer, epoch, keyid, 0, batch_seq - 1, NULL, latest
  FROM place
  WHERE before_seq < 0 AND batch_seq > 0
  UNION ALL
  SELECT named.producer, named.epoch, epoch_head.keyid, last_seq + 1, claimed_last, last_at, NULL
  FROM named
  JOIN epoch_head USING (producer, epoch)
  WHERE claimed_last > last_seq
  UNION ALL
  SELECT named.producer, named.epoch, named.keyid, 0, claimed_last, NULL, named_at
  FROM named
  ANTI JOIN epoch_head USING (producer, epoch)
)
SELECT
  left(sha256(concat_ws('|', 'GAP', producer, epoch, first, last)), 16),
  'GAP', producer, epoch, keyid, first, last, span_start, span_end,
  CASE WHEN first = last THEN 'batch ' || first || ' is missing'
    ELSE 'batches ' || first || ' to ' || last || ' are missing' END
FROM missing;

-- One number, several headers: received, or named by the batch or genesis after it. Adjoining
-- numbers are one fork; every key that sealed a branch is suspended.
INSERT INTO finding_now
WITH claim AS (
  SELECT producer, epoch, batch_seq, header_sha256, keyid, created_at FROM received
  UNION ALL
  SELECT producer, epoch, batch_seq - 1, prev_header_sha256, keyid, created_at
  FROM received
  WHERE batch_seq > 0
  UNION ALL
  SELECT producer, epoch, batch_seq, header_sha256, keyid, created_at
  FROM genesis_claim
), forked AS (
  SELECT
    producer, epoch, batch_seq,
    list_sort(list(DISTINCT header_sha256)) AS headers,
    list(DISTINCT keyid) AS keyids,
    min(created_at) AS earliest
  FROM claim
  GROUP BY producer, epoch, batch_seq
  HAVING count(DISTINCT header_sha256) > 1
), island AS (
  SELECT
    *,
    batch_seq - row_number() OVER (PARTITION BY producer, epoch ORDER BY batch_seq) AS island
  FROM forked
), fork AS (
  SELECT
    producer, epoch,
    min(batch_seq) AS first,
    max(batch_seq) AS last,
    min(earliest) AS earliest,
    arg_min(headers, batch_seq) AS headers,
    list_distinct(flatten(list(keyids))) AS keyids
  FROM island
  GROUP BY producer, epoch, island
), suspended AS (
  SELECT
    * EXCLUDE (keyids),
    unnest(keyids) AS keyid,
    left(
      sha256(concat_ws('|', 'FORK', producer, epoch, first, array_to_string(headers, '|'))), 16
    ) AS finding_id
  FROM fork
)
SELECT
  finding_id, 'FORK', producer, epoch, keyid, first, last, earliest, NULL,
  len(headers) || ' different batches have the number ' || first
    || CASE WHEN last > first THEN ', and so on up to ' || last ELSE '' END
FROM suspended
WHERE NOT list_contains($settled::VARCHAR[], finding_id);

INSERT INTO finding_now
WITH closed AS (
  SELECT producer, epoch, min(batch_seq) AS final_seq
  FROM received
  WHERE (flags & 4) <> 0
  GROUP BY producer, epoch
), after AS (
  SELECT
    producer, epoch, final_seq, min(keyid) AS keyid, min(batch_seq) AS first,
    max(batch_seq) AS last, min(created_at) AS earliest
  FROM received
  JOIN closed USING (producer, epoch)
  WHERE batch_seq > final_seq
  GROUP BY producer, epoch, final_seq
)
SELECT
  left(sha256(concat_ws('|', 'REPLAY', producer, epoch, final_seq)), 16),
  'REPLAY', producer, epoch, keyid, first, last, earliest, NULL,
  'sealed after the final batch ' || final_seq
FROM after;

-- An outbox that went back in time: its genesis names a head that was left behind, one that
-- another epoch went on from, or says so itself. Two branches of one genesis are a fork only.
INSERT INTO finding_now
WITH opening AS (
  SELECT
    genesis_claim.*, last_seq, last_at,
    min(created_at) OVER (PARTITION BY genesis_claim.producer, named_by) AS opened_at
  FROM genesis_claim
  LEFT JOIN epoch_head USING (producer, epoch)
), judged AS (
  SELECT
    producer, named_by, keyid, created_at, last_at,
    CASE
      WHEN greatest(last_seq, max(batch_seq) OVER named) > batch_seq
        THEN 'its genesis names batch ' || batch_seq || ' of epoch ' || epoch
          || ', which went on to batch ' || greatest(last_seq, max(batch_seq) OVER named)
      WHEN dense_rank() OVER (named ORDER BY opened_at, named_by) > 1
        THEN 'its genesis names batch ' || batch_seq || ' of epoch ' || epoch
          || ', from which another epoch went on before'
    END AS detail
  FROM opening
  WINDOW named AS (PARTITION BY producer, epoch)
), admitted AS (
  SELECT
    producer, epoch AS named_by, keyid, created_at,
    'its genesis says that the outbox was ' || genesis.reason AS detail
  FROM received
  WHERE genesis.reason IN ('lost', 'rolled back')
), rollback AS (
  SELECT producer, named_by, keyid, created_at, detail FROM judged WHERE detail IS NOT NULL
  UNION ALL
  SELECT * FROM admitted
)
SELECT
  left(sha256(concat_ws('|', 'OUTBOX_ROLLBACK', producer, named_by)), 16),
  'OUTBOX_ROLLBACK', producer, named_by, min(keyid), 0, 0, NULL, max(created_at),
  string_agg(DISTINCT detail, '; ' ORDER BY detail)
FROM rollback
GROUP BY producer, named_by;

-- Numbers that no sealer counts: too far ahead, or events that do not follow each other.
INSERT INTO finding_now
WITH step AS (
  SELECT
    producer, epoch, keyid, batch_seq, most_branches, earliest,
    batch_seq::HUGEINT - before_seq - 1 AS missing,
    first_seq::HUGEINT - expected_first_seq AS events
  FROM place
), jump AS (
  SELECT
    producer, epoch, keyid, batch_seq, earliest,
    'it leaves out ' || missing || ' batches at once' AS detail
  FROM step
  WHERE missing > 1000000
  UNION ALL
  SELECT
    producer, epoch, keyid, batch_seq, earliest,
    'its first event is number ' || events || ' after the one that '
      || missing || ' missing batches leave room for'
  FROM step
  WHERE most_branches = 1 AND (events < 0 OR events > missing * 1024)
  UNION ALL
  SELECT
    genesis_claim.producer, named_by, genesis_claim.keyid, 0, created_at,
    'its genesis names batch ' || batch_seq || ' of an epoch known up to '
      || coalesce(last_seq, -1)
  FROM genesis_claim
  LEFT JOIN epoch_head USING (producer, epoch)
  WHERE batch_seq::HUGEINT - coalesce(last_seq, -1) > 1000000
)
SELECT
  left(sha256(concat_ws('|', 'COUNTER_JUMP', producer, epoch, batch_seq)), 16),
  'COUNTER_JUMP', producer, epoch, min(keyid), batch_seq, batch_seq, min(earliest), NULL,
  string_agg(DISTINCT detail, '; ' ORDER BY detail)
FROM jump
GROUP BY producer, epoch, batch_seq;

-- Five minutes are what a healthy clock never needs, seven days what an outbox may wait.
INSERT INTO finding_now
WITH late AS (
  SELECT
    producer, epoch, keyid, batch_seq, batch_seq AS last_seq, created_at AS moment,
    CASE
      WHEN created_at > arrived_at + INTERVAL 5 MINUTE
        THEN 'sealed later than it arrived'
      ELSE 'sealed more than seven days before it arrived'
    END AS detail
  FROM received
  WHERE created_at > arrived_at + INTERVAL 5 MINUTE OR created_at < arrived_at - INTERVAL 7 DAY
  UNION ALL
  SELECT
    producer, epoch, keyid, batch_seq, batch_seq, latest,
    'sealed more than five minutes before the batch it follows'
  FROM place
  WHERE latest < before_earliest - INTERVAL 5 MINUTE
  UNION ALL
  SELECT
    producer, epoch, keyid, batch_seq, batch_seq, event_time,
    'an event is later than its arrival'
  FROM event
  WHERE ingest_time = $ingest_time
    AND event_time > coalesce(logged_at, ingest_time) + INTERVAL 5 MINUTE
  UNION ALL
  -- events of former commits are not read again
  SELECT producer, epoch, keyid, first_batch_seq, last_batch_seq, span_start, detail
  FROM finding
  SEMI JOIN touched_epoch USING (producer, epoch)
  WHERE code = 'CLOCK' AND closed_at IS NULL AND detail = 'an event is later than its arrival'
)
SELECT
  left(sha256(concat_ws('|', 'CLOCK', producer, epoch, detail)), 16),
  'CLOCK', producer, epoch, min(keyid), min(batch_seq), max(last_seq), min(moment), NULL, detail
FROM late
GROUP BY producer, epoch, detail;

DELETE FROM finding_now
WHERE (producer, epoch) NOT IN (SELECT (producer, epoch) FROM touched_epoch);

CREATE OR REPLACE TEMP TABLE finding_before AS
SELECT finding.* EXCLUDE (opened_at, closed_at)
FROM finding
SEMI JOIN touched_epoch USING (producer, epoch)
WHERE closed_at IS NULL AND code NOT IN ('KEY_COMPROMISED', 'KEYRING_ROLLBACK', 'SILENT_PRODUCER');

DROP TABLE place;
DROP TABLE epoch_head;
DROP TABLE genesis_claim;
DROP TABLE received;
DROP TABLE touched_epoch;
