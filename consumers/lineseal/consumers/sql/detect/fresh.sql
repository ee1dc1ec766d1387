-- Tables that have rows newer than $since: rules that read none of them are not run. The lineage graph
-- moves with registrations too, and counts as what runs used.
SELECT name FROM (
  SELECT 'run_event' AS name, EXISTS (FROM run_event WHERE ingest_time > $since) AS has
  UNION ALL SELECT 'run_io', EXISTS (FROM edge WHERE known_from > $since OR known_to > $since) OR EXISTS (FROM run_io WHERE ingest_time > $since)
  UNION ALL SELECT 'event', EXISTS (FROM event WHERE ingest_time > $since)
  UNION ALL SELECT 'batch', EXISTS (FROM batch WHERE ingest_time > $since)
  UNION ALL SELECT 'reject', EXISTS (FROM reject WHERE ingest_time > $since)
  UNION ALL SELECT 'finding', EXISTS (FROM finding WHERE opened_at > $since OR closed_at > $since)
  UNION ALL SELECT 'registration', EXISTS (FROM registration WHERE ingest_time > $since)
  UNION ALL SELECT 'validation', EXISTS (FROM validation WHERE ingest_time > $since)
  UNION ALL SELECT 'evaluation', EXISTS (FROM evaluation WHERE ingest_time > $since)
  UNION ALL SELECT 'quarantine', EXISTS (FROM quarantine WHERE ingest_time > $since)
  UNION ALL SELECT 'approval', EXISTS (FROM approval WHERE ingest_time > $since)
  UNION ALL SELECT 'promotion', EXISTS (FROM promotion WHERE ingest_time > $since)
  UNION ALL SELECT 'override', EXISTS (FROM override WHERE ingest_time > $since)
  UNION ALL SELECT 'label_review', EXISTS (FROM label_review WHERE ingest_time > $since)
  UNION ALL SELECT 'feedback', EXISTS (FROM feedback WHERE ingest_time > $since)
  UNION ALL SELECT 'access', EXISTS (FROM access WHERE ingest_time > $since)
  UNION ALL SELECT 'containment', EXISTS (FROM containment WHERE ingest_time > $since)
  UNION ALL SELECT 'incident', EXISTS (FROM incident WHERE ingest_time > $since)
  UNION ALL SELECT 'verdict', EXISTS (FROM verdict WHERE ingest_time > $since)
  UNION ALL SELECT 'key_change', EXISTS (FROM key_change WHERE ingest_time > $since)
  UNION ALL SELECT 'erasure', EXISTS (FROM erasure WHERE ingest_time > $since)
) WHERE has;
