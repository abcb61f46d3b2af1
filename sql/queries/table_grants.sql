-- $1 table, $2 the name of another: the statements that grant on that what is granted on the table
SELECT pg_catalog.format('GRANT %s ON TABLE %s TO %s%s', p.privilege_type, $2::text,
                         CASE p.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(r.rolname) END,
                         CASE WHEN p.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS sql
FROM pg_catalog.pg_class t
CROSS JOIN LATERAL pg_catalog.aclexplode(t.relacl) p
LEFT JOIN pg_catalog.pg_roles r ON r.oid = p.grantee
WHERE t.oid = $1::oid AND p.grantee <> t.relowner AND (p.grantee = 0 OR r.oid IS NOT NULL)
ORDER BY p.is_grantable DESC, 1
