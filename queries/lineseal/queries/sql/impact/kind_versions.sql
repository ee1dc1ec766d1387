-- name:    kind_versions
-- title:   Which artifact versions of one kind are there?
-- kind:    impact
-- params:  kind VARCHAR            -- model, for the question which models are affected
--          as_of TIMESTAMP=NULL    -- event time, included; null: no bound
--          known_at TIMESTAMP=NULL -- ingest time, included; null: as known today
-- returns: artifact_version_id BIGINT
-- reads:   artifact_version
-- order:   none
-- since:   0.1
-- why:     A verdict on every model needs the ones that nothing leads to as well. One that no
--          event had named at as_of was not there yet.
SELECT artifact_version_id
FROM artifact_version
WHERE kind = $kind
  AND appeared_at <= coalesce($as_of::TIMESTAMP, appeared_at)
  AND known_from <= coalesce($known_at::TIMESTAMP, known_from)
  AND coalesce(known_to > $known_at::TIMESTAMP, known_to IS NULL)
