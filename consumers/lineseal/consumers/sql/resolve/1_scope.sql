-- name:    scope
-- title:   How much of each touched name has to be resolved again?
-- params:  ingest_time TIMESTAMP -- the commit's
--          max_candidates INTEGER -- nodes that one fact of a run may mean
--          narrow BOOLEAN -- false: all of every name, as if nothing were known
-- reads:   again_io, new_registration, touched_name, run_event, run_io, registration,
--          artifact_version, edge
-- makes:   part, saying, again, kept_unknown; sets touched_name.how
-- writes:  again_io
-- why:     ADR-0004, "What a commit resolves again". What a fact that gives a version or a digest
--          means depends on which *sayings* (direction, version, digest) there are in its part of
--          the name, not on how often or by whom: versions and digests are one part as far as
--          facts give them together. So a part without a new saying keeps its nodes, and only the
--          runs of this commit get other edges to it.

CREATE OR REPLACE TEMP TABLE pair AS
SELECT DISTINCT name_id, version, digest
FROM (
  SELECT kind, namespace, name, version, digest FROM again_io
  UNION ALL
  SELECT kind, namespace, name, version, digest FROM new_registration
  UNION ALL
  -- every pair that older facts give is a node
  SELECT kind, namespace, name, version, digest FROM artifact_version WHERE known_to IS NULL
)
JOIN touched_name USING (kind, namespace, name)
WHERE version IS NOT NULL AND digest IS NOT NULL;

-- One step from a version to a digest it is given with, and back.
CREATE OR REPLACE TEMP TABLE step AS
SELECT name_id, version, NULL AS digest, NULL AS next_version, digest AS next_digest FROM pair
UNION ALL
SELECT name_id, NULL, digest, version, NULL FROM pair;

-- The parts that this commit speaks of: their versions and their digests, then their pairs.
CREATE OR REPLACE TEMP TABLE part AS
WITH RECURSIVE spoken AS (
  SELECT DISTINCT name_id, version, digest
  FROM (
    SELECT kind, namespace, name, version, digest FROM again_io
    UNION ALL
    SELECT kind, namespace, name, version, digest FROM new_registration
  )
  JOIN touched_name USING (kind, namespace, name)
), reached AS (
  (
    SELECT name_id, version, NULL::VARCHAR AS digest FROM spoken WHERE version IS NOT NULL
    UNION ALL
    SELECT name_id, NULL, digest FROM spoken WHERE digest IS NOT NULL
  )
  UNION
  SELECT step.name_id, step.next_version, step.next_digest
  FROM reached
  JOIN step
    ON reached.name_id = step.name_id
    AND reached.version IS NOT DISTINCT FROM step.version
    AND reached.digest IS NOT DISTINCT FROM step.digest
)
SELECT *, false AS changed, false AS moved FROM reached;

INSERT INTO part
SELECT name_id, version, digest, false, false
FROM pair
SEMI JOIN (FROM part WHERE version IS NOT NULL) AS of_version USING (name_id, version);

-- What all facts say in those parts, and since when somebody does.
CREATE OR REPLACE TEMP TABLE saying AS
SELECT
  name_id, direction, version, digest, imported,
  min(event_id) AS event_id,
  min(event_time) AS event_time,
  min(event_time) FILTER (ingest_time < $ingest_time) AS known_event_time,
  min(ingest_time) AS first_known
FROM (
  SELECT
    part.name_id, direction, run_io.version, run_io.digest, origin = 'import' AS imported,
    event_id, event_time, ingest_time
  FROM run_io
  JOIN touched_name USING (kind, namespace, name)
  JOIN part
    ON part.name_id = touched_name.name_id
    AND run_io.version IS NOT DISTINCT FROM part.version
    AND run_io.digest IS NOT DISTINCT FROM part.digest
  UNION ALL
  SELECT
    part.name_id, 'registration', part.version, part.digest, origin = 'import', event_id,
    event_time, ingest_time
  FROM registration
  JOIN touched_name
    ON subject.artifact.kind = touched_name.kind
    AND subject.artifact.namespace = touched_name.namespace
    AND subject.artifact.name = touched_name.name
  JOIN part
    ON part.name_id = touched_name.name_id
    AND subject.artifact.version IS NOT DISTINCT FROM part.version
    AND subject.artifact.digest IS NOT DISTINCT FROM part.digest
)
GROUP BY name_id, direction, version, digest, imported;

-- Parts are *changed* by a new saying, so that facts in them may mean something else. They are
-- *moved* by that, and by whatever may change when their nodes were written or appeared.
CREATE OR REPLACE TEMP TABLE news AS
WITH RECURSIVE seed AS (
  SELECT name_id, version, digest, min(first_known) >= $ingest_time AS changed
  FROM saying
  GROUP BY name_id, direction, version, digest
  HAVING changed OR min(event_time) < min(known_event_time)
  UNION ALL
  SELECT name_id, version, digest, false
  FROM again_io
  JOIN touched_name USING (kind, namespace, name)
  WHERE direction = 'output'
), reached AS (
  (
    SELECT name_id, version, NULL::VARCHAR AS digest, changed FROM seed WHERE version IS NOT NULL
    UNION ALL
    SELECT name_id, NULL, digest, changed FROM seed WHERE digest IS NOT NULL
  )
  UNION
  SELECT step.name_id, step.next_version, step.next_digest, changed
  FROM reached
  JOIN step
    ON reached.name_id = step.name_id
    AND reached.version IS NOT DISTINCT FROM step.version
    AND reached.digest IS NOT DISTINCT FROM step.digest
)
SELECT name_id, version, digest, bool_or(changed) AS changed
FROM reached
GROUP BY name_id, version, digest;

UPDATE part SET changed = news.changed, moved = true
FROM news
WHERE part.name_id = news.name_id
  AND part.version IS NOT DISTINCT FROM news.version
  AND CASE WHEN part.version IS NULL THEN part.digest END IS NOT DISTINCT FROM news.digest;

-- Facts that mean too many nodes mean the one of unknown version, which all parts share.
UPDATE touched_name SET how = CASE
  WHEN name_id NOT IN (
    SELECT name_id
    FROM run_io
    JOIN touched_name USING (kind, namespace, name)
    WHERE direction = 'input' AND version IS NULL AND digest IS NULL
  ) THEN CASE
    WHEN name_id IN (
      SELECT name_id
      FROM pair
      SEMI JOIN part USING (name_id, version, digest)
      GROUP BY GROUPING SETS ((name_id, version), (name_id, digest))
      HAVING count(*) > $max_candidates
    ) THEN 'whole'
    ELSE 'parts'
  END
  WHEN name_id IN (SELECT name_id FROM news) AND name_id IN (
    SELECT name_id
    FROM pair
    GROUP BY GROUPING SETS ((name_id, version), (name_id, digest))
    HAVING count(*) > $max_candidates
  ) THEN 'whole'
  ELSE 'reads'
END
WHERE $narrow;

-- Since when nodes were written that moved: what a run read by time that was over before is the
-- same, since a node can only be read that somebody began to write by the end of the read.
CREATE OR REPLACE TEMP TABLE moved_since AS
WITH writer AS (
  SELECT DISTINCT part.name_id, producer, run_id
  FROM run_io
  JOIN (
    SELECT kind, namespace, name, part.*
    FROM part
    JOIN touched_name USING (name_id)
    WHERE how = 'reads' AND moved
  ) AS part
    ON run_io.kind = part.kind AND run_io.namespace = part.namespace AND run_io.name = part.name
    AND run_io.version IS NOT DISTINCT FROM part.version
    AND run_io.digest IS NOT DISTINCT FROM part.digest
  WHERE direction = 'output'
  UNION
  SELECT name_id, producer, run_id
  FROM again_io
  JOIN (FROM touched_name WHERE how = 'reads') USING (kind, namespace, name)
  WHERE direction = 'output'
), moved AS (
  SELECT name_id, event_time FROM run_event JOIN writer USING (producer, run_id)
  UNION ALL
  SELECT name_id, event_time
  FROM saying
  JOIN (FROM touched_name WHERE how = 'reads') USING (name_id)
  JOIN part
    ON saying.name_id = part.name_id
    AND saying.version IS NOT DISTINCT FROM part.version
    AND saying.digest IS NOT DISTINCT FROM part.digest
  WHERE direction = 'registration' AND moved
)
SELECT name_id, min(event_time) AS since FROM moved GROUP BY name_id;

-- The runs whose edges are made again, for each name: those with a new event, ...
CREATE OR REPLACE TEMP TABLE again AS
SELECT DISTINCT name_id, producer, run_id
FROM again_io
JOIN touched_name USING (kind, namespace, name);

-- ... and those that may have read by time what moved.
CREATE OR REPLACE TEMP TABLE also_again AS
SELECT DISTINCT name_id, producer, run_id
FROM run_io
JOIN touched_name USING (kind, namespace, name)
JOIN moved_since USING (name_id)
JOIN (
  SELECT producer, run_id, max(event_time) AS ends
  FROM run_event
  WHERE event_time >= (SELECT min(since) FROM moved_since)
  GROUP BY producer, run_id
) AS ended_since USING (producer, run_id)
ANTI JOIN again USING (name_id, producer, run_id)
WHERE direction = 'input' AND version IS NULL AND digest IS NULL AND ends >= since;

INSERT INTO again FROM also_again;

INSERT INTO again_io
SELECT
  kind, namespace, name, direction, producer, run_id, version, digest, origin, event_id, event_time
FROM run_io
SEMI JOIN (FROM also_again JOIN touched_name USING (name_id)) AS also_again
  USING (kind, namespace, name, producer, run_id);

-- The node of unknown version is there as long as some run means it.
CREATE OR REPLACE TEMP TABLE kept_unknown AS
WITH unknown AS (
  SELECT artifact_version_id, name_id
  FROM artifact_version
  JOIN touched_name USING (kind, namespace, name)
  WHERE how = 'reads' AND known_to IS NULL
    AND version IS NULL AND digest IS NULL AND run_id IS NULL
)
SELECT name_id, min(event_time) AS event_time
FROM edge
JOIN unknown USING (artifact_version_id)
ANTI JOIN again USING (name_id, producer, run_id)
WHERE known_to IS NULL
GROUP BY name_id;

DROP TABLE also_again;
DROP TABLE moved_since;
DROP TABLE news;
DROP TABLE step;
DROP TABLE pair;
DROP TABLE new_registration;
