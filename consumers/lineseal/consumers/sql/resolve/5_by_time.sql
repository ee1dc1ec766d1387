-- name:    by_time
-- title:   Which nodes may an input have read that gives neither version nor digest?
-- params:  max_candidates INTEGER -- nodes that one fact of a run may mean
-- reads:   fact, node, meaning, run_span, kept_unknown
-- writes:  guess
-- why:     ADR-0004, "By time". A node that the reading run wrote itself counts with the
--          interval of its other writers, which the two smallest starts and the two largest
--          ends give without comparing every pair of writers. Only run when it has to be.

CREATE OR REPLACE TEMP TABLE open_read AS
SELECT fact, name_id, run, starts, ends
FROM fact
JOIN run_span USING (run)
WHERE direction = 'input' AND version IS NULL AND digest IS NULL;

-- only names that somebody reads so are worth the work
CREATE OR REPLACE TEMP TABLE writer AS
SELECT DISTINCT name_id, node, run, starts, ends
FROM meaning
JOIN fact USING (fact)
JOIN run_span USING (run)
SEMI JOIN open_read USING (name_id)
WHERE direction = 'output';

CREATE OR REPLACE TEMP TABLE write_interval AS
SELECT
  name_id, node, min(starts) AS starts, max(ends) AS ends,
  min(starts, 2) AS first_starts, max(ends, 2) AS last_ends
FROM writer
GROUP BY name_id, node
UNION ALL
-- registered, and no run wrote it: the instant of its earliest registration
SELECT name_id, node, min(event_time), min(event_time), [], []
FROM meaning
JOIN fact USING (fact)
SEMI JOIN open_read USING (name_id)
ANTI JOIN writer USING (node)
WHERE direction = 'registration'
GROUP BY name_id, node;

-- nodes the reading run wrote itself, with the interval of their other writers
CREATE OR REPLACE TEMP TABLE own_write AS
WITH other AS (
  SELECT
    open_read.fact,
    writer.node,
    CASE WHEN writer.starts = first_starts[1] THEN first_starts[2] ELSE first_starts[1] END
      AS starts,
    CASE WHEN writer.ends = last_ends[1] THEN last_ends[2] ELSE last_ends[1] END AS ends
  FROM open_read
  JOIN writer USING (name_id, run)
  JOIN write_interval USING (node)
)
SELECT * FROM other;

-- The base ended latest before the read began. The whole interval of a node the run wrote
-- itself covers the run, so it can never be one here.
CREATE OR REPLACE TEMP TABLE latest AS
WITH ended AS (
  SELECT DISTINCT name_id, ends FROM write_interval
), before AS (
  SELECT fact, ended.ends
  FROM open_read
  ASOF JOIN ended
    ON open_read.name_id = ended.name_id AND open_read.starts > ended.ends
  UNION ALL
  SELECT fact, own_write.ends
  FROM open_read
  JOIN own_write USING (fact)
  WHERE own_write.ends < open_read.starts
)
SELECT fact, name_id, max(before.ends) AS ends
FROM before
JOIN open_read USING (fact)
GROUP BY fact, name_id;

-- How many candidates there are, counted without pairing reads with writes: those begun by the
-- end of the read less those over before it began, with the run's own put right; and the bases.
CREATE OR REPLACE TEMP TABLE crowded AS
WITH begun AS (
  SELECT name_id, starts, sum(count(*)) OVER (PARTITION BY name_id ORDER BY starts) AS nodes
  FROM write_interval
  GROUP BY name_id, starts
), over_ AS (
  SELECT name_id, ends, sum(count(*)) OVER (PARTITION BY name_id ORDER BY ends) AS nodes
  FROM write_interval
  GROUP BY name_id, ends
), tied AS (
  SELECT name_id, ends, count(*) AS nodes FROM write_interval GROUP BY name_id, ends
), touching AS (
  SELECT fact, begun.nodes
  FROM open_read
  ASOF JOIN begun ON open_read.name_id = begun.name_id AND open_read.ends >= begun.starts
  UNION ALL
  SELECT fact, -over_.nodes
  FROM open_read
  ASOF JOIN over_ ON open_read.name_id = over_.name_id AND open_read.starts > over_.ends
  UNION ALL
  SELECT
    fact,
    count(*) FILTER (own_write.starts <= open_read.ends AND own_write.ends >= open_read.starts)
      - count(*)
  FROM open_read
  JOIN own_write USING (fact)
  GROUP BY fact
), based AS (
  SELECT fact, tied.nodes FROM latest JOIN tied USING (name_id, ends)
  UNION ALL
  SELECT fact, count(*) FROM latest JOIN own_write USING (fact, ends) GROUP BY fact
), counted AS (
  SELECT fact, nodes AS touching, 0 AS bases FROM touching
  UNION ALL
  SELECT fact, 0, nodes FROM based
)
SELECT fact, sum(touching) > 0 AS overlapping
FROM counted
GROUP BY fact
HAVING sum(touching) + sum(bases) > $max_candidates;

-- Each name gets a band of numbers of its own, wider than all times. Without an equality in the
-- condition DuckDB joins by sorting; with one it would compare every read of a busy name with
-- every write of it.
CREATE OR REPLACE TEMP TABLE overlap AS
WITH reading AS (
  SELECT
    fact,
    name_id * (1::HUGEINT << 64) + epoch_us(starts) AS first,
    name_id * (1::HUGEINT << 64) + epoch_us(ends) AS last
  FROM open_read
  ANTI JOIN crowded USING (fact)
), writing AS (
  SELECT
    node,
    name_id * (1::HUGEINT << 64) + epoch_us(starts) AS first,
    name_id * (1::HUGEINT << 64) + epoch_us(ends) AS last
  FROM write_interval
)
SELECT fact, node
FROM reading
JOIN writing ON writing.first <= reading.last AND writing.last >= reading.first
ANTI JOIN own_write USING (fact, node)
UNION ALL
SELECT fact, node
FROM open_read
JOIN own_write USING (fact)
ANTI JOIN crowded USING (fact)
WHERE own_write.starts <= open_read.ends AND own_write.ends >= open_read.starts;

CREATE OR REPLACE TEMP TABLE base AS
WITH few AS (
  FROM latest ANTI JOIN crowded USING (fact)
)
SELECT fact, node
FROM few
JOIN write_interval USING (name_id, ends)
UNION
SELECT fact, node
FROM few
JOIN own_write USING (fact, ends);

-- nothing can have been read, or too much: the node of unknown version, one for each name
INSERT INTO node
SELECT
  (SELECT coalesce(max(node), 0) FROM node) + row_number() OVER () AS node,
  name_id, NULL, NULL, NULL, false
FROM (
  SELECT DISTINCT name_id
  FROM open_read
  ANTI JOIN overlap USING (fact)
  ANTI JOIN base USING (fact)
  UNION
  SELECT name_id FROM kept_unknown
)
WHERE name_id NOT IN (
  SELECT name_id FROM node WHERE version IS NULL AND digest IS NULL AND run IS NULL
);

INSERT INTO guess
WITH candidate AS (
  SELECT fact, node FROM overlap
  UNION
  SELECT fact, node FROM base
), unknown AS (
  SELECT name_id, node FROM node WHERE version IS NULL AND digest IS NULL AND run IS NULL
)
SELECT fact, node, overlap.fact IS NOT NULL AS overlapping, false AS nothing_known,
  false AS crowded
FROM candidate
LEFT JOIN (SELECT DISTINCT fact FROM overlap) AS overlap USING (fact)
UNION ALL
SELECT fact, node, coalesce(overlapping, false), true, crowded.fact IS NOT NULL
FROM open_read
JOIN unknown USING (name_id)
ANTI JOIN candidate USING (fact)
LEFT JOIN crowded USING (fact);

DROP TABLE base;
DROP TABLE crowded;
DROP TABLE latest;
DROP TABLE overlap;
DROP TABLE own_write;
DROP TABLE write_interval;
DROP TABLE writer;
DROP TABLE open_read;
