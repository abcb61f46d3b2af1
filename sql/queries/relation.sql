-- $1 schema, $2 table: the relation, its kind and whose it is
SELECT c.oid::bigint AS oid,
       c.relkind::text AS relkind,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       c.relowner::bigint AS owner,
       -- pg_database_owner stands for the database's owner
       CASE WHEN n.nspowner = 'pg_database_owner'::pg_catalog.regrole
            THEN (SELECT d.datdba FROM pg_catalog.pg_database d WHERE d.datname = current_database())
            ELSE n.nspowner
       END::bigint AS schema_owner,
       (SELECT pg_catalog.jsonb_agg(DISTINCT p.relowner::bigint)
        FROM (SELECT c.oid UNION SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t) AS parts (oid)
        JOIN pg_catalog.pg_class p ON p.oid = parts.oid) AS owners,
       NOT EXISTS (
           SELECT FROM (SELECT c.oid UNION SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t) AS parts (oid)
           JOIN pg_catalog.pg_class p ON p.oid = parts.oid
           WHERE p.relpersistence <> 'p' OR p.relkind NOT IN ('r', 'p')) AS durable,
       -- a row trigger BEFORE INSERT may return NULL
       EXISTS (
           SELECT FROM (SELECT c.oid UNION SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t) AS parts (oid)
           JOIN pg_catalog.pg_trigger g ON g.tgrelid = parts.oid
           WHERE g.tgenabled <> 'D' AND g.tgtype::integer & 7 = 7) AS filters,
       -- and so may one BEFORE UPDATE
       EXISTS (
           SELECT FROM (SELECT c.oid UNION SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t) AS parts (oid)
           JOIN pg_catalog.pg_trigger g ON g.tgrelid = parts.oid
           WHERE g.tgenabled <> 'D' AND g.tgtype::integer & 19 = 19) AS guards
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1::name AND c.relname = $2::name
