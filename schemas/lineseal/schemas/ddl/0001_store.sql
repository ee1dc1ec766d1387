-- The store: what was received, in which order, and the lineage graph made of it.
-- Table and column names are a public interface (DESIGN 7): responders write SQL against them.
-- All times are TIMESTAMP in UTC. "claimed" is the producer's clock (event_time, created_at),
-- "logged" the log's (logged_at, may be null), "ingest" ours (ingest_time).
-- No sequences, no secondary indexes, no primary keys on tables that grow (duckdb#23788).

-- Facts about this store: schema_version, deployment, keyring_version.
CREATE TABLE store_fact (
  name  VARCHAR PRIMARY KEY,
  value VARCHAR NOT NULL
);

-- The next position to read in each stream of the log; written with the rows it covers.
CREATE TABLE position (
  stream        VARCHAR PRIMARY KEY,
  next_position BIGINT NOT NULL
);

-- One row per batch that verified: the chain of each producer's epochs. Two rows with one number
-- and different headers are the branches of a fork: see finding and untrusted_batch.
CREATE TABLE batch (
  producer           VARCHAR NOT NULL,
  epoch              VARCHAR NOT NULL,
  batch_seq          BIGINT NOT NULL,
  first_seq          BIGINT NOT NULL,
  event_count        BIGINT NOT NULL,
  header_sha256      VARCHAR NOT NULL,
  prev_header_sha256 VARCHAR NOT NULL,
  merkle_root        VARCHAR NOT NULL,
  schema_sha256      VARCHAR NOT NULL,
  created_at         TIMESTAMP NOT NULL,
  flags              BIGINT NOT NULL,
  genesis            STRUCT(prev_epoch VARCHAR, prev_batch_seq BIGINT, prev_header_sha256 VARCHAR, reason VARCHAR),
  loss               STRUCT("count" BIGINT, first_at BIGINT, last_at BIGINT, reason VARCHAR),
  payload_type       VARCHAR NOT NULL,
  header             BLOB NOT NULL,
  keyid              VARCHAR NOT NULL,
  signature          BLOB NOT NULL,
  signatures         STRUCT(keyid VARCHAR, sig BLOB)[], -- all of them, when the batch carries more
  stream             VARCHAR NOT NULL,
  position           BIGINT NOT NULL,
  logged_at          TIMESTAMP,
  first_seen         TIMESTAMP,  -- first recorded log or ingest time: when its key is judged
  ingest_time        TIMESTAMP NOT NULL
);

-- The append-only log of what this store accepted, refused and found: leaves of the Merkle log.
CREATE TABLE log_entry (
  log_index    BIGINT NOT NULL,   -- from 0, no holes
  kind         VARCHAR NOT NULL,  -- BATCH, REJECT, RETRY, FINDING, ALERT, KEYRING, START
  value_sha256 VARCHAR NOT NULL,  -- SHA-256 of the record's bytes; of one event's, when only that was refused
  stream       VARCHAR NOT NULL,
  position     BIGINT NOT NULL,
  ingest_time  TIMESTAMP NOT NULL,
  detail       VARCHAR NOT NULL,  -- JSON object: what else this entry says, by kind
  leaf_sha256  VARCHAR NOT NULL   -- RFC 6962 leaf hash of this entry
);

-- What was refused, with its bytes. event_index is null when the whole record was refused.
CREATE TABLE reject (
  reject_id   BIGINT NOT NULL,
  code        VARCHAR NOT NULL,
  detail      VARCHAR NOT NULL,
  stream      VARCHAR NOT NULL,
  position    BIGINT NOT NULL,
  log_key     VARCHAR NOT NULL,   -- producer as the log names it; not verified
  producer    VARCHAR,            -- verified; null when the signature was not
  epoch       VARCHAR,
  batch_seq   BIGINT,
  event_index BIGINT,
  raw         BLOB NOT NULL,
  raw_sha256  VARCHAR NOT NULL,
  logged_at   TIMESTAMP,
  ingest_time TIMESTAMP NOT NULL,
  retried_at  TIMESTAMP,          -- ingest time at which it was last judged again; null: never
  outcome     VARCHAR             -- of that: ACCEPTED, DUPLICATE (known by then), or why still not
);

-- One row per accepted event, with its exact bytes.
CREATE TABLE event (
  event_id       VARCHAR NOT NULL,
  producer       VARCHAR NOT NULL,
  epoch          VARCHAR NOT NULL,
  batch_seq      BIGINT NOT NULL,
  event_index    BIGINT NOT NULL,  -- in its batch, from 0
  body           VARCHAR NOT NULL, -- run, registration, validation, ...
  event_time     TIMESTAMP NOT NULL,
  logged_at      TIMESTAMP,
  ingest_time    TIMESTAMP NOT NULL,
  job_namespace  VARCHAR,
  job_name       VARCHAR,
  stage          VARCHAR,
  run_id         VARCHAR,
  actor_kind     VARCHAR NOT NULL,
  actor_id       VARCHAR NOT NULL,
  actor_verified BOOLEAN NOT NULL, -- signed by the key bound to this very actor
  origin         VARCHAR NOT NULL,
  keyid          VARCHAR NOT NULL,
  trace_id       VARCHAR,
  span_id        VARCHAR,
  host           VARCHAR,
  identity       VARCHAR,
  leaf_sha256    VARCHAR NOT NULL,
  raw            BLOB NOT NULL USING COMPRESSION zstd -- half the size, and faster than the default
);

-- One row per RunEvent.
CREATE TABLE run_event (
  event_id          VARCHAR NOT NULL,
  producer          VARCHAR NOT NULL,
  run_id            VARCHAR NOT NULL,
  event_time        TIMESTAMP NOT NULL,
  ingest_time       TIMESTAMP NOT NULL,
  job_namespace     VARCHAR,
  job_name          VARCHAR,
  stage             VARCHAR,
  state             VARCHAR NOT NULL,
  origin            VARCHAR NOT NULL,
  epoch             VARCHAR NOT NULL,
  parameters        STRUCT("key" VARCHAR, "value" VARCHAR)[],
  metrics           STRUCT("name" VARCHAR, "value" DOUBLE)[],
  code              STRUCT(repository VARCHAR, "commit" VARCHAR, dirty BOOLEAN, entry_point VARCHAR),
  environment       STRUCT(image_digest VARCHAR, lockfile_digest VARCHAR, python VARCHAR, platform VARCHAR),
  trigger           VARCHAR,
  parent            STRUCT(run_id VARCHAR, job_namespace VARCHAR, job_name VARCHAR),
  part              BIGINT,
  message           VARCHAR
);

-- One row per input or output a RunEvent names, as it named it (nothing resolved).
CREATE TABLE run_io (
  event_id        VARCHAR NOT NULL,
  producer        VARCHAR NOT NULL,
  run_id          VARCHAR NOT NULL,
  direction       VARCHAR NOT NULL, -- input, output
  kind            VARCHAR NOT NULL,
  namespace       VARCHAR NOT NULL,
  name            VARCHAR NOT NULL,
  version         VARCHAR,
  digest          VARCHAR,
  rows            BIGINT,
  size_bytes      BIGINT,
  role            VARCHAR,
  reported_digest VARCHAR,
  location        VARCHAR,
  origin          VARCHAR NOT NULL,
  event_time      TIMESTAMP NOT NULL,
  ingest_time     TIMESTAMP NOT NULL
);

-- Nodes of the lineage graph (ADR-0004 says how facts become nodes).
-- A row holds from known_from (included) to known_to (excluded; null = still).
CREATE TABLE artifact_version (
  artifact_version_id BIGINT NOT NULL,  -- surrogate of this store; never shown, never compared
  kind                VARCHAR NOT NULL,
  namespace           VARCHAR NOT NULL,
  name                VARCHAR NOT NULL USING COMPRESSION uncompressed,
  version             VARCHAR USING COMPRESSION uncompressed,
  digest              VARCHAR USING COMPRESSION uncompressed,
  producer            VARCHAR,          -- with run_id: only where the run is the identity
  run_id              VARCHAR USING COMPRESSION uncompressed,
  made                BOOLEAN NOT NULL, -- a run wrote it or it was registered, not only read
  conflict            BOOLEAN NOT NULL, -- its version has several digests
  appeared_at         TIMESTAMP NOT NULL, -- earliest event_time that names it
  known_from          TIMESTAMP NOT NULL,
  known_to            TIMESTAMP
);

-- Edges of the lineage graph: a run read (input) or wrote (output) an artifact version.
CREATE TABLE edge (
  producer            VARCHAR NOT NULL,
  run_id              VARCHAR NOT NULL,
  direction           VARCHAR NOT NULL, -- input, output
  artifact_version_id BIGINT NOT NULL,
  exact               BOOLEAN NOT NULL,
  reasons             VARCHAR[] NOT NULL, -- why it is not exact, sorted; empty when it is
  event_id            VARCHAR NOT NULL,   -- an event that says so (the smallest id)
  event_time          TIMESTAMP NOT NULL,
  known_from          TIMESTAMP NOT NULL,
  known_to            TIMESTAMP
);

-- One row per run, merged from its events in an order-independent way.
CREATE VIEW run AS
SELECT
  producer,
  run_id,
  arg_min(job_namespace, (event_time, event_id)) AS job_namespace,
  arg_min(job_name, (event_time, event_id)) AS job_name,
  arg_min(stage, (event_time, event_id)) FILTER (stage IS NOT NULL) AS stage,
  coalesce(
    arg_max(state, (event_time, event_id)) FILTER (state IN ('COMPLETE', 'FAIL', 'ABORT')),
    arg_max(state, (event_time, event_id))
  ) AS state,
  min(event_time) AS started_at,
  max(event_time) AS ended_at,
  arg_max(code, (event_time, event_id)) FILTER (code IS NOT NULL) AS code,
  arg_max(environment, (event_time, event_id)) FILTER (environment IS NOT NULL) AS environment,
  arg_max(parent, (event_time, event_id)) FILTER (parent IS NOT NULL) AS parent,
  min(ingest_time) AS ingest_time
FROM run_event
GROUP BY producer, run_id;

-- One row per epoch of each producer: its head, what is missing, how it ended.
CREATE VIEW producer_epoch AS
WITH chain AS (
  SELECT
    producer,
    epoch,
    min(batch_seq) AS first_batch_seq,
    max(batch_seq) AS last_batch_seq,
    count(*) AS batches,
    CAST(sum(event_count) AS BIGINT) AS events,
    max(batch_seq) + 1 - count(DISTINCT batch_seq) AS missing_batches,
    bool_or((flags & 4) <> 0) AS final,
    arg_max(header_sha256, batch_seq) AS head_sha256,
    min(created_at) AS first_created_at,
    max(created_at) AS last_created_at,
    CAST(least(coalesce(sum(loss."count"), 0), 9223372036854775807) AS BIGINT) AS lost_events
  FROM batch
  GROUP BY producer, epoch
), successor AS (
  SELECT producer, genesis.prev_epoch AS epoch, max(genesis.prev_batch_seq) AS claimed_last
  FROM batch
  WHERE genesis.prev_epoch IS NOT NULL
  GROUP BY producer, genesis.prev_epoch
)
SELECT
  chain.*,
  greatest(coalesce(successor.claimed_last, -1) - chain.last_batch_seq, 0) AS missing_tail,
  CASE
    WHEN chain.final THEN 'CLOSED'
    WHEN successor.claimed_last IS NOT NULL THEN 'SUCCEEDED'
    ELSE 'UNCLOSED'
  END AS state
FROM chain
LEFT JOIN successor USING (producer, epoch);
