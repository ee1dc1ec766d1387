-- name:    statements
-- title:   What does this commit say about artifacts?
-- params:  ingest_time TIMESTAMP -- of the commit; null: of every commit there was
-- makes:   statement_new
-- why:     A question about some versions should not read every body there is.

CREATE OR REPLACE TEMP TABLE statement_new AS
WITH statement AS (
  SELECT
    'registration' AS body, producer, event_id, event_time, ingest_time, origin, subject.artifact AS about,
    opaque, owner
  FROM registration WHERE ingest_time = coalesce($ingest_time::TIMESTAMP, ingest_time)
  UNION ALL
  SELECT
    'validation', producer, event_id, event_time, ingest_time, origin, artifact,
    NULL, NULL
  FROM validation WHERE ingest_time = coalesce($ingest_time::TIMESTAMP, ingest_time)
  UNION ALL
  SELECT
    'evaluation', producer, event_id, event_time, ingest_time, origin, model,
    NULL, NULL
  FROM evaluation WHERE ingest_time = coalesce($ingest_time::TIMESTAMP, ingest_time)
  UNION ALL
  SELECT
    'quarantine', producer, event_id, event_time, ingest_time, origin, artifact,
    NULL, NULL
  FROM quarantine WHERE ingest_time = coalesce($ingest_time::TIMESTAMP, ingest_time)
  UNION ALL
  SELECT
    'approval', producer, event_id, event_time, ingest_time, origin, subject.artifact,
    NULL, NULL
  FROM approval WHERE ingest_time = coalesce($ingest_time::TIMESTAMP, ingest_time)
  UNION ALL
  SELECT
    'promotion', producer, event_id, event_time, ingest_time, origin, artifact,
    NULL, NULL
  FROM promotion WHERE ingest_time = coalesce($ingest_time::TIMESTAMP, ingest_time)
  UNION ALL
  SELECT
    'override', producer, event_id, event_time, ingest_time, origin, target.artifact,
    NULL, NULL
  FROM override WHERE ingest_time = coalesce($ingest_time::TIMESTAMP, ingest_time)
  UNION ALL
  SELECT
    'label_review', producer, event_id, event_time, ingest_time, origin, label_set,
    NULL, NULL
  FROM label_review WHERE ingest_time = coalesce($ingest_time::TIMESTAMP, ingest_time)
  UNION ALL
  SELECT
    'feedback', producer, event_id, event_time, ingest_time, origin, artifact,
    NULL, NULL
  FROM feedback WHERE ingest_time = coalesce($ingest_time::TIMESTAMP, ingest_time)
  UNION ALL
  SELECT
    'access', producer, event_id, event_time, ingest_time, origin, resource.artifact,
    NULL, NULL
  FROM access WHERE ingest_time = coalesce($ingest_time::TIMESTAMP, ingest_time)
  UNION ALL
  SELECT
    'containment', producer, event_id, event_time, ingest_time, origin, subject.artifact,
    NULL, NULL
  FROM containment WHERE ingest_time = coalesce($ingest_time::TIMESTAMP, ingest_time)
  UNION ALL
  SELECT
    'incident', producer, event_id, event_time, ingest_time, origin, unnest(subjects).artifact,
    NULL, NULL
  FROM incident WHERE ingest_time = coalesce($ingest_time::TIMESTAMP, ingest_time)
  UNION ALL
  SELECT
    'verdict', producer, event_id, event_time, ingest_time, origin, subject.artifact,
    NULL, NULL
  FROM verdict WHERE ingest_time = coalesce($ingest_time::TIMESTAMP, ingest_time)
), named AS (
  SELECT
    *, unnest(list_distinct(CASE
      WHEN about.version IS NULL AND about.digest IS NULL THEN ['']
      ELSE list_filter([about.version, about.digest], lambda tail: tail IS NOT NULL)
    END)) AS tail
  FROM statement
  WHERE about.kind IS NOT NULL
)
SELECT
  md5_number_lower(about.kind || ':' || about.namespace || '/' || about.name)
    // 4294967296::UBIGINT * 4294967296::UBIGINT
    + md5_number_lower(tail) // 4294967296::UBIGINT AS about_hash,
  body,
  about.kind AS kind,
  about.namespace AS namespace,
  about.name AS name,
  about.version AS version,
  about.digest AS digest,
  producer, event_id, event_time, ingest_time, origin, opaque, owner
FROM named;
