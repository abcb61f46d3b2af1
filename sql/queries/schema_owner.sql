-- $1 schema: whose it is; pg_database_owner stands for the database's owner
SELECT CASE WHEN n.nspowner = 'pg_database_owner'::pg_catalog.regrole
            THEN (SELECT d.datdba FROM pg_catalog.pg_database d WHERE d.datname = current_database())
            ELSE n.nspowner
       END::bigint AS owner
FROM pg_catalog.pg_namespace n
WHERE n.nspname = $1::name
