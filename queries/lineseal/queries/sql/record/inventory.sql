-- name:    inventory
-- title:   Which stages, sources, suppliers and owners are there, and who writes?
-- kind:    record
-- params:  known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: type VARCHAR            -- stage, source, supplier, owner, writer
--          name VARCHAR
--          owner VARCHAR           -- of a stage or source that was registered
--          things BIGINT           -- what it is about: runs, artifacts, names written
--          first_seen TIMESTAMP    -- event time
--          last_seen TIMESTAMP     -- event time
-- reads:   run_event, run_io, registration
-- order:   type, name
-- since:   0.2
-- why:     A map of the supply chain, as far as jobs and registrations told it.
WITH registered AS (
  SELECT * FROM registration WHERE ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
), ran AS (
  SELECT * FROM run_event WHERE ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
), owned AS (
  SELECT subject.type AS type, subject.name AS name, arg_max(owner, (event_time, event_id)) AS owner
  FROM registered
  WHERE owner IS NOT NULL AND subject.name IS NOT NULL
  GROUP BY ALL
), seen AS (
  SELECT 'stage' AS type, stage AS name, producer || ' ' || run_id AS thing, event_time
  FROM ran
  WHERE stage IS NOT NULL
  UNION ALL
  SELECT 'source', source.uri, coalesce(subject.artifact.name, subject.name), event_time
  FROM registered
  WHERE source.uri IS NOT NULL
  UNION ALL
  SELECT 'supplier', supplier.name, coalesce(subject.artifact.name, subject.name), event_time
  FROM registered
  WHERE supplier.name IS NOT NULL
  UNION ALL
  SELECT 'owner', owner, coalesce(subject.artifact.name, subject.name), event_time
  FROM registered
  WHERE owner IS NOT NULL
  UNION ALL
  SELECT 'writer', producer, concat(kind, ':', namespace, '/', name), event_time
  FROM run_io
  WHERE direction = 'output' AND ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
  UNION ALL
  SELECT subject.type, subject.name, NULL, event_time
  FROM registered
  WHERE subject.type IN ('stage', 'source') AND subject.name IS NOT NULL
)
SELECT
  seen.type,
  seen.name,
  any_value(owned.owner) AS owner,
  count(DISTINCT seen.thing) AS things,
  min(seen.event_time) AS first_seen,
  max(seen.event_time) AS last_seen
FROM seen
LEFT JOIN owned ON owned.type = seen.type AND owned.name = seen.name
GROUP BY seen.type, seen.name
ORDER BY seen.type, seen.name
