-- $1 OID: the relation, its kind and whose it is
SELECT c.oid::bigint AS oid,
       c.relkind::text AS relkind,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       c.relowner::bigint AS owner,
       -- pg_database_owner stands for the database's owner
       CASE WHEN n.nspowner = 'pg_database_owner'::pg_catalog.regrole
            THEN (SELECT d.datdba FROM pg_catalog.pg_database d WHERE d.datname = current_database())
            ELSE n.nspowner
       END::bigint AS schema_owner,
       c.relpersistence = 'p' AS durable
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = $1::oid
