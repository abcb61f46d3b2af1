-- The catalog's own schema. Everybody may look up its name, nobody but the extension writes it.
CREATE SCHEMA tributary;
COMMENT ON SCHEMA tributary IS 'catalog of pg_tributary; read it through the sync_* views';

-- A foreign-data wrapper without a handler: it names sources and keeps their secrets in user mappings.
CREATE FUNCTION tributary.fdw_validator(options text[], catalog oid) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'fdw_validator_wrapper';
COMMENT ON FUNCTION tributary.fdw_validator(text[], oid) IS 'checks the options of CREATE SERVER and CREATE USER MAPPING';

CREATE FOREIGN DATA WRAPPER tributary VALIDATOR tributary.fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER tributary IS 'sources of pg_tributary: CREATE SERVER … OPTIONS (url ''mysql://host:3306/database'')';
