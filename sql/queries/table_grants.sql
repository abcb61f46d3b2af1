-- $1 table, $2 another in its place, $3 the name of that: the statements that give it the privileges of the table, and
-- take away those that default privileges have given it
WITH granted AS (
    SELECT t.oid, p.privilege_type, p.is_grantable,
           CASE p.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(r.rolname) END AS grantee
    FROM pg_catalog.pg_class t
    CROSS JOIN LATERAL pg_catalog.aclexplode(t.relacl) p
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = p.grantee
    WHERE t.oid IN ($1::oid, $2::oid) AND p.grantee <> t.relowner AND (p.grantee = 0 OR r.oid IS NOT NULL)
)
SELECT s.sql
FROM (
    SELECT DISTINCT 1 AS step, pg_catalog.format('REVOKE ALL ON TABLE %s FROM %s CASCADE', $3::text, g.grantee) AS sql
    FROM granted g WHERE g.oid = $2::oid
    UNION ALL
    SELECT 2, pg_catalog.format('GRANT %s ON TABLE %s TO %s%s', g.privilege_type, $3::text, g.grantee,
                                CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM granted g WHERE g.oid = $1::oid) AS s
ORDER BY s.step, s.sql
