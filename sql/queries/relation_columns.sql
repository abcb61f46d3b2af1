-- $1 OID of a relation: its columns in order, each with the type whose binary form it takes
WITH RECURSIVE col AS (
    SELECT a.*, a.atttypid AS base_oid, a.atttypmod AS base_typmod
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
), base AS (
    SELECT col.attnum, col.base_oid, col.base_typmod FROM col
    UNION ALL
    SELECT base.attnum, t.typbasetype, CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE base.base_typmod END
    FROM base JOIN pg_catalog.pg_type t ON t.oid = base.base_oid
    WHERE t.typtype = 'd'
)
SELECT a.attname::text AS name,
       a.atttypid::bigint AS type_oid,
       a.atttypmod AS typmod,
       CASE WHEN t.typtype = 'e' OR t.typtype = 'b' AND e.extname = 'citext' AND t.typname = 'citext' THEN 25
            WHEN t.typtype = 'b' AND e.extname = 'postgis' AND t.typname = 'geometry' THEN 4294967295
            ELSE base.base_oid::bigint
       END AS base_oid,
       CASE WHEN t.typtype = 'e' OR e.extname IS NOT NULL THEN -1 ELSE base.base_typmod END AS base_typmod,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type_name,
       a.attnotnull AS not_null,
       a.atthasdef OR a.attidentity <> '' AS has_default,
       a.attgenerated <> '' AS generated,
       a.attidentity = 'a' AS identity_always
FROM col a
JOIN base USING (attnum)
JOIN pg_catalog.pg_type t ON t.oid = base.base_oid AND t.typtype <> 'd'
LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
    AND d.objid = t.oid AND d.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
ORDER BY a.attnum
