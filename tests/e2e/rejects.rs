//! A bad row never stops a table and is never lost: it is kept with its reason, counted, and written
//! again when the cause is mended.

use crate::support::fixture::{self, Databases, LONG, numbers};
use crate::support::wait::wait_until;

const SMALL: &str =
    r#"{"workers": 2, "chunk_rows": 1000, "batch_rows": 300, "retry_initial": "50 ms"}"#;

/// `rows` rows `id, born, note, n`; a zero date in each whose id is in `zero`.
pub fn people(test: &mut Databases, name: &str, rows: u64, zero: &[u64], key: &str) {
    // No id is 0.
    let zero: Vec<String> = zero.iter().chain(&[0]).map(u64::to_string).collect();
    test.my.run(&[
        "SET SESSION sql_mode = ''",
        &format!("CREATE TABLE {name} (id int NOT NULL, born date, note varchar(40), n int{key})"),
        &format!(
            "INSERT INTO {name} SELECT n, IF(n IN ({}), '0000-00-00', '1980-05-17' + INTERVAL n DAY), CONCAT('note ', n), n FROM ({}) numbers",
            zero.join(", "),
            numbers(1, rows)
        ),
    ]);
}

/// Every row of the source is written, rejected or filtered, and the counters say which.
#[track_caller]
pub fn accounts(test: &mut Databases, job: &str, unit: &str) -> [i64; 3] {
    let counted = test.pg.rows(&format!(
        "SELECT sum(c.rows_read), sum(c.rows_done), sum(c.rows_rejected), sum(c.rows_filtered) \
         FROM tributary.chunk c JOIN tributary.unit u USING (unit_id) JOIN tributary.job j USING (job_id) \
         WHERE j.job = '{job}' AND u.unit = '{unit}'"
    ));
    let [read, written, rejected, filtered] = [0, 1, 2, 3].map(|index| {
        counted[0][index]
            .as_deref()
            .unwrap_or("0")
            .parse::<i64>()
            .expect("a count")
    });
    let from = format!("{}.{unit}", test.name);
    let source: i64 = test
        .my
        .text(&format!("SELECT COUNT(*) FROM {from}"))
        .parse()
        .expect("a count");
    let kept = test.pg.number(&format!(
        "SELECT count(*) FROM sync_rejects WHERE job = '{job}' AND unit = '{unit}'"
    ));
    let there = test
        .pg
        .number(&format!("SELECT count(*) FROM {job}.{unit}"));
    assert_eq!(read, written + rejected + filtered, "the rows of {unit}");
    assert_eq!((read, kept, there), (source, rejected, written), "{unit}");
    [written, rejected, filtered]
}

#[track_caller]
fn ends(test: &mut Databases, job: &str, status: &str) {
    let pg = &mut test.pg;
    wait_until("the run ends", LONG, || {
        fixture::ended(&fixture::status(pg, job))
    });
    assert_eq!(
        fixture::status(pg, job),
        status,
        "{}",
        fixture::report(pg, job)
    );
}

#[test]
fn values_without_an_equal_become_rejects_and_the_rest_arrives() {
    let mut test = Databases::shared("rejects_values");
    people(
        &mut test,
        "keyed",
        3000,
        &[1, 17, 1500, 3000],
        ", PRIMARY KEY (id)",
    );
    people(&mut test, "keyless", 500, &[3, 500], "");
    people(&mut test, "pair", 700, &[9], ", PRIMARY KEY (note, id)");
    test.job("j", SMALL);
    test.run("j");
    assert_eq!(accounts(&mut test, "j", "keyed"), [2996, 4, 0]);
    assert_eq!(accounts(&mut test, "j", "keyless"), [498, 2, 0]);
    assert_eq!(accounts(&mut test, "j", "pair"), [699, 1, 0]);
    let rejects = test.pg.rows(
        "SELECT key::text, column_name, left(sqlstate, 2), \"row\"->>'born', \"row\"->>'note', hint LIKE '%zero_date%' AND hint LIKE '%''j''%' \
         FROM sync_rejects WHERE unit = 'keyed' ORDER BY (\"row\"->>'id')::int",
    );
    let second: Vec<&str> = rejects[1]
        .iter()
        .map(|cell| cell.as_deref().unwrap_or("-"))
        .collect();
    assert_eq!(
        second,
        [
            "[{\"int\": 17}]",
            "born",
            "22",
            "0000-00-00",
            "note 17",
            "t"
        ]
    );
    assert_eq!(
        test.pg.text(
            "SELECT string_agg(unit || ' ' || rows_rejected, ', ' ORDER BY unit) FROM sync_units"
        ),
        "keyed 4, keyless 2, pair 1"
    );
}

#[test]
fn rows_that_the_target_refuses_are_found_one_by_one() {
    let mut test = Databases::shared("rejects_target");
    for (name, key) in [("keyed", ", PRIMARY KEY (id)"), ("keyless", "")] {
        people(&mut test, name, 2500, &[100], key);
        test.my.run(&[
            &format!("UPDATE {name} SET note = NULL WHERE id IN (7, 2500)"),
            &format!("UPDATE {name} SET n = 1 WHERE id = 900"),
        ]);
        let primary = if key.is_empty() {
            ""
        } else {
            ", PRIMARY KEY (id)"
        };
        test.pg.rows(&format!(
            "CREATE SCHEMA IF NOT EXISTS j; CREATE TABLE j.{name} (id int NOT NULL, born date, note varchar(40) NOT NULL, \
             n int UNIQUE CHECK (n <> 1234){primary}); \
             CREATE FUNCTION j.{name}_check() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
               IF NEW.n = 2000 THEN RAISE EXCEPTION 'two thousand'; END IF; \
               IF NEW.n BETWEEN 2100 AND 2104 THEN RETURN NULL; END IF; \
               RETURN NEW; END $$; \
             CREATE TRIGGER t BEFORE INSERT ON j.{name} FOR EACH ROW EXECUTE FUNCTION j.{name}_check()"
        ));
    }
    test.job("j", SMALL);
    test.run("j");
    for (name, key) in [("keyed", "id"), ("keyless", "")] {
        // NULL twice, one of the two equal n, the check, the trigger's error, the zero date.
        assert_eq!(accounts(&mut test, "j", name), [2489, 6, 5], "{name}");
        // Of two equal values the one that comes second is refused; without a key either may be.
        let states = test.pg.text(&format!(
            "SELECT string_agg(sqlstate || ' ' || (\"row\"->>'id'), ', ' ORDER BY sqlstate, (\"row\"->>'id')::int) \
             FROM sync_rejects WHERE unit = '{name}' AND column_name IS NULL"
        ));
        let either = states.replace("23505 1,", "23505 900,");
        let states = if key.is_empty() { either } else { states };
        assert_eq!(
            states, "23502 7, 23502 2500, 23505 900, 23514 1234, P0001 2000",
            "{name}"
        );
    }
    assert_eq!(
        test.pg
            .text("SELECT key::text FROM sync_rejects WHERE unit = 'keyed' AND sqlstate = 'P0001'"),
        "[{\"int\": 2000}]"
    );
}

#[test]
fn a_reload_has_rejects_of_its_own() {
    let mut test = Databases::shared("rejects_reload");
    people(&mut test, "t", 1200, &[5, 6], ", PRIMARY KEY (id)");
    test.job("j", SMALL);
    test.run("j");
    assert_eq!(accounts(&mut test, "j", "t"), [1198, 2, 0]);
    test.my.run(&[
        "UPDATE t SET born = '2000-01-01' WHERE id = 5",
        "UPDATE t SET born = '0000-00-00' WHERE id = 7",
    ]);
    test.run("j");
    assert_eq!(accounts(&mut test, "j", "t"), [1198, 2, 0]);
    assert_eq!(
        test.pg.text("SELECT string_agg(\"row\"->>'id', ',' ORDER BY (\"row\"->>'id')::int) FROM sync_rejects"),
        "6,7"
    );
}

#[test]
fn a_reload_finds_the_rows_that_the_target_refuses() {
    let mut test = Databases::shared("rejects_merge");
    people(&mut test, "t", 1200, &[], ", PRIMARY KEY (id)");
    test.pg.rows(
        "CREATE SCHEMA j; CREATE TABLE j.t (id int PRIMARY KEY, born date, note varchar(40) NOT NULL, \
         n int UNIQUE CHECK (n < 5000), twice int GENERATED ALWAYS AS (n * 2) STORED, extra int NOT NULL GENERATED ALWAYS AS IDENTITY)",
    );
    test.job("j", SMALL);
    test.run("j");
    assert_eq!(accounts(&mut test, "j", "t"), [1200, 0, 0]);
    test.my.run(&[
        "UPDATE t SET n = 6000 WHERE id = 5",
        "UPDATE t SET n = 1 WHERE id = 6",
        "UPDATE t SET note = NULL WHERE id = 7",
        "UPDATE t SET note = 'another' WHERE id = 8",
    ]);
    test.run("j");
    assert_eq!(accounts(&mut test, "j", "t"), [1197, 3, 0]);
    assert_eq!(
        test.pg.text(
            "SELECT string_agg(sqlstate, ',' ORDER BY (\"row\"->>'id')::int) FROM sync_rejects"
        ),
        "23514,23505,23502"
    );
    assert_eq!(
        test.pg
            .text("SELECT note || (twice = 2 * n) || extra FROM j.t WHERE id = 8"),
        "anothertrue8"
    );
}

#[test]
fn a_reload_finds_the_rows_that_a_trigger_refuses() {
    let mut test = Databases::shared("rejects_trigger");
    people(&mut test, "t", 1200, &[], ", PRIMARY KEY (id)");
    test.pg.rows(
        "CREATE SCHEMA j; CREATE TABLE j.t (id int PRIMARY KEY, born date, note varchar(40), n int); \
         CREATE FUNCTION j.check() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
           IF NEW.n = 6000 THEN RAISE EXCEPTION 'six thousand'; END IF; RETURN NEW; END $$; \
         CREATE TRIGGER t BEFORE INSERT OR UPDATE ON j.t FOR EACH ROW EXECUTE FUNCTION j.check()",
    );
    test.job("j", SMALL);
    test.run("j");
    test.my.run(&[
        "UPDATE t SET n = 6000 WHERE id = 700",
        "UPDATE t SET note = 'another' WHERE id = 8",
    ]);
    test.run("j");
    assert_eq!(accounts(&mut test, "j", "t"), [1199, 1, 0]);
    assert_eq!(test.pg.text("SELECT note FROM j.t WHERE id = 8"), "another");
    assert_eq!(
        test.pg
            .text("SELECT sqlstate || key::text FROM sync_rejects"),
        "P0001[{\"int\": 700}]"
    );
}

#[test]
fn a_reload_lets_rows_exchange_unique_values() {
    let mut test = Databases::shared("rejects_swap");
    test.my.run(&[
        "CREATE TABLE t (id int PRIMARY KEY, slug varchar(20), UNIQUE (slug))",
        "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    ]);
    test.job("j", "{}");
    test.run("j");
    test.my.run(&[
        "UPDATE t SET slug = 'x' WHERE id = 1",
        "UPDATE t SET slug = 'a' WHERE id = 2",
        "UPDATE t SET slug = 'b' WHERE id = 1",
    ]);
    test.run("j");
    test.assert_equal("j");
    let unique = "SELECT count(*) FROM pg_index WHERE indrelid = 'j.t'::regclass AND indisunique AND NOT indisprimary";
    assert_eq!(test.pg.number(unique), 1);
}

#[test]
fn a_key_with_a_nul_is_a_key() {
    let mut test = Databases::shared("rejects_nul_key");
    test.my.run(&[
        "CREATE TABLE t (k varchar(20) CHARACTER SET utf8mb4 PRIMARY KEY, n int)",
        "INSERT INTO t VALUES ('a', 1), (CONCAT('b', CHAR(0)), 2), ('c', 3), (CONCAT('d', CHAR(0), 'e'), 4)",
    ]);
    test.job("j", r#"{"batch_rows": 1}"#);
    test.run("j");
    assert_eq!(accounts(&mut test, "j", "t"), [2, 2, 0]);
    test.pg
        .rows("SELECT sync_alter_job('j', '{\"nul_byte\": \"strip\"}'), sync_redrive('j')");
    test.finish("j");
    assert_eq!(accounts(&mut test, "j", "t"), [4, 0, 0]);
    assert_eq!(
        test.pg
            .text("SELECT altered FROM sync_adjustments WHERE policy = 'nul_byte'"),
        "2"
    );
}

#[test]
fn too_many_rejects_fail_the_unit_and_are_kept() {
    let mut test = Databases::shared("rejects_many");
    let zero: Vec<u64> = (1..=40).map(|n| n * 50).collect();
    people(&mut test, "keyed", 3000, &zero, ", PRIMARY KEY (id)");
    people(&mut test, "keyless", 3000, &zero, "");
    test.job("j", SMALL);
    test.pg.rows(
        "SELECT sync_alter_job('j', '{\"max_rejects\": 10}'); \
         SELECT sync_alter_unit('j', 'keyless', '{\"max_rejects\": \"1%\"}')",
    );
    test.start("j");
    ends(&mut test, "j", "failed");
    for unit in ["keyed", "keyless"] {
        let row = test.pg.rows(&format!(
            "SELECT status, error LIKE '%max_rejects%', hint LIKE '%sync_alter_unit(''j'', ''{unit}''%', next_retry_at IS NULL \
             FROM sync_units WHERE unit = '{unit}'"
        ));
        let cells: Vec<&str> = row[0]
            .iter()
            .map(|cell| cell.as_deref().unwrap_or("-"))
            .collect();
        assert_eq!(cells, ["failed", "t", "t", "t"], "{unit}");
        let kept = test.pg.number(&format!(
            "SELECT count(*) FROM sync_rejects WHERE unit = '{unit}'"
        ));
        assert!(
            (11..=40).contains(&kept),
            "{kept} rejects of {unit} are kept"
        );
    }
    test.pg.rows(
        "SELECT sync_alter_unit('j', 'keyed', '{\"max_rejects\": 40}'), sync_alter_unit('j', 'keyless', '{\"max_rejects\": \"2%\"}'); \
         SELECT sync_retry('j')",
    );
    test.finish("j");
    assert_eq!(accounts(&mut test, "j", "keyed"), [2960, 40, 0]);
    assert_eq!(accounts(&mut test, "j", "keyless"), [2960, 40, 0]);
}

#[test]
fn redrive_writes_what_was_mended_wherever_that_was() {
    let mut test = Databases::shared("rejects_redrive");
    people(&mut test, "t", 600, &[10, 20, 30, 40], ", PRIMARY KEY (id)");
    people(&mut test, "bare", 60, &[10, 20], "");
    test.pg.rows(
        "CREATE SCHEMA j; CREATE TABLE j.t (id int PRIMARY KEY, born date, note varchar(40), n int, CONSTRAINT c CHECK (n <> 50))",
    );
    test.job("j", SMALL);
    test.run("j");
    assert_eq!(accounts(&mut test, "j", "t"), [595, 5, 0]);

    // At the source: one mended, one gone. At the target: the check.
    test.my.run(&[
        "UPDATE t SET born = '2001-02-03', note = 'mended' WHERE id = 10",
        "DELETE FROM t WHERE id = 20",
    ]);
    test.pg.rows("ALTER TABLE j.t DROP CONSTRAINT c");
    assert_eq!(test.pg.number("SELECT sync_redrive('j', 't')"), 5);
    test.finish("j");
    assert_eq!(accounts(&mut test, "j", "t"), [597, 2, 0]);
    assert_eq!(
        test.pg.text("SELECT note || born FROM j.t WHERE id = 10"),
        "mended2001-02-03"
    );

    // By a policy; the keyless table's rows are taken as they were kept.
    test.pg
        .rows("SELECT sync_alter_job('j', '{\"zero_date\": \"null\"}')");
    assert_eq!(test.pg.number("SELECT sync_redrive('j')"), 4);
    test.finish("j");
    assert_eq!(accounts(&mut test, "j", "t"), [599, 0, 0]);
    assert_eq!(accounts(&mut test, "j", "bare"), [60, 0, 0]);
    assert_eq!(
        test.pg
            .number("SELECT count(*) FROM j.t WHERE born IS NULL"),
        2
    );
    assert_eq!(
        test.pg
            .text("SELECT string_agg(note, ',' ORDER BY id) FROM j.bare WHERE born IS NULL"),
        "note 10,note 20"
    );

    test.pg.take_notices();
    assert_eq!(test.pg.number("SELECT sync_redrive('j')"), 0);
    assert!(
        test.pg
            .take_notices()
            .iter()
            .any(|notice| notice.message.contains("nothing to do"))
    );
}

#[test]
fn rejects_are_cleared_by_those_who_may_and_seen_by_nobody_else() {
    let mut test = Databases::shared("rejects_rights");
    people(&mut test, "a", 50, &[10], ", PRIMARY KEY (id)");
    people(&mut test, "b", 50, &[10, 11], ", PRIMARY KEY (id)");
    test.job("j", "{}");
    test.run("j");
    test.pg
        .rows("CREATE ROLE rejects_stranger LOGIN; SET ROLE rejects_stranger");
    for view in ["sync_rejects", "sync_adjustments", "sync_steps"] {
        assert_eq!(
            test.pg.number(&format!("SELECT count(*) FROM {view}")),
            0,
            "{view}"
        );
    }
    for call in ["sync_redrive('j')", "sync_clear_rejects('j')"] {
        let error = test.pg.error(&format!("SELECT {call}"));
        assert_eq!(error.sqlstate, "42501", "{call}: {}", error.message);
    }
    test.pg.rows("RESET ROLE");
    for name in [
        "redrive",
        "clear_rejects",
        "pause",
        "resume",
        "cancel",
        "retry",
        "wait",
    ] {
        let error = test.pg.error(&format!("SELECT sync_{name}(NULL)"));
        assert_eq!(error.sqlstate, "22004", "sync_{name}: {}", error.message);
    }
    assert_eq!(test.pg.number("SELECT sync_clear_rejects('j', 'b')"), 2);
    assert_eq!(test.pg.number("SELECT count(*) FROM sync_rejects"), 1);
    assert_eq!(test.pg.number("SELECT sync_clear_rejects('j')"), 1);
    assert_eq!(
        test.pg
            .number("SELECT rows_rejected FROM sync_units WHERE unit = 'b'"),
        2
    );
    test.pg.rows("DROP ROLE rejects_stranger");
}
