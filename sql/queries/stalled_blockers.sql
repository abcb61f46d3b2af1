-- workers that wait for their source while somebody has waited a second for a lock of theirs; and those that are slowed
-- within a transaction while a call of ours waits for a row of the catalog
SELECT DISTINCT blocker.pid::bigint AS pid
FROM pg_catalog.pg_locks waiting
CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(waiting.pid)) AS blocker (pid)
JOIN pg_catalog.pg_stat_activity a ON a.pid = blocker.pid
WHERE NOT waiting.granted
  AND waiting.waitstart < clock_timestamp() - interval '1 second'
  AND a.datname = current_database()
  AND a.backend_type = 'tributary worker'
  AND (a.wait_event_type = 'Extension'
       OR a.wait_event = 'PgSleep'
          AND EXISTS (SELECT FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_class c ON c.oid = l.relation
                      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                      WHERE l.pid = waiting.pid AND l.locktype = 'tuple' AND n.nspname = 'tributary'))
