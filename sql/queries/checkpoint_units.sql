-- $1 checkpoint, $2 run: the cursor of each unit as it is now
INSERT INTO tributary.checkpoint_unit (checkpoint_id, unit, status, rows_done, cursor, plan_hash)
SELECT $1, u.unit, u.status, c.rows_done,
       coalesce(u.position, CASE WHEN u.phase = 'stream' THEN p.position END, c.cursor, u.frontier),
       pg_catalog.md5(u.plan::text)
FROM tributary.unit u
JOIN tributary.checkpoint p ON p.checkpoint_id = $1
CROSS JOIN LATERAL (
    SELECT coalesce(sum(c.rows_done), 0)::bigint AS rows_done,
           (array_agg(c.cursor ORDER BY c.number DESC) FILTER (WHERE c.cursor IS NOT NULL))[1] AS cursor
    FROM tributary.chunk c WHERE c.unit_id = u.unit_id) c
WHERE u.run_id = $2
