-- $1 table, $2 names of its indexes and constraints, $3 of its columns, that a job has made, as JSON arrays:
-- what it carries besides, and a table in its place would not
SELECT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) AS what
FROM pg_catalog.pg_class t
JOIN pg_catalog.pg_type y ON y.oid = t.reltype
JOIN pg_catalog.pg_depend d
  ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = t.oid
  OR d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid IN (y.oid, y.typarray)
LEFT JOIN pg_catalog.pg_class c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid
LEFT JOIN pg_catalog.pg_constraint o ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND o.oid = d.objid
WHERE t.oid = $1::oid
  AND d.deptype IN ('n', 'a', 'i')
  AND NOT (d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid IN (y.oid, y.typarray))
  AND d.classid <> 'pg_catalog.pg_attrdef'::pg_catalog.regclass
  -- a generated column, on others
  AND NOT (d.classid = d.refclassid AND d.objid = d.refobjid)
  AND NOT coalesce(c.relkind = 't' OR c.relkind = 'S' AND d.deptype IN ('a', 'i') AND c.relacl IS NULL, false)
  AND NOT coalesce(c.relkind = 'i' AND $2::jsonb ? c.relname::text, false)
  AND NOT coalesce(o.conrelid = t.oid AND (o.contype IN ('p', 'n') OR $2::jsonb ? o.conname::text), false)
UNION ALL
SELECT 'column ' || pg_catalog.quote_ident(a.attname)
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped AND NOT $3::jsonb ? a.attname::text
UNION ALL
SELECT 'privileges on column ' || pg_catalog.quote_ident(a.attname)
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attacl IS NOT NULL
UNION ALL
SELECT 'inheritance'
FROM pg_catalog.pg_inherits i
WHERE $1::oid IN (i.inhrelid, i.inhparent)
UNION ALL
SELECT v.what
FROM pg_catalog.pg_class t
CROSS JOIN LATERAL (VALUES
    (t.relowner <> pg_catalog.quote_ident(current_user)::pg_catalog.regrole, 'another owner'),
    (EXISTS (SELECT FROM pg_catalog.pg_seclabel l
             WHERE l.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND l.objoid = t.oid), 'security labels'),
    (NOT pg_catalog.has_schema_privilege(t.relnamespace, 'CREATE'), 'the right to create in its schema'),
    (t.reloptions IS NOT NULL, 'storage parameters'),
    (t.reltablespace <> 0, 'its tablespace'),
    (t.relreplident <> 'd', 'its replica identity'),
    (t.relrowsecurity, 'row security'),
    (t.relkind <> 'r', 'its partitions')) AS v (is_so, what)
WHERE t.oid = $1::oid AND v.is_so
UNION ALL
SELECT 'the right to create a schema in this database, which the job''s owner lacks'
WHERE NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
