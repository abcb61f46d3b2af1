-- a row where another session holds or awaits the lock that DROP DATABASE takes on this database
SELECT 1 AS dropped
FROM pg_catalog.pg_locks l
WHERE l.locktype = 'object' AND l.classid = 'pg_catalog.pg_database'::regclass
  AND l.objid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_backend_pid()
LIMIT 1
