-- Written by lineseal.schemas.ddl_from_model; see there before editing.

CREATE TABLE "registration" (
  "event_id" VARCHAR,
  "producer" VARCHAR,
  "event_time" TIMESTAMP,
  "ingest_time" TIMESTAMP,
  "actor_kind" VARCHAR,
  "actor_id" VARCHAR,
  "actor_verified" BOOLEAN,
  "origin" VARCHAR,
  "subject" STRUCT("type" VARCHAR, "name" VARCHAR, "artifact" STRUCT("kind" VARCHAR, "namespace" VARCHAR, "name" VARCHAR, "version" VARCHAR, "digest" VARCHAR)),
  "owner" VARCHAR,
  "state" VARCHAR,
  "role" VARCHAR,
  "trust_zone" VARCHAR,
  "risk_tier" VARCHAR,
  "source" STRUCT("uri" VARCHAR, "revision" VARCHAR, "publisher" VARCHAR, "maintainers" VARCHAR[], "last_activity" BIGINT, "verified" BOOLEAN, "confidence" DOUBLE),
  "supplier" STRUCT("name" VARCHAR, "sub_processors" VARCHAR[]),
  "acquisition" STRUCT("method" VARCHAR, "target" VARCHAR, "target_digest" VARCHAR, "filter_digest" VARCHAR, "generator_digest" VARCHAR),
  "collected_at" BIGINT,
  "retrieved_at" BIGINT,
  "submitted_by" VARCHAR,
  "licence" VARCHAR,
  "reviewer" VARCHAR,
  "publisher_digest" VARCHAR,
  "publisher_signature" VARCHAR,
  "manifest_root" VARCHAR,
  "profile" STRUCT("rows" BIGINT, "missing" BIGINT, "outliers" BIGINT, "near_duplicates" BIGINT, "suspicious_characters" BIGINT, "label_counts" STRUCT("name" VARCHAR, "count" BIGINT)[], "source_counts" STRUCT("name" VARCHAR, "count" BIGINT)[], "metrics" STRUCT("name" VARCHAR, "value" DOUBLE)[], "row_sketch" VARCHAR[]),
  "opaque" BOOLEAN,
  "attributes" STRUCT("key" VARCHAR, "value" VARCHAR)[]
);

CREATE TABLE "validation" (
  "event_id" VARCHAR,
  "producer" VARCHAR,
  "event_time" TIMESTAMP,
  "ingest_time" TIMESTAMP,
  "actor_kind" VARCHAR,
  "actor_id" VARCHAR,
  "actor_verified" BOOLEAN,
  "origin" VARCHAR,
  "artifact" STRUCT("kind" VARCHAR, "namespace" VARCHAR, "name" VARCHAR, "version" VARCHAR, "digest" VARCHAR),
  "check" STRUCT("tool" VARCHAR, "name" VARCHAR, "version" VARCHAR, "config_digest" VARCHAR),
  "outcome" VARCHAR,
  "rows_checked" BIGINT,
  "rows_rejected" BIGINT,
  "metrics" STRUCT("name" VARCHAR, "value" DOUBLE)[],
  "suspects" STRUCT("name" VARCHAR, "digest" VARCHAR),
  "reviewed_by" VARCHAR
);

CREATE TABLE "evaluation" (
  "event_id" VARCHAR,
  "producer" VARCHAR,
  "event_time" TIMESTAMP,
  "ingest_time" TIMESTAMP,
  "actor_kind" VARCHAR,
  "actor_id" VARCHAR,
  "actor_verified" BOOLEAN,
  "origin" VARCHAR,
  "model" STRUCT("kind" VARCHAR, "namespace" VARCHAR, "name" VARCHAR, "version" VARCHAR, "digest" VARCHAR),
  "suite" STRUCT("name" VARCHAR, "kind" VARCHAR, "digest" VARCHAR),
  "phase" VARCHAR,
  "outcome" VARCHAR,
  "baseline" STRUCT("kind" VARCHAR, "namespace" VARCHAR, "name" VARCHAR, "version" VARCHAR, "digest" VARCHAR),
  "metrics" STRUCT("name" VARCHAR, "value" DOUBLE)[],
  "slices" STRUCT("name" VARCHAR, "n" BIGINT, "metrics" STRUCT("name" VARCHAR, "value" DOUBLE)[])[]
);

CREATE TABLE "quarantine" (
  "event_id" VARCHAR,
  "producer" VARCHAR,
  "event_time" TIMESTAMP,
  "ingest_time" TIMESTAMP,
  "actor_kind" VARCHAR,
  "actor_id" VARCHAR,
  "actor_verified" BOOLEAN,
  "origin" VARCHAR,
  "artifact" STRUCT("kind" VARCHAR, "namespace" VARCHAR, "name" VARCHAR, "version" VARCHAR, "digest" VARCHAR),
  "action" VARCHAR,
  "reason" VARCHAR,
  "location" VARCHAR,
  "owner" VARCHAR,
  "reviewer" VARCHAR,
  "evidence" STRUCT("name" VARCHAR, "digest" VARCHAR)[]
);

CREATE TABLE "approval" (
  "event_id" VARCHAR,
  "producer" VARCHAR,
  "event_time" TIMESTAMP,
  "ingest_time" TIMESTAMP,
  "actor_kind" VARCHAR,
  "actor_id" VARCHAR,
  "actor_verified" BOOLEAN,
  "origin" VARCHAR,
  "subject" STRUCT("type" VARCHAR, "name" VARCHAR, "artifact" STRUCT("kind" VARCHAR, "namespace" VARCHAR, "name" VARCHAR, "version" VARCHAR, "digest" VARCHAR)),
  "gate" VARCHAR,
  "decision" VARCHAR,
  "approver" VARCHAR,
  "mode" VARCHAR,
  "requested_by" VARCHAR,
  "reason" VARCHAR,
  "evidence" STRUCT("name" VARCHAR, "digest" VARCHAR)[],
  "expires_at" BIGINT
);

CREATE TABLE "promotion" (
  "event_id" VARCHAR,
  "producer" VARCHAR,
  "event_time" TIMESTAMP,
  "ingest_time" TIMESTAMP,
  "actor_kind" VARCHAR,
  "actor_id" VARCHAR,
  "actor_verified" BOOLEAN,
  "origin" VARCHAR,
  "artifact" STRUCT("kind" VARCHAR, "namespace" VARCHAR, "name" VARCHAR, "version" VARCHAR, "digest" VARCHAR),
  "action" VARCHAR,
  "from_environment" VARCHAR,
  "to_environment" VARCHAR,
  "downstream" VARCHAR[],
  "reason" VARCHAR
);

CREATE TABLE "override" (
  "event_id" VARCHAR,
  "producer" VARCHAR,
  "event_time" TIMESTAMP,
  "ingest_time" TIMESTAMP,
  "actor_kind" VARCHAR,
  "actor_id" VARCHAR,
  "actor_verified" BOOLEAN,
  "origin" VARCHAR,
  "target" STRUCT("type" VARCHAR, "name" VARCHAR, "artifact" STRUCT("kind" VARCHAR, "namespace" VARCHAR, "name" VARCHAR, "version" VARCHAR, "digest" VARCHAR)),
  "before" VARCHAR,
  "after" VARCHAR,
  "made_by" VARCHAR,
  "reason" VARCHAR,
  "approved_by" VARCHAR,
  "items_affected" BIGINT,
  "expires_at" BIGINT
);

CREATE TABLE "label_review" (
  "event_id" VARCHAR,
  "producer" VARCHAR,
  "event_time" TIMESTAMP,
  "ingest_time" TIMESTAMP,
  "actor_kind" VARCHAR,
  "actor_id" VARCHAR,
  "actor_verified" BOOLEAN,
  "origin" VARCHAR,
  "label_set" STRUCT("kind" VARCHAR, "namespace" VARCHAR, "name" VARCHAR, "version" VARCHAR, "digest" VARCHAR),
  "method" VARCHAR,
  "annotator" VARCHAR,
  "vendor" VARCHAR,
  "items" BIGINT,
  "flips" STRUCT("from_label" VARCHAR, "to_label" VARCHAR, "count" BIGINT)[],
  "agreement" STRUCT("metric" VARCHAR, "value" DOUBLE, "n" BIGINT),
  "latency_seconds" DOUBLE,
  "delay_seconds" DOUBLE,
  "unconfirmed_share" DOUBLE,
  "items_reference" STRUCT("name" VARCHAR, "digest" VARCHAR)
);

CREATE TABLE "feedback" (
  "event_id" VARCHAR,
  "producer" VARCHAR,
  "event_time" TIMESTAMP,
  "ingest_time" TIMESTAMP,
  "actor_kind" VARCHAR,
  "actor_id" VARCHAR,
  "actor_verified" BOOLEAN,
  "origin" VARCHAR,
  "channel" VARCHAR,
  "artifact" STRUCT("kind" VARCHAR, "namespace" VARCHAR, "name" VARCHAR, "version" VARCHAR, "digest" VARCHAR),
  "submissions" BIGINT,
  "submitters" BIGINT,
  "top_submitters" STRUCT("pseudonym" VARCHAR, "share" DOUBLE)[],
  "new_account_share" DOUBLE,
  "repeat_share" DOUBLE,
  "regions" STRUCT("name" VARCHAR, "count" BIGINT)[],
  "throttled" BIGINT,
  "sampled" BIGINT,
  "reviewed_by" VARCHAR,
  "label_counts" STRUCT("name" VARCHAR, "count" BIGINT)[]
);

CREATE TABLE "access" (
  "event_id" VARCHAR,
  "producer" VARCHAR,
  "event_time" TIMESTAMP,
  "ingest_time" TIMESTAMP,
  "actor_kind" VARCHAR,
  "actor_id" VARCHAR,
  "actor_verified" BOOLEAN,
  "origin" VARCHAR,
  "principal" VARCHAR,
  "action" VARCHAR,
  "resource" STRUCT("type" VARCHAR, "name" VARCHAR, "artifact" STRUCT("kind" VARCHAR, "namespace" VARCHAR, "name" VARCHAR, "version" VARCHAR, "digest" VARCHAR)),
  "outcome" VARCHAR,
  "granted_to" VARCHAR,
  "reason" VARCHAR
);

CREATE TABLE "containment" (
  "event_id" VARCHAR,
  "producer" VARCHAR,
  "event_time" TIMESTAMP,
  "ingest_time" TIMESTAMP,
  "actor_kind" VARCHAR,
  "actor_id" VARCHAR,
  "actor_verified" BOOLEAN,
  "origin" VARCHAR,
  "subject" STRUCT("type" VARCHAR, "name" VARCHAR, "artifact" STRUCT("kind" VARCHAR, "namespace" VARCHAR, "name" VARCHAR, "version" VARCHAR, "digest" VARCHAR)),
  "action" VARCHAR,
  "reason" VARCHAR,
  "ordered_by" VARCHAR,
  "approved_by" VARCHAR,
  "notified" VARCHAR[],
  "ticket" VARCHAR
);

CREATE TABLE "incident" (
  "event_id" VARCHAR,
  "producer" VARCHAR,
  "event_time" TIMESTAMP,
  "ingest_time" TIMESTAMP,
  "actor_kind" VARCHAR,
  "actor_id" VARCHAR,
  "actor_verified" BOOLEAN,
  "origin" VARCHAR,
  "incident_id" VARCHAR,
  "state" VARCHAR,
  "subjects" STRUCT("type" VARCHAR, "name" VARCHAR, "artifact" STRUCT("kind" VARCHAR, "namespace" VARCHAR, "name" VARCHAR, "version" VARCHAR, "digest" VARCHAR))[],
  "cause" VARCHAR,
  "failed_control" VARCHAR,
  "actions" VARCHAR[]
);

CREATE TABLE "verdict" (
  "event_id" VARCHAR,
  "producer" VARCHAR,
  "event_time" TIMESTAMP,
  "ingest_time" TIMESTAMP,
  "actor_kind" VARCHAR,
  "actor_id" VARCHAR,
  "actor_verified" BOOLEAN,
  "origin" VARCHAR,
  "gate" VARCHAR,
  "subject" STRUCT("type" VARCHAR, "name" VARCHAR, "artifact" STRUCT("kind" VARCHAR, "namespace" VARCHAR, "name" VARCHAR, "version" VARCHAR, "digest" VARCHAR)),
  "decision" VARCHAR,
  "policy_digest" VARCHAR,
  "reasons" VARCHAR[]
);

CREATE TABLE "key_change" (
  "event_id" VARCHAR,
  "producer" VARCHAR,
  "event_time" TIMESTAMP,
  "ingest_time" TIMESTAMP,
  "actor_kind" VARCHAR,
  "actor_id" VARCHAR,
  "actor_verified" BOOLEAN,
  "origin" VARCHAR,
  "key_id" VARCHAR,
  "action" VARCHAR,
  "changed_by" VARCHAR,
  "reason" VARCHAR,
  "keyring_version" BIGINT
);

CREATE TABLE "erasure" (
  "event_id" VARCHAR,
  "producer" VARCHAR,
  "event_time" TIMESTAMP,
  "ingest_time" TIMESTAMP,
  "actor_kind" VARCHAR,
  "actor_id" VARCHAR,
  "actor_verified" BOOLEAN,
  "origin" VARCHAR,
  "erased_event_id" VARCHAR,
  "leaf_sha256" VARCHAR,
  "erased_by" VARCHAR,
  "reason" VARCHAR
);
