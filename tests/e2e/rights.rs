//! A job has its owner's rights and nobody else's, and secrets stay in the user mapping.

use crate::support::fixture::{Databases, LONG, shared};
use crate::support::wait::wait_until;
use std::fs;

#[test]
fn a_role_without_usage_on_the_source_makes_no_job() {
    let mut test = Databases::shared("rights_usage");
    test.table("t", 10);
    test.pg.rows("CREATE ROLE rights_usage_role LOGIN");
    let mut pg = shared()
        .postgres
        .connect_as("rights_usage_role", &test.name);
    let error = pg.error("SELECT sync_create_job('j', source => 'src')");
    assert_eq!(error.sqlstate, "42501", "{error:?}");
    assert!(
        error
            .message
            .contains("permission denied for foreign server src"),
        "{error:?}"
    );
    let error = pg.error("SELECT sync_create_source('mine', 'mysql://a:b@127.0.0.1:1/c')");
    assert_eq!(error.sqlstate, "42501", "{error:?}");
}

#[test]
fn a_job_ends_when_usage_is_revoked() {
    let mut test = Databases::shared("rights_revoked");
    test.table("t", 10);
    let mut pg = test.role("rights_revoked_role");
    pg.rows("SELECT sync_create_job('j', source => 'src')");
    test.pg
        .rows("REVOKE USAGE ON FOREIGN SERVER src FROM rights_revoked_role");
    // At once, or as the run's error.
    match pg.query("SELECT sync_start('j')") {
        Err(error) => assert_eq!(error.sqlstate, "42501", "{error:?}"),
        Ok(_) => {
            wait_until("the run fails", LONG, || {
                pg.text("SELECT status FROM sync_jobs") == "failed"
            });
            assert!(
                pg.text("SELECT error FROM sync_jobs")
                    .contains("permission denied")
            );
        }
    }
    assert_eq!(pg.text("SELECT to_regclass('j.t')"), "");
}

#[test]
fn a_role_without_insert_on_the_target_fails_that_unit() {
    let mut test = Databases::shared("rights_insert");
    test.table("t", 10);
    test.table("u", 10);
    let mut pg = test.role("rights_insert_role");
    test.pg.rows(
        "CREATE SCHEMA j; GRANT USAGE, CREATE ON SCHEMA j TO rights_insert_role; \
         CREATE TABLE j.t (id int PRIMARY KEY, label varchar(200), amount numeric(12,2), at timestamp(3)); \
         GRANT SELECT ON j.t TO rights_insert_role",
    );
    pg.rows("SELECT sync_create_job('j', source => 'src'); SELECT sync_start('j')");
    wait_until("the run ends", LONG, || {
        pg.text("SELECT status FROM sync_jobs") == "failed"
    });
    let error = pg.text("SELECT error FROM sync_units WHERE unit = 't'");
    assert!(error.contains("permission denied for table"), "{error}");
    assert_eq!(test.unit_status("j", "u"), "completed");
    test.pg.rows("GRANT INSERT ON j.t TO rights_insert_role");
    pg.rows("SELECT sync_retry('j', 't')");
    test.finish("j");
    test.assert_equal("j");
}

#[test]
fn only_members_of_the_owner_touch_a_job() {
    let mut test = Databases::shared("rights_member");
    test.table("t", 10);
    let mut owner = test.role("rights_owner");
    let mut stranger = test.role("rights_stranger");
    let mut member = test.role("rights_member_role");
    test.pg.rows("GRANT rights_owner TO rights_member_role");
    owner.rows("SELECT sync_create_job('j', source => 'src')");
    for call in [
        "sync_start('j')",
        "sync_pause('j')",
        "sync_resume('j')",
        "sync_cancel('j')",
        "sync_retry('j')",
        "sync_retry('j', 't')",
        "sync_wait('j')",
        "sync_wait_for('j')",
        "sync_resync('j')",
        "sync_resync('j', 't')",
        "sync_alter_job('j', '{}')",
        "sync_alter_unit('j', 't', '{}')",
        "sync_drop_job('j')",
    ] {
        let error = stranger.error(&format!("SELECT {call}"));
        assert_eq!(error.sqlstate, "42501", "{call}: {error:?}");
    }
    for call in [
        "SELECT * FROM sync_check('j')",
        "SELECT * FROM sync_plan('j')",
        "CALL sync_run('j')",
    ] {
        let error = stranger.error(call);
        assert_eq!(error.sqlstate, "42501", "{call}: {error:?}");
    }
    for view in [
        "sync_jobs",
        "sync_units",
        "sync_chunks",
        "sync_runs",
        "sync_events",
    ] {
        assert!(
            stranger.rows(&format!("SELECT * FROM {view}")).is_empty(),
            "{view} shows another's job"
        );
    }
    for table in ["job", "unit", "chunk", "run", "event", "unit_setting"] {
        for statement in [
            format!("SELECT * FROM tributary.{table}"),
            format!("DELETE FROM tributary.{table}"),
        ] {
            let error = owner.error(&statement);
            assert_eq!(error.sqlstate, "42501", "{statement}: {error:?}");
        }
    }
    member.rows("SELECT sync_start('j')");
    test.finish("j");
    assert_eq!(member.rows("SELECT * FROM sync_units").len(), 1);
    let table_owner = test
        .pg
        .text("SELECT relowner::regrole FROM pg_class WHERE oid = 'j.t'::regclass");
    assert_eq!(table_owner, "rights_owner");
    test.assert_equal("j");
}

#[test]
fn code_on_a_target_runs_as_the_owner() {
    let mut test = Databases::shared("rights_trigger");
    test.table("t", 50);
    let mut owner = test.role("rights_trigger_role");
    // The table is the role's own: what it hangs on it must gain it nothing.
    owner.rows(
        "CREATE SCHEMA j; \
         CREATE TABLE j.seen (place text, who name, session name, super boolean); \
         CREATE FUNCTION j.note(place text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO j.seen VALUES (place, current_user, session_user, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)); \
             RETURN true; END $$; \
         CREATE FUNCTION j.on_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM j.note(TG_NAME); RETURN NEW; END $$; \
         CREATE TABLE j.t (id int PRIMARY KEY, label varchar(200) CHECK (j.note('check')), amount numeric(12,2), at timestamp(3), \
             extra boolean DEFAULT j.note('default')); \
         CREATE TRIGGER before_row BEFORE INSERT ON j.t FOR EACH ROW EXECUTE FUNCTION j.on_row(); \
         CREATE CONSTRAINT TRIGGER deferred_row AFTER INSERT ON j.t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION j.on_row()",
    );
    owner.rows("SELECT sync_create_job('j', source => 'src'); SELECT sync_start('j')");
    test.finish("j");
    assert_eq!(test.pg.number("SELECT count(*) FROM j.t"), 50);
    let places = test
        .pg
        .text("SELECT string_agg(DISTINCT place, ',' ORDER BY place) FROM j.seen");
    assert_eq!(places, "before_row,check,default,deferred_row");
    let others = test.pg.rows(
        "SELECT DISTINCT place, who, session FROM j.seen WHERE super OR who <> 'rights_trigger_role' OR session <> 'rights_trigger_role'",
    );
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn a_reload_of_a_hostile_table_gains_nothing() {
    let mut test = Databases::shared("rights_hostile");
    test.table("t", 50);
    let mut owner = test.role("rights_hostile_role");
    owner.rows("SELECT sync_create_job('j', source => 'src'); SELECT sync_start('j')");
    test.finish("j");
    owner.rows(
        "CREATE FUNCTION j.grab() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             ALTER ROLE rights_hostile_role SUPERUSER; RETURN NULL; \
             EXCEPTION WHEN insufficient_privilege THEN RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER grab AFTER INSERT OR UPDATE OR DELETE ON j.t DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION j.grab()",
    );
    test.my.run(&[
        "UPDATE t SET label = 'changed'",
        "DELETE FROM t WHERE id < 10",
    ]);
    test.run("j");
    test.assert_equal("j");
    assert_eq!(
        test.pg
            .text("SELECT rolsuper FROM pg_roles WHERE rolname = 'rights_hostile_role'"),
        "f"
    );
}

#[test]
fn a_secret_is_shown_nowhere() {
    let mut test = Databases::shared("rights_secret");
    test.table("t", 10);
    let mut pg = test.role("rights_secret_role");
    test.my.run(&[
        "CREATE USER marked@'%' IDENTIFIED BY 'marker-7f3a'",
        "GRANT SELECT ON rights_secret.* TO marked@'%'",
    ]);
    let port = shared().mariadb.port;
    for (source, secret) in [("good", "marker-7f3a"), ("bad", "marker-7f3a-wrong")] {
        test.pg.rows(&format!(
            "SELECT sync_create_source('{source}', 'mysql://marked:{secret}@127.0.0.1:{port}/rights_secret'); \
             SELECT sync_create_job('{source}_job', source => '{source}', options => '{{\"max_attempts\": 1}}'); \
             SELECT sync_start('{source}_job')"
        ));
    }
    test.finish("good_job");
    wait_until("the wrong password is refused", LONG, || {
        test.status("bad_job") == "failed"
    });
    let mut shown = String::new();
    for notice in test.pg.take_notices() {
        shown += &format!("{notice:?}\n");
    }
    for sql in [
        "sync_jobs",
        "sync_units",
        "sync_chunks",
        "sync_runs",
        "sync_events",
        "sync_check('bad_job')",
        "tributary.job",
        "tributary.unit",
        "tributary.run",
        "tributary.event",
        "pg_foreign_server",
        "(SELECT backend_type, application_name, query FROM pg_stat_activity WHERE pid <> pg_backend_pid())",
    ] {
        for row in test
            .pg
            .rows(&format!("SELECT to_jsonb(x)::text FROM {sql} x"))
        {
            shown += &format!("{row:?}\n");
        }
    }
    // A role that is neither the mapping's nor a superuser sees no options of it.
    for row in pg.rows("SELECT to_jsonb(x)::text FROM pg_user_mappings x") {
        shown += &format!("{row:?}\n");
    }
    shown += &fs::read_to_string(shared().postgres.log_path()).expect("the server's log");
    let line = shown.lines().find(|line| line.contains("marker-7f3a"));
    assert_eq!(line, None);
    let error = pg.error("SELECT sync_create_source('x', 'mysql://marked:marker-7f3a@host')");
    assert!(!format!("{error:?}").contains("marker-7f3a"), "{error:?}");
}
