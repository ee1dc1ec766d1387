-- name:    artifacts_from
-- title:   Which artifacts came from this source or supplier, or through this feedback channel?
-- kind:    containment
-- params:  types VARCHAR[]          -- source, supplier or feedback_channel, one for each name
--          names VARCHAR[]
--          since TIMESTAMP=NULL     -- event time, included; null: no bound
--          until TIMESTAMP=NULL     -- event time, included; null: no bound
--          as_of TIMESTAMP=NULL     -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL  -- ingest time, included; null: as known today
-- returns: place BIGINT             -- of type and name, from 0
--          kind VARCHAR
--          namespace VARCHAR
--          name VARCHAR
--          version VARCHAR
--          digest VARCHAR
--          producer VARCHAR         -- with event_id: who says so
--          event_id VARCHAR
--          origin VARCHAR
-- reads:   registration, feedback
-- order:   place, kind, namespace, name, version, digest, producer, event_id
-- since:   0.2
-- why:     A source is named by its URI, the start of its URI up to a slash, its host, its publisher
--          or its supplier, as in [policy] allowed_sources.
WITH wanted AS (
  SELECT
    unnest(range(len($names::VARCHAR[]))) AS place,
    unnest($types::VARCHAR[]) AS type,
    unnest($names::VARCHAR[]) AS name
), registered AS (
  SELECT
    subject.artifact AS artifact,
    source.uri AS uri,
    split_part(split_part(source.uri, '://', 2), '/', 1) AS host,
    source.publisher AS publisher,
    supplier.name AS supplier,
    producer, event_id, origin, event_time, ingest_time
  FROM registration
  WHERE subject.artifact IS NOT NULL
), found AS (
  SELECT
    wanted.place, registered.artifact, registered.producer, registered.event_id,
    registered.origin, registered.event_time, registered.ingest_time
  FROM wanted
  JOIN registered ON
    CASE wanted.type
      WHEN 'source' THEN coalesce(
        wanted.name IN (uri, host, publisher, supplier)
          OR starts_with(uri, rtrim(wanted.name, '/') || '/'),
        false
      )
      WHEN 'supplier' THEN coalesce(supplier = wanted.name, false)
      ELSE false
    END
  UNION ALL
  SELECT
    wanted.place, feedback.artifact, feedback.producer, feedback.event_id,
    feedback.origin, feedback.event_time, feedback.ingest_time
  FROM wanted
  JOIN feedback ON wanted.type = 'feedback_channel' AND feedback.channel = wanted.name
)
SELECT DISTINCT
  place,
  artifact.kind AS kind,
  artifact.namespace AS namespace,
  artifact.name AS name,
  artifact.version AS version,
  artifact.digest AS digest,
  producer,
  event_id,
  origin
FROM found
WHERE ($since::TIMESTAMP IS NULL OR event_time >= $since)
  AND ($until::TIMESTAMP IS NULL OR event_time <= $until)
  AND ($as_of::TIMESTAMP IS NULL OR event_time <= $as_of)
  AND ($known_at::TIMESTAMP IS NULL OR ingest_time <= $known_at)
ORDER BY place, kind, namespace, name, version, digest, producer, event_id
