-- name:    registrations
-- title:   Which of these artifact versions are registered, by whom, and which are opaque?
-- kind:    completeness
-- params:  ids BIGINT[]            -- artifact versions: surrogates of this store
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
--          producers VARCHAR[]     -- with event_ids: registrations that prove nothing
--          event_ids VARCHAR[]     -- same length as producers
-- returns: artifact_version_id BIGINT
--          opaque BOOLEAN          -- some registration says: made from what is not disclosed
--          owner VARCHAR           -- of the newest registration that names one
--          proven BOOLEAN          -- some registration stands in a batch that is trusted
-- reads:   artifact_version, statement_about
-- order:   none
-- since:   0.1
-- why:     One row for each version that a registration covers (ADR-0005): it names the
--          artifact alone, or this version of it. Where both sides give a digest the digests
--          decide, else the version, unless that version has several digests: who registered
--          it cannot have meant all of them. Opaque once is opaque: taking it back proves
--          nothing. An unsigned import registers nothing, nor does a batch that proves nothing
--          (ADR-0012); what such a batch calls opaque is opaque all the same.
WITH node AS (
  SELECT artifact_version_id, kind, namespace, name, version, digest, conflict
  FROM artifact_version
  WHERE artifact_version_id IN (SELECT unnest($ids::BIGINT[]))
    AND CASE
      WHEN $known_at::TIMESTAMP IS NULL THEN known_to IS NULL
      ELSE known_from <= $known_at AND (known_to IS NULL OR known_to > $known_at)
    END
), named AS (
  SELECT DISTINCT kind, namespace, name FROM node
), said AS (
  SELECT about.*
  FROM statement_about AS about
  JOIN named USING (kind, namespace, name)
  WHERE about.about_hash // 4294967296::UBIGINT IN (
      SELECT md5_number_lower(kind || ':' || namespace || '/' || name) // 4294967296::UBIGINT
      FROM named
    )
    AND about.body = 'registration'
    AND about.origin IS DISTINCT FROM 'import'
    AND ($as_of::TIMESTAMP IS NULL OR about.event_time <= $as_of)
    AND ($known_at::TIMESTAMP IS NULL OR about.ingest_time <= $known_at)
), covering AS (
  SELECT artifact_version_id, said.*
  FROM said
  JOIN node USING (kind, namespace, name)
  WHERE said.version IS NULL AND said.digest IS NULL
  UNION ALL
  SELECT artifact_version_id, said.*
  FROM said
  JOIN node USING (kind, namespace, name, digest)
  UNION ALL
  SELECT artifact_version_id, said.*
  FROM said
  JOIN node USING (kind, namespace, name, version)
  WHERE NOT node.conflict AND (said.digest IS NULL OR node.digest IS NULL)
)
SELECT
  covering.artifact_version_id,
  bool_or(coalesce(covering.opaque, false)) AS opaque,
  arg_max(covering.owner, (covering.event_time, covering.event_id))
    FILTER (covering.owner IS NOT NULL) AS owner,
  bool_or(doubted.event_id IS NULL) AS proven
FROM covering
LEFT JOIN (
  SELECT unnest($producers::VARCHAR[]) AS producer, unnest($event_ids::VARCHAR[]) AS event_id
) AS doubted
  ON doubted.producer = covering.producer AND doubted.event_id = covering.event_id
GROUP BY covering.artifact_version_id
