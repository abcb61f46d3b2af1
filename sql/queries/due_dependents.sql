-- jobs all of whose dependencies have completed since their own last run began; a run under way comes first
SELECT j.job_id
FROM tributary.job j
LEFT JOIN LATERAL (
    SELECT r.scheduled_at, r.status FROM tributary.run r
    WHERE r.job_id = j.job_id ORDER BY r.run_id DESC LIMIT 1) l ON true
WHERE j.enabled
  AND coalesce(l.status NOT IN ('scheduled', 'initializing', 'running', 'paused'), true)
  AND EXISTS (SELECT FROM tributary.dependency d WHERE d.job_id = j.job_id)
  AND NOT EXISTS (
    SELECT FROM tributary.dependency d
    WHERE d.job_id = j.job_id AND NOT EXISTS (
        SELECT FROM tributary.run r
        WHERE r.job_id = d.on_job_id AND r.status = 'completed'
          AND r.finished_at > greatest(d.created_at, l.scheduled_at)))
ORDER BY j.job_id
