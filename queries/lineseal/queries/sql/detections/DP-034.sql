-- id:      DP-034
-- uuid:    98bd5967-d6fd-5b4d-b0cb-4516422317f6
-- title:   Digest or signature differs from the publisher's
-- status:  stable
-- version: 1.0.0
-- severity: critical
-- confidence: high
-- atlas:   AML.T0010.002, AML.T0010.003, AML.T0019
-- owasp:   ML06:2023
-- reads:   registration, validation
-- clock:   commit
-- key:     artifact version
-- window:  none
-- params:  none
-- false:   the publisher's digest is of the archive, ours of what was in it
-- runbook: docs/runbooks/DP-034.md
-- why:     What arrived is not what its publisher says it published: the digest is another, or
--          the signature did not verify. Only SHA-256 is compared; a publisher's other hash
--          says nothing here.
WITH said AS (
  SELECT *, subject_scope(subject) AS scope, subject_ref(subject) AS ref,
    regexp_extract(lower(trim(publisher_digest)), '^(?:sha-?256[:=])?([0-9a-f]{64})$', 1) AS published
  FROM registration
  WHERE subject_scope(subject) IN (SELECT scope FROM touched)
)
SELECT scope, ref AS subject, event_time AS seen_at, event_id,
  'its digest is ' || left(subject.artifact.digest, 19) || ', published is sha256:' || left(published, 12) AS reason
FROM said
WHERE published <> '' AND subject.artifact.digest IS NOT NULL AND subject.artifact.digest <> 'sha256:' || published
  AND coalesce(manifest_root, '') <> 'sha256:' || published
UNION ALL
SELECT scope, ref, event_time, event_id, 'the publisher''s signature is there and was not verified'
FROM said
WHERE publisher_signature IS NOT NULL AND source.verified = false
UNION ALL
SELECT artifact_scope(artifact), artifact_ref(artifact), event_time, event_id, 'the check ' || "check".name || ' failed'
FROM validation
WHERE outcome = 'fail' AND regexp_matches(lower("check".name), 'signature|checksum|digest|sigstore|cosign|gpg')
  AND artifact_scope(artifact) IN (SELECT scope FROM touched)
