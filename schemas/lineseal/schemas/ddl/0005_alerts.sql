-- What the detections found, and how far they have looked.
-- Append-only: an alert is the newest of its changes. A forwarder's cursor is change_index.
-- Texts may quote what events say: escape them at every sink.

CREATE TABLE alert_change (
  change_index      BIGINT NOT NULL,    -- from 0, no holes, in the order of commits
  alert_id          VARCHAR NOT NULL,   -- UUIDv5 of rule, subject and window_start
  revision          BIGINT NOT NULL,    -- of this alert, from 1, no holes
  activity          VARCHAR NOT NULL,   -- open (again), update, close
  status            VARCHAR NOT NULL,   -- open, acknowledged, closed
  rule_id           VARCHAR NOT NULL,   -- DP-001
  rule_uuid         VARCHAR NOT NULL,
  rule_version      VARCHAR NOT NULL,
  rule_status       VARCHAR NOT NULL,   -- experimental, test, stable, deprecated
  title             VARCHAR NOT NULL,   -- the rule's; never variable
  severity          VARCHAR NOT NULL,   -- info, low, medium, high, critical
  confidence        VARCHAR NOT NULL,   -- low, medium, high
  techniques        VARCHAR[] NOT NULL, -- MITRE ATLAS ids: AML.T0020
  owasp             VARCHAR[] NOT NULL, -- LLM04:2025, ML02:2023
  subject           VARCHAR NOT NULL,   -- dataset:lake/tx@3, producer:trainer, person:alice, source:URI, ...
  scope             VARCHAR NOT NULL,   -- what is judged as one: the subject without version, a run, a producer
  window_start      TIMESTAMP,          -- null: the rule has one alert per subject for good
  window_end        TIMESTAMP,          -- excluded
  first_seen        TIMESTAMP NOT NULL, -- earliest and latest occurrence, claimed time, both included
  last_seen         TIMESTAMP NOT NULL,
  "count"           BIGINT NOT NULL,    -- occurrences
  reasons           VARCHAR[] NOT NULL, -- what was found, one sentence each, sorted
  evidence          VARCHAR[] NOT NULL, -- event ids, the earliest 100 by time
  batches           STRUCT(producer VARCHAR, epoch VARCHAR, batch_seq BIGINT, stream VARCHAR, "position" BIGINT)[] NOT NULL,
  context           VARCHAR NOT NULL,   -- JSON object: sources, releases, people around the subject, as known then
  runbook           VARCHAR NOT NULL,   -- docs/runbooks/DP-001.md
  policy_sha256     VARCHAR NOT NULL,   -- of the policy it was judged by: sha256:...
  decided_by        VARCHAR,            -- who acknowledged or closed it; null: nobody, or the facts did
  decision_event_id VARCHAR,            -- the override event that says so
  decision_reason   VARCHAR,            -- that person's, or why the engine closed it
  ingest_time       TIMESTAMP NOT NULL, -- the commit it was found in: rows up to this one were seen
  changed_at        TIMESTAMP NOT NULL  -- clock of the detecting process
);

-- One row per alert: its newest state.
CREATE VIEW alert AS
WITH newest AS (
  SELECT
    alert_id,
    max(change_index) AS change_index,
    min(changed_at) AS created_at,
    min(ingest_time) AS created_ingest_time
  FROM alert_change
  GROUP BY alert_id
)
SELECT alert_change.*, newest.created_at, newest.created_ingest_time
FROM newest
JOIN alert_change USING (alert_id, change_index);

-- What each rule finds at present, by scope: what is judged again as a whole. An alert is put together
-- of its parts, so that judging one scope leaves what stands in the others.
CREATE TABLE alert_part (
  alert_id     VARCHAR NOT NULL,
  rule_id      VARCHAR NOT NULL,
  scope        VARCHAR NOT NULL,
  subject      VARCHAR NOT NULL,
  window_start TIMESTAMP,
  window_end   TIMESTAMP,
  first_seen   TIMESTAMP NOT NULL,
  last_seen    TIMESTAMP NOT NULL,
  "count"      BIGINT NOT NULL,
  reasons      VARCHAR[] NOT NULL,
  evidence     STRUCT(event_time TIMESTAMP, event_id VARCHAR)[] NOT NULL -- the earliest 100 by time
);

-- How far each rule has looked. A rule whose digest or policy is another one looks at everything again.
CREATE TABLE detection (
  rule_id       VARCHAR NOT NULL,
  rule_sha256   VARCHAR NOT NULL, -- of the rule's file
  policy_sha256 VARCHAR NOT NULL, -- of the policy and thresholds it ran with
  watermark     TIMESTAMP,        -- newest ingest_time it has seen; null: none
  tick_time     TIMESTAMP,        -- newest tick it has seen; null: none
  last_run_at   TIMESTAMP NOT NULL
);

-- The moments that rules about absence are judged at, signed into the topic of alerts.
CREATE TABLE tick (
  tick_time     TIMESTAMP NOT NULL,
  producer      VARCHAR, -- who signed it; null: nobody, there is no key for it
  record_sha256 VARCHAR  -- of the payload of its record in the topic of alerts
);

-- Words that rules (and people) use about facts. A *scope* is a name without its version: what has
-- to be judged again when something about it arrives.
CREATE MACRO artifact_scope(a) AS a.kind || ':' || a.namespace || '/' || a.name;
CREATE MACRO artifact_ref(a) AS
  a.kind || ':' || a.namespace || '/' || a.name || coalesce('@' || coalesce(a.version, a.digest), '');
CREATE MACRO subject_scope(s) AS
  CASE WHEN s.artifact IS NOT NULL THEN artifact_scope(s.artifact) ELSE s.type || ':' || s.name END;
CREATE MACRO subject_ref(s) AS
  CASE WHEN s.artifact IS NOT NULL THEN artifact_ref(s.artifact) ELSE s.type || ':' || s.name END;
-- Is what somebody said about artifact a true of artifact version b? Without version and digest it is
-- said of all versions.
CREATE MACRO is_about(a, b) AS
  a.kind = b.kind AND a.namespace = b.namespace AND a.name = b.name AND (
    (a.version IS NULL AND a.digest IS NULL)
    OR coalesce(a.digest = b.digest, false)
    OR (coalesce(a.version = b.version, false) AND coalesce(a.digest = b.digest, true))
  );
CREATE MACRO is_data(kind) AS
  kind IN ('dataset', 'label_set', 'feature_set', 'embedding_set', 'preference_set');
CREATE MACRO is_model(kind) AS kind IN ('model', 'checkpoint', 'model_update');
-- The host of a URI in lower case, '' without one; a user name before it is none.
CREATE MACRO source_host(uri) AS
  regexp_extract(lower(uri), '^[a-z0-9+.-]+://(?:[^/@]*@)?([^/:?#]+)', 1);
-- One person under several spellings: Alice, alice@example.com, person:alice.
CREATE MACRO person_key(who) AS
  lower(trim(split_part(regexp_replace(who, '^(person|user):', ''), '@', 1)));

-- Approvals that count at a gate: explicit, and proven under the key of who decided.
CREATE VIEW sound_approval AS
SELECT *, make_timestamp(expires_at) AS expires
FROM approval
WHERE decision = 'approve' AND mode = 'explicit' AND actor_verified;
