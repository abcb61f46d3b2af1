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
       parts.owners, parts.durable, parts.filters, parts.guards
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT pg_catalog.jsonb_agg(DISTINCT p.relowner::bigint) AS owners,
           pg_catalog.bool_and(p.relpersistence = 'p' AND p.relkind IN ('r', 'p')) AS durable,
           -- a row trigger BEFORE INSERT may return NULL, and so may one BEFORE UPDATE
           pg_catalog.bool_or(t.filters) AS filters,
           pg_catalog.bool_or(t.guards) AS guards
    FROM (SELECT c.oid UNION SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) t) AS part (oid)
    JOIN pg_catalog.pg_class p ON p.oid = part.oid
    CROSS JOIN LATERAL (
        SELECT coalesce(pg_catalog.bool_or(g.tgtype::integer & 7 = 7), false) AS filters,
               coalesce(pg_catalog.bool_or(g.tgtype::integer & 19 = 19), false) AS guards
        FROM pg_catalog.pg_trigger g
        WHERE g.tgrelid = p.oid AND g.tgenabled <> 'D') AS t) AS parts
WHERE n.nspname = $1::name AND c.relname = $2::name
