//! What another role has put where a table is to be made is not taken for our own: its owner could
//! give it code that would run as the job's owner, or drop it together with the columns that have it.

use crate::support::fixture::{Databases, LONG};
use crate::support::wait::wait_until;

/// A schema `j` of a superuser in which the test's role `name` may create, and a record of whose code ran.
fn prepared(name: &str, table: &str) -> Databases {
    let mut test = Databases::shared(name);
    test.my
        .run(&[table, "INSERT INTO t VALUES (1, 'a'), (2, 'b')"]);
    test.pg.rows(&format!(
        "CREATE ROLE {name}; CREATE SCHEMA j; GRANT USAGE, CREATE ON SCHEMA j TO {name}; GRANT CREATE ON DATABASE {name} TO {name}; \
         CREATE TABLE public.seen (who text); GRANT INSERT ON public.seen TO PUBLIC; SET ROLE {name}"
    ));
    test
}

#[track_caller]
fn refused(test: &mut Databases, options: &str) {
    test.pg.rows("RESET ROLE");
    test.job("j", options);
    test.start("j");
    wait_until("the unit fails", LONG, || {
        test.unit_status("j", "t") == "failed"
    });
    let error = test
        .pg
        .text("SELECT error FROM sync_units WHERE unit = 't'");
    assert!(error.contains("already exists"), "{error}");
    assert_eq!(test.pg.number("SELECT count(*) FROM public.seen"), 0);
}

#[test]
fn an_enum_type_of_another_role_is_not_taken() {
    let mut test = prepared(
        "foreign_enum",
        "CREATE TABLE t (id int PRIMARY KEY, state enum('a', 'b'))",
    );
    test.pg.rows(
        "CREATE TYPE j.t_state AS ENUM ('a', 'b'); \
         CREATE FUNCTION j.pwn(j.t_state) RETURNS text LANGUAGE plpgsql AS $$ BEGIN \
           INSERT INTO public.seen VALUES (current_user); RETURN 'a'; END $$; \
         CREATE CAST (j.t_state AS text) WITH FUNCTION j.pwn(j.t_state)",
    );
    refused(&mut test, r#"{"enums": "type"}"#);
}

#[test]
fn a_collation_of_another_role_is_not_taken() {
    let mut test = prepared(
        "foreign_collation",
        "CREATE TABLE t (id int PRIMARY KEY, n varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, UNIQUE (n))",
    );
    test.pg
        .rows("CREATE COLLATION j.mysql_ai_ci (provider = icu, locale = 'und-u-ks-level1')");
    refused(&mut test, r#"{"case_insensitive": "icu"}"#);
}

#[test]
fn a_domain_that_passes_for_citext_is_not_taken() {
    let mut test = prepared(
        "foreign_citext",
        "CREATE TABLE t (id int PRIMARY KEY, n varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci)",
    );
    test.pg.rows(
        "CREATE SCHEMA aaa; CREATE FUNCTION aaa.f(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN \
           INSERT INTO public.seen VALUES (current_user); RETURN true; END $$; \
         CREATE DOMAIN aaa.citext AS text CHECK (aaa.f(VALUE)); \
         CREATE SCHEMA genuine; CREATE EXTENSION citext SCHEMA genuine; ALTER EXTENSION citext ADD DOMAIN aaa.citext; RESET ROLE",
    );
    test.job("j", r#"{"case_insensitive": "citext"}"#);
    test.run("j");
    let found = "SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = 'j.t'::regclass AND attname = 'n'";
    assert_eq!(test.pg.text(found), "genuine.citext");
    assert_eq!(test.pg.number("SELECT count(*) FROM public.seen"), 0);
}

#[test]
fn a_superuser_makes_nothing_in_the_schema_of_another_role() {
    let mut test = prepared(
        "foreign_schema",
        "CREATE TABLE t (id int PRIMARY KEY, state varchar(9))",
    );
    test.pg
        .rows("RESET ROLE; ALTER SCHEMA j OWNER TO foreign_schema");
    test.job("j", "{}");
    test.start("j");
    wait_until("the unit fails", LONG, || {
        test.unit_status("j", "t") == "failed"
    });
    assert_eq!(
        test.pg
            .number("SELECT count(*) FROM pg_class WHERE relnamespace = 'j'::regnamespace"),
        0
    );
}
