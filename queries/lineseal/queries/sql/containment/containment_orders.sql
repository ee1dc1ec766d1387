-- name:    containment_orders
-- title:   Which orders to freeze, hold or release something were given?
-- kind:    containment
-- params:  as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: event_time TIMESTAMP
--          event_id VARCHAR
--          producer VARCHAR
--          proven BOOLEAN          -- signed with the own key of the person who ordered it
--          action VARCHAR          -- freeze, hold, release
--          type VARCHAR            -- of the subject: artifact, source, stage, producer, ...
--          subject_name VARCHAR    -- null for an artifact
--          kind VARCHAR            -- of the artifact; null for anything else
--          namespace VARCHAR
--          name VARCHAR
--          version VARCHAR         -- null, with digest: every version
--          digest VARCHAR
--          reason VARCHAR
--          ordered_by VARCHAR
--          notified VARCHAR[]
--          ticket VARCHAR
-- reads:   containment, untrusted_batch, event
-- order:   event_time, event_id, producer
-- since:   0.2
-- why:     All of them, since what stands follows from their order in time. They are few.
WITH doubt AS (
  SELECT DISTINCT event.producer, event.event_id
  FROM event
  JOIN untrusted_batch AS batch USING (producer, epoch, batch_seq)
  WHERE event.body = 'containment'
    AND batch.known_from <= coalesce($known_at::TIMESTAMP, batch.known_from)
    AND coalesce(batch.known_to > $known_at::TIMESTAMP, batch.known_to IS NULL)
)
SELECT DISTINCT
  event_time,
  event_id,
  producer,
  coalesce(
    actor_verified AND actor_kind = 'human' AND actor_id = ordered_by
      AND (producer, event_id) NOT IN (SELECT (producer, event_id) FROM doubt),
    false
  ) AS proven,
  action,
  subject.type AS type,
  subject.name AS subject_name,
  subject.artifact.kind AS kind,
  subject.artifact.namespace AS namespace,
  subject.artifact.name AS name,
  subject.artifact.version AS version,
  subject.artifact.digest AS digest,
  reason,
  ordered_by,
  notified,
  ticket
FROM containment
WHERE event_time <= coalesce($as_of::TIMESTAMP, event_time)
  AND ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
ORDER BY event_time, event_id, producer
