-- $1 run: pieces of work that a worker could be doing now, those being done included; open_steps.sql has the indexes
-- and foreign keys
SELECT coalesce(sum(
         CASE WHEN u.status = 'pending' OR u.redrive THEN 1
              WHEN u.phase <> 'rows' THEN CASE WHEN s.open THEN 0 ELSE 1 END
              WHEN u.planned THEN greatest(c.open, 1)
              ELSE c.open + 1
         END), 0)::bigint AS pieces
FROM tributary.unit u
CROSS JOIN LATERAL (
    SELECT count(*) AS open FROM tributary.chunk c
    WHERE c.unit_id = u.unit_id AND c.status <> 'completed') c
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM tributary.step s
        WHERE s.unit_id = u.unit_id AND s.status <> 'completed'
          AND s.kind = CASE u.phase WHEN 'indexes' THEN 'index' ELSE 'foreign_key' END) AS open) s
WHERE u.run_id = $1 AND u.status IN ('pending', 'running')
