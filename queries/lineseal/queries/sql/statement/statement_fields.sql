-- name:    statement_fields
-- title:   What do these statements say?
-- kind:    statement
-- params:  producers VARCHAR[] -- with event_ids: one pair for each statement
--          event_ids VARCHAR[] -- same length as producers
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
UNION ALL
SELECT 'validation', producer, event_id, to_json(row)
FROM validation AS row SEMI JOIN wanted USING (producer, event_id)
UNION ALL
SELECT 'evaluation', producer, event_id, to_json(row)
FROM evaluation AS row SEMI JOIN wanted USING (producer, event_id)
UNION ALL
SELECT 'quarantine', producer, event_id, to_json(row)
FROM quarantine AS row SEMI JOIN wanted USING (producer, event_id)
UNION ALL
SELECT 'approval', producer, event_id, to_json(row)
FROM approval AS row SEMI JOIN wanted USING (producer, event_id)
UNION ALL
SELECT 'promotion', producer, event_id, to_json(row)
FROM promotion AS row SEMI JOIN wanted USING (producer, event_id)
UNION ALL
SELECT 'override', producer, event_id, to_json(row)
FROM override AS row SEMI JOIN wanted USING (producer, event_id)
UNION ALL
SELECT 'label_review', producer, event_id, to_json(row)
FROM label_review AS row SEMI JOIN wanted USING (producer, event_id)
UNION ALL
SELECT 'feedback', producer, event_id, to_json(row)
FROM feedback AS row SEMI JOIN wanted USING (producer, event_id)
UNION ALL
SELECT 'access', producer, event_id, to_json(row)
FROM access AS row SEMI JOIN wanted USING (producer, event_id)
UNION ALL
SELECT 'containment', producer, event_id, to_json(row)
FROM containment AS row SEMI JOIN wanted USING (producer, event_id)
UNION ALL
SELECT 'incident', producer, event_id, to_json(row)
FROM incident AS row SEMI JOIN wanted USING (producer, event_id)
UNION ALL
SELECT 'verdict', producer, event_id, to_json(row)
FROM verdict AS row SEMI JOIN wanted USING (producer, event_id)
