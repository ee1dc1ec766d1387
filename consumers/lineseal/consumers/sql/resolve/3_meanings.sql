-- name:    meanings
-- title:   Which nodes does each fact mean, by what it names?
-- reads:   fact, node
-- makes:   meaning, made_node
-- why:     ADR-0004, "What a fact means". Three rounds, each only using what the ones before
--          decided, so that the result is a function of the set of facts:
--          1. what cannot depend on which nodes are made;
--          2. a digest alone, which prefers nodes that round 1 showed to be made. Facts of this
--             round make nodes too, but never change which nodes a digest means: either some
--             node with that digest was made before, or the facts make all of them;
--          3. an input with version and digest, which may mean a made node of another version.

CREATE OR REPLACE TEMP TABLE meaning AS
-- an output or registration with version and digest makes its own node
SELECT fact, node, NULL::VARCHAR AS reason
FROM fact
JOIN node USING (name_id, version, digest)
WHERE direction <> 'input'
UNION ALL
-- a version alone
SELECT fact, node, CASE WHEN conflict THEN 'version_conflict' END
FROM fact
JOIN node USING (name_id, version)
WHERE fact.digest IS NULL
UNION ALL
-- an output with neither
SELECT fact, node, NULL
FROM fact
JOIN node USING (name_id, run)
WHERE direction = 'output' AND fact.version IS NULL AND fact.digest IS NULL;

-- a digest alone: the made nodes that carry it, else all that do
INSERT INTO meaning
WITH made AS (
  SELECT DISTINCT node FROM meaning JOIN fact USING (fact) WHERE direction <> 'input'
), carrier AS (
  SELECT name_id, digest, node, made.node IS NOT NULL AS is_made
  FROM node
  LEFT JOIN made USING (node)
  WHERE digest IS NOT NULL
), preferred AS (
  SELECT name_id, digest, node
  FROM carrier
  QUALIFY is_made OR NOT bool_or(is_made) OVER (PARTITION BY name_id, digest)
)
SELECT
  fact,
  node,
  CASE WHEN count(*) OVER (PARTITION BY fact) > 1 THEN 'digest_ambiguous' END
FROM fact
JOIN preferred USING (name_id, digest)
WHERE fact.version IS NULL;

CREATE OR REPLACE TEMP TABLE made_node AS
SELECT DISTINCT node FROM meaning JOIN fact USING (fact) WHERE direction <> 'input';

-- an input with version and digest: that very node when it is made, else the made nodes with
-- the digest, else that very node
INSERT INTO meaning
WITH made_carrier AS (
  SELECT name_id, digest, node FROM node SEMI JOIN made_node USING (node)
), reading AS (
  SELECT fact, name_id, digest, node AS own_node, made_node.node IS NOT NULL AS own_is_made
  FROM fact
  JOIN node USING (name_id, version, digest)
  LEFT JOIN made_node USING (node)
  WHERE direction = 'input'
), meant AS (
  SELECT fact, coalesce(made_carrier.node, own_node) AS node
  FROM reading
  LEFT JOIN made_carrier
    ON NOT own_is_made
    AND reading.name_id = made_carrier.name_id
    AND reading.digest = made_carrier.digest
)
SELECT
  fact, node, CASE WHEN count(*) OVER (PARTITION BY fact) > 1 THEN 'digest_ambiguous' END
FROM meant;
