-- name:    meanings
-- title:   Which nodes does each fact mean, by what it names?
-- params:  max_candidates INTEGER -- nodes that one fact of a run may mean
-- reads:   fact, node
-- makes:   meaning, made_node; guess, still empty
-- why:     ADR-0004, "What a fact means". Three rounds, each only using what the ones before
--          decided, so that the result is a function of the set of facts:
--          1. what cannot depend on which nodes are made;
--          2. a digest alone, which prefers nodes that round 1 showed to be made. Facts of this
--             round make nodes too, but never change which nodes a digest means: either some
--             node with that digest was made before, or the facts make all of them;
--          3. an input with version and digest, which may mean a made node of another version.
--          A fact of a run that may mean more than max_candidates nodes means the node of
--          unknown version instead (ADR-0004, "Too many candidates"): thousands of such facts
--          about thousands of nodes would make their product of edges.

CREATE OR REPLACE TEMP TABLE meaning AS
-- an output or registration with version and digest makes its own node
SELECT fact, node, NULL::VARCHAR AS reason, false AS crowded
FROM fact
JOIN node USING (name_id, version, digest)
WHERE direction <> 'input'
UNION ALL
-- a version alone
SELECT fact, node, CASE WHEN conflict THEN 'version_conflict' END, false
FROM fact
JOIN (SELECT name_id, version, count(*) AS nodes FROM node GROUP BY ALL) AS size
  USING (name_id, version)
JOIN node USING (name_id, version)
WHERE fact.digest IS NULL AND (direction = 'registration' OR size.nodes <= $max_candidates)
UNION ALL
-- an output with neither
SELECT fact, node, NULL, false
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
  SELECT name_id, digest, node, count(*) OVER (PARTITION BY name_id, digest) AS nodes
  FROM (
    FROM carrier QUALIFY is_made OR NOT bool_or(is_made) OVER (PARTITION BY name_id, digest)
  )
)
SELECT fact, node, CASE WHEN nodes > 1 THEN 'digest_ambiguous' END, false
FROM fact
JOIN preferred USING (name_id, digest)
WHERE fact.version IS NULL AND (direction = 'registration' OR nodes <= $max_candidates);

-- what has more than it may have: the node of unknown version, one for each name
CREATE OR REPLACE TEMP TABLE crowded AS
SELECT
  fact, name_id,
  CASE WHEN version IS NULL THEN 'digest_ambiguous' ELSE 'version_conflict' END AS reason
FROM fact
ANTI JOIN meaning USING (fact)
WHERE (version IS NULL) <> (digest IS NULL);

INSERT INTO node
SELECT (SELECT max(node) FROM node) + row_number() OVER (), name_id, NULL, NULL, NULL, false
FROM (SELECT DISTINCT name_id FROM crowded);

INSERT INTO meaning
SELECT fact, node, reason, true
FROM crowded
JOIN node USING (name_id)
WHERE version IS NULL AND digest IS NULL AND run IS NULL;

CREATE OR REPLACE TEMP TABLE made_node AS
SELECT DISTINCT node FROM meaning JOIN fact USING (fact) WHERE direction <> 'input';

-- an input with version and digest: that very node when it is made, else the made nodes with
-- the digest, else that very node
INSERT INTO meaning
WITH made_carrier AS (
  SELECT name_id, digest, node, count(*) OVER (PARTITION BY name_id, digest) AS nodes
  FROM node
  SEMI JOIN made_node USING (node)
), reading AS (
  SELECT fact, name_id, digest, node AS own_node, made_node.node IS NOT NULL AS own_is_made
  FROM fact
  JOIN node USING (name_id, version, digest)
  LEFT JOIN made_node USING (node)
  WHERE direction = 'input'
)
SELECT
  fact, coalesce(made_carrier.node, own_node), CASE WHEN nodes > 1 THEN 'digest_ambiguous' END,
  false
FROM reading
LEFT JOIN made_carrier
  ON NOT own_is_made
  AND reading.name_id = made_carrier.name_id
  AND reading.digest = made_carrier.digest
WHERE coalesce(nodes, 1) <= $max_candidates;

CREATE OR REPLACE TEMP TABLE crowded AS
SELECT fact, name_id
FROM fact
ANTI JOIN meaning USING (fact)
WHERE version IS NOT NULL AND digest IS NOT NULL;

INSERT INTO node
SELECT (SELECT max(node) FROM node) + row_number() OVER (), name_id, NULL, NULL, NULL, false
FROM (SELECT DISTINCT name_id FROM crowded)
WHERE name_id NOT IN (
  SELECT name_id FROM node WHERE version IS NULL AND digest IS NULL AND run IS NULL
);

INSERT INTO meaning
SELECT fact, node, 'digest_ambiguous', true
FROM crowded
JOIN node USING (name_id)
WHERE version IS NULL AND digest IS NULL AND run IS NULL;

DROP TABLE crowded;

CREATE OR REPLACE TEMP TABLE guess (
  fact BIGINT, node BIGINT, overlapping BOOLEAN, nothing_known BOOLEAN, crowded BOOLEAN
);
