-- name:    uses
-- title:   What did these runs say they read and wrote, and how much of it?
-- kind:    statement
-- params:  producers VARCHAR[]     -- with run_ids: one pair for each run
--          run_ids VARCHAR[]       -- same length as producers
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: producer VARCHAR
--          run_id VARCHAR
--          direction VARCHAR       -- input, output
--          kind VARCHAR
--          namespace VARCHAR
--          name VARCHAR
--          version VARCHAR         -- as the run named it, nothing resolved
--          digest VARCHAR
--          rows BIGINT             -- the largest that was said; null: nobody said
-- reads:   run_io
-- order:   none
-- since:   0.2
-- why:     Row counts stand in what runs say, not in the graph.
SELECT producer, run_id, direction, kind, namespace, name, version, digest, max(rows) AS rows
FROM run_io
SEMI JOIN (
  SELECT unnest($producers::VARCHAR[]) AS producer, unnest($run_ids::VARCHAR[]) AS run_id
) AS wanted USING (producer, run_id)
WHERE ingest_time <= coalesce($known_at::TIMESTAMP, ingest_time)
  AND event_time <= coalesce($as_of::TIMESTAMP, event_time)
GROUP BY ALL
