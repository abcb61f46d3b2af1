//! An older version is brought up to date by ALTER EXTENSION UPDATE: it becomes what a new installation is,
//! and its jobs go on.

use crate::support::fixture::{Databases, shared};
use crate::support::mariadb;
use crate::support::postgres_client::PostgresClient;

const FROM: &str = "0.1.0";

/// What the extension consists of, in an order of its own: tables with their columns, constraints and
/// indexes, views, functions, triggers, comments and rights.
const STRUCTURE: &str = "
WITH member AS (
    SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'pg_tributary'
), relation AS (
    SELECT c.* FROM pg_class c JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
), line (line) AS (
    SELECT format('column %s.%s %s %s %s %s', c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                  coalesce(pg_get_expr(d.adbin, d.adrelid), a.attidentity::text), col_description(c.oid, a.attnum))
    FROM relation c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'v')
    UNION ALL SELECT format('relation %s %s %s %s %s %s', c.oid::regclass, c.relkind, c.reloptions, c.relacl, obj_description(c.oid, 'pg_class'),
                  CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END) FROM relation c
    UNION ALL SELECT format('constraint %s %s %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k JOIN relation c ON c.oid = k.conrelid
    UNION ALL SELECT format('index %s', pg_get_indexdef(i.indexrelid)) FROM pg_index i JOIN relation c ON c.oid = i.indrelid
    UNION ALL SELECT format('trigger %s %s %s', pg_get_triggerdef(t.oid), t.tgenabled, obj_description(t.oid, 'pg_trigger'))
    FROM pg_trigger t JOIN relation c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal
    UNION ALL SELECT format('function %s %s %s', CASE WHEN p.prolang = 13 THEN p.oid::regprocedure::text || p.prosrc || p.provolatile::text || p.proisstrict::text || p.proparallel::text
                  || coalesce(pg_get_function_arguments(p.oid), '') || pg_get_function_result(p.oid) ELSE pg_get_functiondef(p.oid) END, p.proacl, obj_description(p.oid, 'pg_proc'))
    FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
    UNION ALL SELECT format('dumped %s', c.config::regclass) FROM (SELECT unnest(extconfig) AS config FROM pg_extension WHERE extname = 'pg_tributary') c
)
SELECT line FROM line ORDER BY line COLLATE \"C\"";

fn structure(pg: &mut PostgresClient) -> Vec<String> {
    pg.rows(STRUCTURE)
        .into_iter()
        .map(|row| row[0].clone().unwrap_or_default())
        .collect()
}

#[test]
fn an_updated_extension_is_as_a_new_one_and_its_jobs_go_on() {
    let mut new = Databases::shared("upgrade_new");
    let mut old = Databases::shared("upgrade_old");
    old.table("t", 1000);
    old.pg.rows(&format!(
        "DROP EXTENSION pg_tributary CASCADE; CREATE EXTENSION pg_tributary VERSION '{FROM}'"
    ));
    let url = mariadb::url(shared().mariadb.port, "upgrade_old");
    old.pg
        .rows(&format!("SELECT sync_create_source('src', '{url}')"));
    // As the older version has left them.
    old.pg.rows(
        "INSERT INTO tributary.job (job, owner, source, units, target_schema, mode, options) \
         VALUES ('j', 'postgres', 'src', '{t}', 'j', 'full', '{\"workers\": 1}'), ('k', 'postgres', 'src', '{*}', 'k', 'full', '{}'), \
                ('r', 'postgres', 'src', '{*}', 'r', 'full', '{}'); \
         INSERT INTO tributary.unit_setting VALUES (1, 't', '{\"priority\": \"high\"}'); \
         INSERT INTO tributary.run (job_id, status, expanded, started_at, finished_at) VALUES (2, 'completed', true, now(), now()), \
                (3, 'running', true, now(), NULL); \
         INSERT INTO tributary.unit (job_id, run_id, unit, target_schema, target_table) VALUES (3, 2, 't', 'r', 't')",
    );
    old.pg.rows("ALTER EXTENSION pg_tributary UPDATE");
    let (new, updated) = (structure(&mut new.pg), structure(&mut old.pg));
    let lacking: Vec<_> = new.iter().filter(|line| !updated.contains(line)).collect();
    let left: Vec<_> = updated.iter().filter(|line| !new.contains(line)).collect();
    assert!(
        lacking.is_empty() && left.is_empty(),
        "lacking: {lacking:#?}\nleft: {left:#?}"
    );
    assert!(new.len() > 500, "{} lines", new.len());
    let versions = "SELECT string_agg(job || ' ' || version || ' ' || change, ', ' ORDER BY job) FROM sync_job_versions";
    assert_eq!(
        old.pg.text(versions),
        "j 1 ALTER EXTENSION UPDATE, k 1 ALTER EXTENSION UPDATE, r 1 ALTER EXTENSION UPDATE"
    );
    let definition = "SELECT definition -> 'unit_options' FROM sync_job_versions WHERE job = 'j'";
    assert_eq!(old.pg.text(definition), r#"{"t": {"priority": "high"}}"#);
    old.run("j");
    old.assert_equal("j");
    // A run that was under way goes on.
    old.finish("r");
    old.assert_equal("r");
    old.pg
        .rows("SELECT sync_alter_job('j', '{\"workers\": 2}')");
    assert_eq!(
        old.pg.text("SELECT version FROM sync_jobs WHERE job = 'j'"),
        "2"
    );
}
