//! Runs of other roles' jobs are not to be learnt of, nor started, by whoever writes a table.

use crate::support::fixture::{Databases, LONG};
use crate::support::said::refused;
use crate::support::wait::wait_until;

#[test]
fn a_run_of_anothers_job_is_as_one_that_is_not_there() {
    let mut test = Databases::shared("runs_hidden");
    test.table("t", 10);
    let mut owner = test.role("runs_owner");
    let mut stranger = test.role("runs_stranger");
    owner.rows(
        "SELECT sync_create_job('failing', source => 'src', units => '{missing}'); \
         SELECT sync_create_job('fine', source => 'src'); SELECT sync_start('failing'), sync_start('fine')",
    );
    assert_eq!(test.end("failing"), "failed");
    test.finish("fine");
    let mut run = |job: &str| {
        test.pg
            .number(&format!("SELECT run_id FROM sync_jobs WHERE job = '{job}'"))
    };
    let (failed, completed) = (run("failing"), run("fine"));
    for run in [failed, completed, 1_000_000, 0, -1] {
        let error = stranger.error(&format!("SELECT sync_require_completed({run})"));
        assert_eq!(error.sqlstate, "42704", "{error:?}");
        assert_eq!(error.message, format!("run {run} does not exist"));
        assert!(
            error.detail.is_empty() && error.hint.is_empty(),
            "{error:?}"
        );
    }
    let error = owner.error(&format!("SELECT sync_require_completed({failed})"));
    assert_eq!(error.sqlstate, "55000", "{error:?}");
    assert_eq!(
        error.message,
        format!("run {failed} of job \"failing\" has failed")
    );
    assert!(error.detail.contains("\"missing\""), "{error:?}");
    assert!(!error.hint.is_empty(), "{error:?}");
    owner.rows(&format!("SELECT sync_require_completed({completed})"));
    owner.rows("SELECT sync_require_completed(NULL)");
    // One that has not ended has not completed.
    owner.rows("BEGIN; SELECT sync_start('fine'), sync_pause('fine'); COMMIT");
    refused(
        &mut owner,
        &[(
            "SELECT sync_require_completed(run_id) FROM sync_jobs WHERE job = 'fine'",
            "55000",
            "has not ended",
        )],
    );
}

#[test]
fn a_job_waits_for_those_whose_owners_rights_its_own_has() {
    let mut test = Databases::shared("runs_depend");
    let mut owner = test.role("runs_depend_owner");
    let mut other = test.role("runs_depend_other");
    owner.rows("SELECT sync_create_job('theirs', source => 'src')");
    other.rows(
        "SELECT sync_create_job('mine', source => 'src'), sync_create_job('base', source => 'src'); \
         SELECT sync_depends('mine', '{base}')",
    );
    let depends_on = "SELECT depends_on FROM sync_jobs WHERE job = 'mine'";
    let version = "SELECT version FROM sync_jobs WHERE job = 'mine'";
    let before = [other.text(depends_on), other.text(version)];
    assert_eq!(before, ["{base}", "2"]);
    for statement in [
        "SELECT sync_depends('mine', '{theirs}')",
        "SELECT sync_depends('mine', '{base,theirs}')",
        "SELECT sync_import_job('{\"job\": \"mine\", \"source\": \"src\", \"depends_on\": [\"theirs\"]}')",
        "SELECT sync_import_job('{\"job\": \"new\", \"source\": \"src\", \"depends_on\": [\"base\", \"theirs\"]}')",
    ] {
        refused(
            &mut other,
            &[(statement, "42501", "must be owner of job \"theirs\"")],
        );
        assert_eq!([other.text(depends_on), other.text(version)], before);
    }
    let jobs = "SELECT string_agg(job, ',' ORDER BY job) FROM sync_jobs";
    assert_eq!(test.pg.text(jobs), "base,mine,theirs");
    test.pg.rows("GRANT runs_depend_owner TO runs_depend_other");
    other.rows("SELECT sync_depends('mine', '{base,theirs}')");
    assert_eq!(other.text(depends_on), "{base,theirs}");
}

#[test]
fn a_trigger_starts_a_job_with_the_rights_of_the_writer() {
    let mut test = Databases::shared("runs_trigger");
    test.table("t", 10);
    let mut owner = test.role("runs_trigger_owner");
    let mut writer = test.role("runs_trigger_writer");
    owner.rows(
        "SELECT sync_create_job('j', source => 'src'); CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO runs_trigger_writer; \
         CREATE TABLE app.arrived (id int); CREATE TABLE app.unknown (id int); CREATE TABLE app.lent (id int); \
         GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA app TO runs_trigger_writer; \
         CREATE TRIGGER a AFTER INSERT ON app.arrived FOR EACH STATEMENT EXECUTE FUNCTION sync_start_trigger('j'); \
         CREATE TRIGGER a AFTER INSERT ON app.unknown FOR EACH ROW EXECUTE FUNCTION sync_start_trigger('j', 'none')",
    );
    refused(
        &mut writer,
        &[
            (
                "INSERT INTO app.arrived VALUES (1)",
                "42501",
                "must be owner of job \"j\"",
            ),
            (
                "INSERT INTO app.unknown VALUES (1)",
                "42501",
                "must be owner of job \"j\"",
            ),
        ],
    );
    // The first of its two jobs is not started either.
    refused(
        &mut owner,
        &[(
            "INSERT INTO app.unknown VALUES (1)",
            "42704",
            "job \"none\" does not exist",
        )],
    );
    let rows = "SELECT (SELECT count(*) FROM app.arrived) + (SELECT count(*) FROM app.unknown)";
    assert_eq!(owner.number(rows), 0);
    assert_eq!(test.pg.number("SELECT count(*) FROM tributary.run"), 0);

    owner.rows("INSERT INTO app.arrived VALUES (1)");
    test.finish("j");
    // What the owner lends, as docs/reference.md shows it.
    owner.rows(
        "CREATE FUNCTION app.start_j() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp \
             AS $$ BEGIN PERFORM public.sync_start('j', 'event'); RETURN NULL; END $$; \
         CREATE TRIGGER a AFTER INSERT ON app.lent FOR EACH STATEMENT EXECUTE FUNCTION app.start_j()",
    );
    writer.rows("INSERT INTO app.lent VALUES (1)");
    wait_until("the job has run again", LONG, || {
        test.pg.text(
            "SELECT string_agg(trigger || ' ' || status, ', ' ORDER BY run_id) FROM sync_runs",
        ) == "event completed, event completed"
    });
}
