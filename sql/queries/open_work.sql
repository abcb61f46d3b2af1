-- $1 run: pieces of work that a worker could be doing now, those being done included
SELECT coalesce(sum(
         CASE WHEN u.status = 'pending' OR u.redrive THEN 1
              WHEN u.phase <> 'rows' THEN CASE s.open WHEN 0 THEN 1 ELSE s.due END
              WHEN u.planned THEN greatest(c.open, 1)
              ELSE c.open + 1
         END), 0)::bigint AS pieces
FROM tributary.unit u
CROSS JOIN LATERAL (
    SELECT count(*) AS open FROM tributary.chunk c
    WHERE c.unit_id = u.unit_id AND c.status <> 'completed') c
CROSS JOIN LATERAL (
    SELECT count(*) AS open,
           -- as in open_steps.sql: a foreign key waits for the table it refers to
           count(*) FILTER (WHERE s.kind = 'index' OR NOT EXISTS (
               SELECT FROM tributary.unit r
               WHERE r.job_id = u.job_id AND r.run_id = u.run_id AND r.unit = s.referenced_unit
                 AND (r.phase IS DISTINCT FROM 'foreign_keys' OR r.redrive)
                 AND (r.status IN ('pending', 'running', 'paused')
                      OR r.status = 'failed' AND r.next_retry_at IS NOT NULL))) AS due
    FROM tributary.step s
    WHERE s.unit_id = u.unit_id AND s.status <> 'completed'
      AND s.kind = CASE u.phase WHEN 'indexes' THEN 'index' ELSE 'foreign_key' END) s
WHERE u.run_id = $1 AND u.status IN ('pending', 'running')
