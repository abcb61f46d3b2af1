//! A superuser's job writes where only superusers could have put code, and nowhere else.

use crate::support::fixture::{Databases, LONG};
use crate::support::wait::wait_until;

/// What a table of the role `app` would do with a superuser's rights.
const TRAP: &str = "CREATE SCHEMA j AUTHORIZATION superuser_app; \
     SET ROLE superuser_app; \
     CREATE TABLE j.t (id int PRIMARY KEY, label varchar(200), amount numeric(12,2), at timestamp(3)); \
     CREATE TABLE j.seen (who name); \
     CREATE FUNCTION j.note() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN INSERT INTO j.seen VALUES (current_user); RETURN NEW; END $$; \
     CREATE TRIGGER note BEFORE INSERT ON j.t FOR EACH ROW EXECUTE FUNCTION j.note(); \
     RESET ROLE";

#[test]
fn a_superusers_job_runs_no_code_of_others() {
    let mut test = Databases::shared("superuser_trap");
    test.table("t", 50);
    test.pg.rows("CREATE ROLE superuser_app");
    test.pg.rows(TRAP);
    test.job("j", "{}");
    test.start("j");
    wait_until("the run fails", LONG, || test.status("j") == "failed");
    let error = test
        .pg
        .text("SELECT error FROM sync_units WHERE unit = 't'");
    assert!(
        error.contains("belongs to role \"superuser_app\""),
        "{error}"
    );
    assert_eq!(test.pg.number("SELECT count(*) FROM j.seen"), 0);
    assert_eq!(test.pg.number("SELECT count(*) FROM j.t"), 0);
}

#[test]
fn a_superusers_job_fills_the_public_schema_and_loads_it_again() {
    let mut test = Databases::shared("superuser_public");
    test.table("t", 50);
    test.pg
        .rows("SELECT sync_create_job('j', source => 'src', target_schema => 'public')");
    test.run("j");
    test.assert_equal("j");
    test.my.run(&["DELETE FROM t WHERE id < 10"]);
    test.run("j");
    test.assert_equal("j");
}
