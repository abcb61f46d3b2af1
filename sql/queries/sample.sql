-- counters of units at work, and of streams, as of this minute: of run $1, or where that is null of all under way
INSERT INTO tributary.sample (job_id, unit, at, rows_done, bytes_done, rows_rejected, lag_seconds)
SELECT u.job_id, u.unit, date_trunc('minute', clock_timestamp()), c.rows_done, c.bytes_done, c.rows_rejected, NULL
FROM tributary.unit u
JOIN tributary.run r USING (run_id)
CROSS JOIN LATERAL (
    SELECT coalesce(sum(c.rows_done), 0)::bigint AS rows_done, coalesce(sum(c.bytes_done), 0)::bigint AS bytes_done,
           coalesce(sum(c.rows_rejected), 0)::bigint AS rows_rejected
    FROM tributary.chunk c WHERE c.unit_id = u.unit_id) c
WHERE CASE WHEN $1::bigint IS NOT NULL THEN r.run_id = $1
           ELSE r.status = 'running' AND (u.status IN ('running', 'catching_up')
                OR u.finished_at > clock_timestamp() - interval '2 minutes') END
UNION ALL
SELECT s.job_id, '', date_trunc('minute', clock_timestamp()), s.rows, 0,
       (SELECT coalesce(sum(c.rows_rejected), 0)::bigint FROM tributary.unit u JOIN tributary.chunk c USING (unit_id)
        WHERE u.run_id = s.run_id AND c.number = 0),
       CASE WHEN (s.position -> 'server', s.position -> 'file', s.position -> 'offset')
               = (s.source_position -> 'server', s.source_position -> 'file', s.source_position -> 'offset')
             AND s.heartbeat_at > clock_timestamp() - interval '10 s' THEN 0
            ELSE greatest(0, extract(epoch FROM clock_timestamp() - greatest(coalesce(s.last_event_at, s.applied_at), s.in_step_at)))
       END
FROM tributary.stream s
JOIN tributary.run r USING (run_id)
WHERE CASE WHEN $1::bigint IS NOT NULL THEN r.run_id = $1 ELSE r.status = 'running' END AND s.position IS NOT NULL
ON CONFLICT (job_id, unit, at) DO UPDATE SET rows_done = excluded.rows_done, bytes_done = excluded.bytes_done,
    rows_rejected = excluded.rows_rejected, lag_seconds = excluded.lag_seconds
