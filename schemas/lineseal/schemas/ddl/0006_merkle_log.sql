-- Tamper evidence: an RFC 6962 tree over log_entry, whose root is signed every few seconds and
-- handed outside. ADR-0014 says what an entry is and what its proofs prove.

-- Roots of complete subtrees of 256, 65,536, ... entries, so that every proof reads few rows. The
-- leaves are log_entry.leaf_sha256.
CREATE TABLE log_node (
  level      BIGINT NOT NULL,  -- 8, 16, ...: the subtree has 2^level entries
  node_index BIGINT NOT NULL,  -- among the subtrees of its level, from 0
  sha256     VARCHAR NOT NULL
);

-- What was signed and handed outside, in order; the notes are C2SP checkpoints.
CREATE TABLE checkpoint (
  tree_size   BIGINT NOT NULL,    -- entries covered: log_index 0 to tree_size - 1
  root_sha256 VARCHAR NOT NULL,
  origin      VARCHAR NOT NULL,   -- deployment and log
  keyid       VARCHAR NOT NULL,
  note        VARCHAR NOT NULL,   -- the signed text, verbatim
  signed_at   TIMESTAMP NOT NULL
);

-- Every version of the keyring that this store was told, as signed by the root keys.
CREATE TABLE keyring_version (
  version     BIGINT NOT NULL,
  sha256      VARCHAR NOT NULL,  -- of the payload
  document    BLOB NOT NULL,     -- the DSSE envelope
  ingest_time TIMESTAMP NOT NULL
);
