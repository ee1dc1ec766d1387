-- id:      DP-023
-- uuid:    9a61c668-2177-5e08-822a-60b983a092e9
-- title:   Feedback-loop concentration
-- status:  stable
-- version: 1.0.0
-- severity: high
-- confidence: medium
-- atlas:   AML.T0020
-- owasp:   LLM04:2025, ML02:2023
-- reads:   feedback
-- clock:   commit
-- key:     channel
-- window:  1 day
-- params:  min_submissions BIGINT=50 -- submissions of the window, at least
--          max_top DOUBLE=0.25 -- share of the busiest submitter
--          max_top_few DOUBLE=0.5 -- share of the five busiest together, where there are many
--          max_new DOUBLE=0.4 -- share of new accounts
--          max_repeat DOUBLE=0.5 -- share of repeated submissions
--          max_throttled DOUBLE=0.2 -- throttled, as a share of the submissions
-- false:   a beta group; one large customer; a launch that brings new accounts
-- runbook: docs/runbooks/DP-023.md
-- why:     Few people, or accounts made for it, give most of the feedback a model will learn
--          from, or run into the rate limit: a coordinated flood.
WITH said AS (
  SELECT *, artifact_scope(artifact) AS scope,
    list_max(list_transform(top_submitters, lambda s: s.share)) AS top,
    list_sum(list_slice(list_reverse_sort(list_transform(top_submitters, lambda s: s.share)), 1, 5)) AS top_few
  FROM feedback
  WHERE submissions >= $min_submissions AND artifact_scope(artifact) IN (SELECT scope FROM touched)
), odd AS (
  SELECT scope, channel, event_time, event_id, round(100 * top) || ' % came from one submitter' AS what FROM said WHERE top > $max_top
  UNION ALL
  SELECT scope, channel, event_time, event_id, round(100 * top_few) || ' % came from the five busiest' FROM said
  WHERE top_few > $max_top_few AND coalesce(submitters, 100) > 10
  UNION ALL
  SELECT scope, channel, event_time, event_id, round(100 * new_account_share) || ' % came from new accounts' FROM said WHERE new_account_share > $max_new
  UNION ALL
  SELECT scope, channel, event_time, event_id, round(100 * repeat_share) || ' % repeat earlier ones' FROM said WHERE repeat_share > $max_repeat
  UNION ALL
  SELECT scope, channel, event_time, event_id, throttled || ' submissions were throttled' FROM said WHERE throttled > $max_throttled * submissions
)
SELECT scope, 'feedback_channel:' || channel AS subject, event_time AS seen_at, event_id, what AS reason FROM odd
