-- $1 schema, $2 table: the relation, its kind and whose it is
SELECT c.oid::bigint AS oid,
       c.relkind::text AS relkind,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
       c.relowner::bigint AS owner,
       n.nspowner::bigint AS schema_owner
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1::name AND c.relname = $2::name
