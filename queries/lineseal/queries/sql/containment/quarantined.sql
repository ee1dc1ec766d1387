-- name:    quarantined
-- title:   What is in quarantine?
-- kind:    containment
-- params:  as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: kind VARCHAR
--          namespace VARCHAR
--          name VARCHAR
--          version VARCHAR         -- null, with digest: every version
--          digest VARCHAR
--          event_time TIMESTAMP
--          event_id VARCHAR
--          reason VARCHAR
--          placed_by VARCHAR       -- who acted
-- reads:   quarantine, artifact_version
-- order:   kind, namespace, name, version, digest
-- since:   0.2
-- why:     Of everything that means a version the newest decides, equal times by event id: what was
--          placed by version may be released by digest. What no graph knows yet counts as named.
WITH said AS (
  SELECT
    artifact.kind AS kind,
    artifact.namespace AS namespace,
    artifact.name AS name,
    artifact.version AS version,
    artifact.digest AS digest,
    action,
    event_time,
    event_id,
    reason,
    actor_id
  FROM quarantine
  WHERE event_time <= coalesce($as_of::TIMESTAMP, event_time)
    AND ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
), meant AS (
  SELECT
    node.kind, node.namespace, node.name, node.version, node.digest,
    said.version AS said_version, said.digest AS said_digest,
    said.action, said.event_time, said.event_id, said.reason, said.actor_id
  FROM said
  JOIN artifact_version AS node
    ON node.kind = said.kind AND node.namespace = said.namespace AND node.name = said.name
    AND (
      (said.version IS NULL AND said.digest IS NULL)
      OR coalesce(
        said.digest = node.digest,
        said.version = node.version AND NOT node.conflict,
        false
      )
    )
  WHERE node.known_from <= coalesce($known_at::TIMESTAMP, node.known_from)
    AND coalesce(node.known_to > $known_at::TIMESTAMP, node.known_to IS NULL)
), described AS (
  SELECT kind, namespace, name, version, digest, action, event_time, event_id, reason, actor_id
  FROM meant
  UNION ALL
  SELECT kind, namespace, name, version, digest, action, event_time, event_id, reason, actor_id
  FROM said
  WHERE NOT EXISTS (
    FROM meant
    WHERE meant.kind = said.kind
      AND meant.namespace = said.namespace
      AND meant.name = said.name
      AND meant.said_version IS NOT DISTINCT FROM said.version
      AND meant.said_digest IS NOT DISTINCT FROM said.digest
  )
), newest AS (
  SELECT
    kind, namespace, name, version, digest,
    max_by(
      {'action': action, 'time': event_time, 'id': event_id, 'reason': reason, 'by': actor_id},
      (event_time, event_id)
    ) AS last
  FROM described
  GROUP BY kind, namespace, name, version, digest
)
SELECT
  kind, namespace, name, version, digest,
  last.time AS event_time,
  last.id AS event_id,
  last.reason AS reason,
  last.by AS placed_by
FROM newest
WHERE last.action = 'placed'
ORDER BY kind, namespace, name, version, digest
