-- name:    record
-- title:   Which findings are over, and which are new?
-- params:  ingest_time TIMESTAMP -- when the change became known
-- reads:   finding_now, finding_before
-- writes:  finding
-- why:     Rows are closed, never changed or deleted, so --known-at is a filter.

UPDATE finding SET closed_at = $ingest_time
WHERE closed_at IS NULL
  AND (finding_id, coalesce(keyid, '')) IN (
    SELECT (finding_id, coalesce(keyid, '')) FROM (FROM finding_before EXCEPT FROM finding_now)
  );

INSERT INTO finding
SELECT *, $ingest_time, NULL FROM (FROM finding_now EXCEPT FROM finding_before)
ORDER BY ALL;

DROP TABLE finding_now;
DROP TABLE finding_before;
