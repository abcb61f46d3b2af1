-- $1 run: pieces of work that a worker could be doing now, those being done included
SELECT coalesce(sum(
         CASE WHEN u.status = 'pending' THEN 1
              WHEN u.planned THEN greatest(c.open, 1)
              ELSE c.open + 1
         END), 0)::bigint AS pieces
FROM tributary.unit u
CROSS JOIN LATERAL (
    SELECT count(*) AS open FROM tributary.chunk c
    WHERE c.unit_id = u.unit_id AND c.status <> 'completed') c
WHERE u.run_id = $1 AND u.status IN ('pending', 'running')
