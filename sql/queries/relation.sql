-- $1 schema, $2 table: OID and kind of the relation
SELECT c.oid::bigint AS oid, c.relkind::text AS relkind
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1::name AND c.relname = $2::name
