-- name:    statements_about
-- title:   Which statements are about these artifact versions?
-- kind:    statement
-- params:  ids BIGINT[]            -- artifact versions: surrogates of this store
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: artifact_version_id BIGINT
--          body VARCHAR            -- table the statement stands in
--          producer VARCHAR
--          event_id VARCHAR
--          event_time TIMESTAMP
--          names VARCHAR           -- digest, version, or name: of every version alike
--          kind VARCHAR            -- what it names, as it names it
--          namespace VARCHAR
--          name VARCHAR
--          version VARCHAR
--          digest VARCHAR
-- reads:   artifact_version, statement_about
-- order:   none
-- since:   0.2
-- why:     A statement means a version as a registration does (ADR-0005): where both sides give a
--          digest the digests decide, else the version, unless that version has several digests.
--          One that names neither is about the name; whoever asks decides what that is worth.
WITH node AS (
  SELECT artifact_version_id, kind, namespace, name, version, digest, conflict
  FROM artifact_version
  WHERE artifact_version_id IN (SELECT unnest($ids::BIGINT[]))
    AND known_from <= coalesce($known_at::TIMESTAMP, known_from)
    AND coalesce(known_to > $known_at::TIMESTAMP, known_to IS NULL)
), wanted AS (
  SELECT
    node.*,
    md5_number_lower(node.kind || ':' || node.namespace || '/' || node.name)
      // 4294967296::UBIGINT * 4294967296::UBIGINT
      + md5_number_lower(tail) // 4294967296::UBIGINT AS about_hash
  FROM node, unnest(['', version, digest]) AS named(tail)
)
SELECT DISTINCT
  wanted.artifact_version_id,
  said.body,
  said.producer,
  said.event_id,
  said.event_time,
  CASE
    WHEN said.digest IS NOT NULL AND wanted.digest IS NOT NULL THEN 'digest'
    WHEN said.version IS NOT NULL THEN 'version'
    ELSE 'name'
  END AS names,
  said.kind,
  said.namespace,
  said.name,
  said.version,
  said.digest
FROM wanted
JOIN statement_about AS said
  ON said.about_hash = wanted.about_hash
  AND said.kind = wanted.kind
  AND said.namespace = wanted.namespace
  AND said.name = wanted.name
  AND (
    (said.version IS NULL AND said.digest IS NULL)
    OR coalesce(
      said.digest = wanted.digest,
      said.version = wanted.version AND NOT wanted.conflict,
      false
    )
  )
WHERE said.event_time <= coalesce($as_of::TIMESTAMP, said.event_time)
  AND said.ingest_time <= coalesce($known_at::TIMESTAMP, said.ingest_time)
