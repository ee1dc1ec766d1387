-- name:    incident_events
-- title:   What was recorded about this incident, or about all?
-- kind:    incident
-- params:  incident_id VARCHAR=NULL -- null: all
--          known_at TIMESTAMP=NULL  -- ingest time, included; null: as known today
-- returns: incident_id VARCHAR
--          event_time TIMESTAMP
--          event_id VARCHAR
--          by VARCHAR               -- who acted
--          own_key BOOLEAN          -- under a person's own key
--          state VARCHAR            -- opened, closed
--          subjects JSON            -- as recorded
--          cause VARCHAR
--          failed_control VARCHAR
--          actions VARCHAR[]
-- reads:   incident
-- order:   incident_id, event_time, event_id
-- since:   0.2
-- why:     An incident is all of its events together; each may add to it.
SELECT DISTINCT
  incident_id,
  event_time,
  event_id,
  actor_id AS by,
  coalesce(actor_verified AND actor_kind = 'human', false) AS own_key,
  state,
  to_json(subjects) AS subjects,
  cause,
  failed_control,
  actions
FROM incident
WHERE incident_id = coalesce($incident_id::VARCHAR, incident_id)
  AND ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
ORDER BY incident_id, event_time, event_id
