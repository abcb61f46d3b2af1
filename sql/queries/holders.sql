-- who holds which claim in this database
SELECT l.objsubid::bigint AS kind,
       (l.classid::bigint << 32) | l.objid::bigint AS id,
       l.pid::bigint AS pid
FROM pg_catalog.pg_locks l
WHERE l.locktype = 'advisory' AND l.granted
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  AND l.objsubid BETWEEN 21505 AND 21512
