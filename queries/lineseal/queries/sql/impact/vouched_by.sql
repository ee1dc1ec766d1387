-- name:    vouched_by
-- title:   Which artifacts did this key, producer, person or time register, change or let through?
-- kind:    impact
-- params:  type VARCHAR=NULL       -- key, producer or person; null: anybody
--          name VARCHAR=NULL       -- of a key its id
--          since TIMESTAMP=NULL    -- event time, included; null: no bound
--          until TIMESTAMP=NULL    -- event time, included; null: no bound
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: kind VARCHAR
--          namespace VARCHAR
--          name VARCHAR
--          version VARCHAR
--          digest VARCHAR
--          body VARCHAR            -- table the statement stands in
--          producer VARCHAR
--          event_id VARCHAR
--          origin VARCHAR
--          own_key BOOLEAN         -- the person's own key signed it
-- reads:   event, statement_about, registration, validation, evaluation, quarantine, approval,
--          promotion, override, label_review, feedback, access, verdict
-- order:   none
-- since:   0.2
-- why:     Who cannot be trusted may have spoiled what they registered or changed, and what they let
--          through. What they stopped, measured as failed or only read is none the worse for it.
WITH said AS (
  SELECT 'registration' AS body, producer, event_id, [submitted_by, reviewer] AS people
  FROM registration
  UNION ALL
  SELECT 'validation', producer, event_id, [reviewed_by]
  FROM validation WHERE outcome IN ('pass', 'warn')
  UNION ALL
  SELECT 'evaluation', producer, event_id, []
  FROM evaluation WHERE outcome IN ('pass', 'warn')
  UNION ALL
  SELECT 'quarantine', producer, event_id, [reviewer]
  FROM quarantine WHERE action = 'released'
  UNION ALL
  SELECT 'approval', producer, event_id, [approver]
  FROM approval WHERE decision = 'approve'
  UNION ALL
  SELECT 'promotion', producer, event_id, []
  FROM promotion WHERE action <> 'retire'
  UNION ALL
  SELECT 'override', producer, event_id, [made_by, approved_by] FROM override
  UNION ALL
  SELECT 'label_review', producer, event_id, [annotator] FROM label_review
  UNION ALL
  SELECT 'feedback', producer, event_id, [reviewed_by] FROM feedback
  UNION ALL
  SELECT 'access', producer, event_id, [principal]
  FROM access WHERE action IN ('write', 'create') AND outcome = 'allowed'
  UNION ALL
  SELECT 'verdict', producer, event_id, []
  FROM verdict WHERE decision = 'approve'
)
SELECT DISTINCT
  about.kind,
  about.namespace,
  about.name,
  about.version,
  about.digest,
  said.body,
  said.producer,
  said.event_id,
  event.origin,
  event.actor_verified AND event.actor_kind = 'human'
    AND person_key(event.actor_id) = person_key(coalesce($name::VARCHAR, event.actor_id)) AS own_key
FROM said
JOIN event USING (producer, event_id)
JOIN statement_about AS about
  ON about.body = said.body
  AND about.producer = said.producer
  AND about.event_id = said.event_id
WHERE CASE $type::VARCHAR
    WHEN 'key' THEN event.keyid = $name
    WHEN 'producer' THEN event.producer = $name
    WHEN 'person' THEN
      (event.actor_kind = 'human' AND person_key(event.actor_id) = person_key($name))
      OR list_contains(list_transform(said.people, lambda who: person_key(who)), person_key($name))
    ELSE $type IS NULL
  END
  AND ($since::TIMESTAMP IS NULL OR event.event_time >= $since)
  AND ($until::TIMESTAMP IS NULL OR event.event_time <= $until)
  AND ($as_of::TIMESTAMP IS NULL OR event.event_time <= $as_of)
  AND ($known_at::TIMESTAMP IS NULL OR event.ingest_time <= $known_at)
