-- name:    nodes
-- title:   Which artifact versions do the facts of a name tell apart?
-- reads:   fact
-- makes:   node
-- why:     ADR-0004, "Nodes of one name". A version is one node per digest that any fact gives
--          together with it. The node of unknown version is added later, by 4_by_time.sql,
--          because only time tells whether it is needed.

CREATE OR REPLACE TEMP TABLE node AS
WITH stated AS (
  SELECT DISTINCT name_id, version, digest FROM fact
), pair AS (
  SELECT name_id, version, digest FROM stated WHERE version IS NOT NULL AND digest IS NOT NULL
), known_version AS (
  SELECT DISTINCT name_id, version FROM stated WHERE version IS NOT NULL
), of_version AS (
  SELECT name_id, version, pair.digest, NULL::BIGINT AS run
  FROM known_version
  LEFT JOIN pair USING (name_id, version)
), of_digest AS (
  SELECT name_id, NULL AS version, digest, NULL AS run
  FROM stated
  ANTI JOIN pair USING (name_id, digest)
  WHERE version IS NULL AND digest IS NOT NULL
), of_run AS (
  SELECT DISTINCT name_id, NULL AS version, NULL AS digest, run
  FROM fact
  WHERE direction = 'output' AND version IS NULL AND digest IS NULL
), every_node AS (
  SELECT * FROM of_version
  UNION ALL
  SELECT * FROM of_digest
  UNION ALL
  SELECT * FROM of_run
)
SELECT
  row_number() OVER () AS node,
  *,
  version IS NOT NULL AND count(*) OVER (PARTITION BY name_id, version) > 1 AS conflict
FROM every_node;
