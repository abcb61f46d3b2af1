-- how far the runs under way have come
SELECT r.run_id, j.job, (t.copied + coalesce(s.rows, 0))::bigint AS rows_done,
       CASE WHEN t.estimated > 0 THEN least(99.9, round(100.0 * t.copied / t.estimated, 1)) END::float8 AS percent
FROM tributary.run r
JOIN tributary.job j USING (job_id)
LEFT JOIN tributary.stream s ON s.run_id = r.run_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(c.copied), 0) AS copied, coalesce(sum(u.rows_estimated), 0) AS estimated
    FROM tributary.unit u
    CROSS JOIN LATERAL (SELECT coalesce(sum(c.rows_done), 0) AS copied FROM tributary.chunk c WHERE c.unit_id = u.unit_id) c
    WHERE u.run_id = r.run_id) t
WHERE r.status = 'running'
