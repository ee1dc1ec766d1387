-- name:    statement_fields
-- title:   What do these statements say?
-- kind:    statement
-- params:  producers VARCHAR[] -- with event_ids: one pair for each statement
--          event_ids VARCHAR[] -- same length as producers
--          bodies VARCHAR[]    -- tables they stand in; no other is looked into
-- returns: body VARCHAR   -- table the statement stands in
--          producer VARCHAR
--          event_id VARCHAR
--          fields JSON    -- the row, column by column
-- reads:   registration, validation, evaluation, quarantine, approval, promotion, override,
--          label_review, feedback, access, containment, incident, verdict
-- order:   none
-- since:   0.2
-- why:     Bodies differ in their columns; as JSON one question serves them all.
WITH wanted AS (
  SELECT unnest($producers::VARCHAR[]) AS producer, unnest($event_ids::VARCHAR[]) AS event_id
)
SELECT 'registration' AS body, producer, event_id, to_json(row) AS fields
FROM registration AS row SEMI JOIN wanted USING (producer, event_id)
WHERE list_contains($bodies::VARCHAR[], 'registration')
UNION ALL
SELECT 'validation', producer, event_id, to_json(row)
FROM validation AS row SEMI JOIN wanted USING (producer, event_id)
WHERE list_contains($bodies::VARCHAR[], 'validation')
UNION ALL
SELECT 'evaluation', producer, event_id, to_json(row)
FROM evaluation AS row SEMI JOIN wanted USING (producer, event_id)
WHERE list_contains($bodies::VARCHAR[], 'evaluation')
UNION ALL
SELECT 'quarantine', producer, event_id, to_json(row)
FROM quarantine AS row SEMI JOIN wanted USING (producer, event_id)
WHERE list_contains($bodies::VARCHAR[], 'quarantine')
UNION ALL
SELECT 'approval', producer, event_id, to_json(row)
FROM approval AS row SEMI JOIN wanted USING (producer, event_id)
WHERE list_contains($bodies::VARCHAR[], 'approval')
UNION ALL
SELECT 'promotion', producer, event_id, to_json(row)
FROM promotion AS row SEMI JOIN wanted USING (producer, event_id)
WHERE list_contains($bodies::VARCHAR[], 'promotion')
UNION ALL
SELECT 'override', producer, event_id, to_json(row)
FROM override AS row SEMI JOIN wanted USING (producer, event_id)
WHERE list_contains($bodies::VARCHAR[], 'override')
UNION ALL
SELECT 'label_review', producer, event_id, to_json(row)
FROM label_review AS row SEMI JOIN wanted USING (producer, event_id)
WHERE list_contains($bodies::VARCHAR[], 'label_review')
UNION ALL
SELECT 'feedback', producer, event_id, to_json(row)
FROM feedback AS row SEMI JOIN wanted USING (producer, event_id)
WHERE list_contains($bodies::VARCHAR[], 'feedback')
UNION ALL
SELECT 'access', producer, event_id, to_json(row)
FROM access AS row SEMI JOIN wanted USING (producer, event_id)
WHERE list_contains($bodies::VARCHAR[], 'access')
UNION ALL
SELECT 'containment', producer, event_id, to_json(row)
FROM containment AS row SEMI JOIN wanted USING (producer, event_id)
WHERE list_contains($bodies::VARCHAR[], 'containment')
UNION ALL
SELECT 'incident', producer, event_id, to_json(row)
FROM incident AS row SEMI JOIN wanted USING (producer, event_id)
WHERE list_contains($bodies::VARCHAR[], 'incident')
UNION ALL
SELECT 'verdict', producer, event_id, to_json(row)
FROM verdict AS row SEMI JOIN wanted USING (producer, event_id)
WHERE list_contains($bodies::VARCHAR[], 'verdict')
