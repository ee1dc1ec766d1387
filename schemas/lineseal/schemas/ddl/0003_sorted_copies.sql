-- Sorted copies: the same facts again, each in the order in which questions ask for them.
-- They hold nothing that the other tables do not say, are written in the same transactions, and
-- can be made anew at any time. They are no public interface: use artifact_version, edge, run.
--
-- DuckDB skips a row group when its smallest and largest key rule it out, so a copy answers fast
-- as long as each key lives in few row groups. Rows arrive in a tail (segment 0); tails become
-- sorted segments, and segments of one size become one of the next (a log-structured merge).
--
-- Texts that differ from row to row are not compressed here and in artifact_version: whoever asks
-- for one would have the dictionary of its whole segment unpacked (ADR-0025).

-- The segments of each copy, the tail left out while it is empty.
CREATE TABLE sorted_segment (
  copy      VARCHAR NOT NULL, -- name of the table
  segment   BIGINT NOT NULL,  -- 0 is the tail
  row_count BIGINT NOT NULL
);

-- A run's number stands for (producer, run_id) in this store: negative, so that runs and artifact
-- versions are told apart as vertices of one graph. reasons is a set of bits, 0 when exact:
-- 1 not exact, 2 version_inferred, 4 overlapping_writes, 8 digest_ambiguous, 16 version_conflict,
-- 32 unsigned_import, 64 too_many_candidates.

-- What each run is, as view run says it, from known_from (included) to known_to (excluded).
CREATE TABLE run_fact (
  run           BIGINT NOT NULL,
  producer      VARCHAR NOT NULL,
  run_id        VARCHAR NOT NULL USING COMPRESSION uncompressed,
  job_namespace VARCHAR,
  job_name      VARCHAR USING COMPRESSION uncompressed,
  stage         VARCHAR,
  state         VARCHAR NOT NULL,
  started_at    TIMESTAMP NOT NULL,
  ended_at      TIMESTAMP NOT NULL,
  epochs        VARCHAR[] NOT NULL, -- that carry its events, sorted
  known_from    TIMESTAMP NOT NULL,
  known_to      TIMESTAMP,
  segment       BIGINT NOT NULL
);

-- Upstream: which runs wrote a version, and what a run read.
CREATE TABLE version_writer (
  artifact_version_id BIGINT NOT NULL,
  run                 BIGINT NOT NULL,
  reasons             UTINYINT NOT NULL,
  event_time          TIMESTAMP NOT NULL,
  known_from          TIMESTAMP NOT NULL,
  known_to            TIMESTAMP,
  segment             BIGINT NOT NULL
);
CREATE TABLE run_input (
  run                 BIGINT NOT NULL,
  artifact_version_id BIGINT NOT NULL,
  reasons             UTINYINT NOT NULL,
  event_time          TIMESTAMP NOT NULL,
  known_from          TIMESTAMP NOT NULL,
  known_to            TIMESTAMP,
  segment             BIGINT NOT NULL
);

-- Downstream: which runs read a version, and what a run wrote.
CREATE TABLE version_reader (
  artifact_version_id BIGINT NOT NULL,
  run                 BIGINT NOT NULL,
  reasons             UTINYINT NOT NULL,
  event_time          TIMESTAMP NOT NULL,
  known_from          TIMESTAMP NOT NULL,
  known_to            TIMESTAMP,
  segment             BIGINT NOT NULL
);
CREATE TABLE run_output (
  run                 BIGINT NOT NULL,
  artifact_version_id BIGINT NOT NULL,
  reasons             UTINYINT NOT NULL,
  event_time          TIMESTAMP NOT NULL,
  known_from          TIMESTAMP NOT NULL,
  known_to            TIMESTAMP,
  segment             BIGINT NOT NULL
);

-- Names: name_hash is md5_number_lower(namespace || '/' || name), which finds candidates only.
CREATE TABLE version_name (
  name_hash           UBIGINT NOT NULL,
  artifact_version_id BIGINT NOT NULL,
  segment             BIGINT NOT NULL
);
-- What was said about artifacts, in any body but run_event. A statement that names a version and a
-- digest has a row for each, one that names neither has one for the name: about_hash is
-- md5_number_lower(kind || ':' || namespace || '/' || name), its lower half replaced by the upper
-- half of md5_number_lower of that version, digest or '' (so what is said about a name lies
-- together). It finds candidates only.
CREATE TABLE statement_about (
  about_hash  UBIGINT NOT NULL,
  body        VARCHAR NOT NULL, -- table the statement stands in
  kind        VARCHAR NOT NULL,
  namespace   VARCHAR NOT NULL,
  name        VARCHAR NOT NULL USING COMPRESSION uncompressed,
  version     VARCHAR USING COMPRESSION uncompressed,
  digest      VARCHAR USING COMPRESSION uncompressed,
  producer    VARCHAR,
  event_id    VARCHAR NOT NULL USING COMPRESSION uncompressed,
  event_time  TIMESTAMP NOT NULL,
  ingest_time TIMESTAMP NOT NULL,
  origin      VARCHAR,
  opaque      BOOLEAN,          -- of a registration
  owner       VARCHAR,          -- of a registration
  segment     BIGINT NOT NULL
);

-- What each epoch is, as view producer_epoch says it, from known_from (included) to known_to.
CREATE TABLE epoch_fact (
  epoch            VARCHAR NOT NULL,
  producer         VARCHAR NOT NULL,
  state            VARCHAR NOT NULL, -- CLOSED, SUCCEEDED, UNCLOSED
  batches          BIGINT NOT NULL,
  events           BIGINT NOT NULL,
  first_batch_seq  BIGINT NOT NULL,
  last_batch_seq   BIGINT NOT NULL,
  missing_batches  BIGINT NOT NULL,
  missing_tail     BIGINT NOT NULL,
  lost_events      BIGINT NOT NULL,
  rejected         BIGINT NOT NULL,  -- different records of it that were refused
  head_sha256      VARCHAR NOT NULL,
  first_created_at TIMESTAMP NOT NULL,
  last_created_at  TIMESTAMP NOT NULL,
  last_seen_at     TIMESTAMP NOT NULL,
  genesis_reason   VARCHAR,
  known_from       TIMESTAMP NOT NULL,
  known_to         TIMESTAMP,
  segment          BIGINT NOT NULL
);

-- Up to which commit the copies are made; generation changes when run numbers mean other runs.
CREATE TABLE copied_until (
  generation  VARCHAR NOT NULL,
  ingest_time TIMESTAMP
);
