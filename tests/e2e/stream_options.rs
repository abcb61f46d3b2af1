//! What the options of a job and of its units make of tables and values holds for the log as for the
//! copy; and so does what a target of the user's own adds to them.

use crate::support::fixture::Databases;
use crate::support::stream_fixture::SOON;

fn options(more: &str) -> String {
    SOON.replacen('{', &format!("{{{more}, "), 1)
}

/// Rows with ids below 1000 were copied; the same come by the log, a thousand higher. Returns both as the
/// target prints them.
fn both(test: &mut Databases, table: &str, columns: &str) -> [Vec<Vec<Option<String>>>; 2] {
    [0, 1].map(|number| {
        test.pg.rows(&format!(
            "SELECT id % 1000, {columns} FROM {table} WHERE id / 1000 = {number} ORDER BY 1"
        ))
    })
}

#[test]
fn values_are_treated_the_same_by_the_log() {
    let mut test = Databases::logged("options_values");
    test.my.run(&[
        "SET SESSION sql_mode = ''",
        "CREATE TABLE t (id int PRIMARY KEY, flag tinyint(1), code binary(16), born date, seen datetime, note varchar(20) COLLATE utf8mb4_general_ci, \
         mood enum('a', 'b', 'it''s'), n int, word varchar(10) COLLATE utf8mb4_bin, hidden varchar(10))",
        "INSERT INTO t VALUES (1, 1, x'00112233445566778899aabbccddeeff', '0000-00-00', '2024-01-02 03:04:05', 'Text', 'a', 1, 'x', 'no'), \
         (2, 0, NULL, '1980-01-01', '0000-00-00 00:00:00', _utf8mb4 x'610062', 'it''s', NULL, NULL, 'no'), \
         (3, NULL, x'', '2024-02-30', NULL, 'end', NULL, -5, 'Y', 'no')",
    ]);
    test.stream_job(
        "j",
        &options(
            r#""casts": {"tinyint(1)": "boolean"}, "zero_date": "null", "nul_byte": "strip", "enums": "type", "names": "lower", "case_insensitive": "icu""#,
        ),
    );
    test.pg.rows(
        r#"SELECT sync_alter_unit('j', 't', '{"target": "Elsewhere", "columns": ["id", "flag", "code", "born", "seen", "note", "mood", "n"],
           "casts": {"code": "uuid", "n": "text"}, "zero_date": "epoch"}')"#,
    );
    test.start("j");
    test.wait_streaming("j");
    test.my.run(&[
        "INSERT INTO t SELECT id + 1000, flag, code, born, seen, note, mood, n, word, hidden FROM t",
        "INSERT INTO t (id) VALUES (5)",
        // A column that is not copied changes alone.
        "UPDATE t SET hidden = 'yes', word = 'z'",
        "DELETE FROM t WHERE id = 5",
    ]);
    test.catch_up("j");
    let columns = "flag::text, code, born, seen, note, mood, n";
    let [copied, logged] = both(&mut test, r#"j."Elsewhere""#, columns);
    assert_eq!(copied.len(), 3);
    assert_eq!(copied, logged);
    assert_eq!(copied[0][3].as_deref(), Some("1970-01-01"), "{copied:?}");
    assert_eq!(copied[1][5].as_deref(), Some("ab"), "{copied:?}");
    assert_eq!(
        copied[0][2].as_deref(),
        Some("00112233-4455-6677-8899-aabbccddeeff")
    );
    // What was altered is counted, here as there.
    let altered = test
        .pg
        .number("SELECT sum(altered) FROM sync_adjustments WHERE job = 'j'");
    assert_eq!(altered % 2, 0, "{altered} values were altered");
    assert!(altered >= 8, "{altered} values were altered");
    test.end_stream("j");
}

#[test]
fn a_target_of_the_users_own_is_followed() {
    let mut test = Databases::logged("options_target");
    test.table("t", 300);
    test.table("u", 300);
    test.pg.rows(
        "CREATE SCHEMA j; CREATE EXTENSION citext; \
         CREATE TABLE j.t (own text DEFAULT 'mine', at timestamp(3), label citext, id int PRIMARY KEY, amount numeric(12,2), \
                           twice numeric GENERATED ALWAYS AS (amount * 2) STORED) PARTITION BY RANGE (id); \
         CREATE TABLE j.t_low PARTITION OF j.t FOR VALUES FROM (MINVALUE) TO (200); \
         CREATE TABLE j.t_high PARTITION OF j.t FOR VALUES FROM (200) TO (MAXVALUE); \
         CREATE TABLE j.u (id int PRIMARY KEY, label varchar(200), amount numeric(12,2), at timestamp(3)); \
         CREATE TABLE public.seen (kind text, id int); \
         CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS \
           $$BEGIN INSERT INTO public.seen VALUES (TG_OP || ' ' || TG_NAME, coalesce(NEW.id, OLD.id)); RETURN coalesce(NEW, OLD); END$$; \
         CREATE TRIGGER quiet BEFORE INSERT OR UPDATE OR DELETE ON j.u FOR EACH ROW EXECUTE FUNCTION public.note(); \
         CREATE TRIGGER loud AFTER INSERT OR UPDATE OR DELETE ON j.u FOR EACH ROW EXECUTE FUNCTION public.note(); \
         ALTER TABLE j.u ENABLE ALWAYS TRIGGER loud",
    );
    test.stream("j");
    test.pg
        .rows("TRUNCATE public.seen; UPDATE j.t SET own = 'changed' WHERE id = 250");
    test.my.run(&[
        "INSERT INTO t VALUES (1000, 'New', 5, NULL), (-5, 'low', 1, NULL)",
        "UPDATE t SET amount = 7 WHERE id BETWEEN 240 AND 260",
        // From one partition to the other.
        "UPDATE t SET id = 5000 WHERE id = 10",
        "UPDATE t SET id = 10 WHERE id = 260",
        "DELETE FROM t WHERE id = 20",
        "INSERT INTO u VALUES (1000, 'x', 5, NULL)",
        "UPDATE u SET amount = 7 WHERE id = 1",
        "DELETE FROM u WHERE id = 2",
    ]);
    test.catch_up("j");
    let rows = "SELECT id, label, amount FROM {t} ORDER BY id";
    let (source, target) = (rows.replace("{t}", "t"), rows.replace("{t}", "j.t"));
    assert_eq!(test.my.rows(&source), test.pg.rows(&target));
    test.assert_same("u", "j.u");
    // What the source does not have stays as it was, or is as in any new row.
    assert_eq!(
        test.pg.text("SELECT own FROM j.t WHERE id = 250"),
        "changed"
    );
    assert_eq!(
        test.pg
            .text("SELECT string_agg(DISTINCT own, ',') FROM j.t WHERE id IN (1000, -5)"),
        "mine"
    );
    assert_eq!(
        test.pg.text("SELECT twice FROM j.t WHERE id = 250"),
        "14.00"
    );
    // As in a replica: triggers are quiet but those that are told to fire always.
    let seen = test.pg.text("SELECT string_agg(DISTINCT kind || ' ' || id, ', ' ORDER BY kind || ' ' || id) FROM public.seen");
    assert!(!seen.contains("quiet"), "{seen}");
    for fired in ["loud 1000", "loud 1", "DELETE loud 2"] {
        assert!(seen.contains(fired), "{fired} is not in: {seen}");
    }
    test.my.run(&["TRUNCATE TABLE t", "TRUNCATE TABLE u"]);
    test.catch_up("j");
    assert_eq!(
        test.pg
            .number("SELECT (SELECT count(*) FROM j.t) + (SELECT count(*) FROM j.u)"),
        0
    );
    test.end_stream("j");
}

#[test]
fn a_job_of_a_plain_role_follows_with_the_rights_of_that_role() {
    let mut test = Databases::logged("options_role");
    test.table("t", 300);
    test.my.run(&[
        "CREATE TABLE loose (a int, b varchar(10))",
        "INSERT INTO loose VALUES (1, 'x'), (1, 'x')",
    ]);
    test.pg.rows(
        "CREATE ROLE options_plain LOGIN; GRANT USAGE ON FOREIGN SERVER src TO options_plain; \
         CREATE USER MAPPING FOR options_plain SERVER src OPTIONS (username 'reader', password 'secret'); \
         GRANT CREATE ON DATABASE options_role TO options_plain; \
         CREATE TABLE public.who (name text); GRANT INSERT ON public.who TO options_plain; \
         CREATE FUNCTION public.note_role() RETURNS trigger LANGUAGE plpgsql AS \
           $$BEGIN INSERT INTO public.who VALUES (current_user || ' ' || session_user); RETURN NULL; END$$; \
         SET ROLE options_plain",
    );
    test.stream_job("j", SOON);
    test.pg.rows("RESET ROLE");
    test.start("j");
    test.wait_streaming("j");
    test.pg.rows("CREATE TRIGGER noted AFTER INSERT OR UPDATE ON j.t FOR EACH ROW EXECUTE FUNCTION public.note_role(); ALTER TABLE j.t ENABLE ALWAYS TRIGGER noted");
    test.my.run(&[
        "UPDATE t SET amount = amount + 1",
        "UPDATE t SET id = id + 1000 WHERE id % 2 = 0",
        "DELETE FROM t WHERE id % 3 = 0",
        "DELETE FROM loose LIMIT 1",
        "INSERT INTO loose VALUES (2, NULL)",
    ]);
    test.assert_followed("j");
    let who = test
        .pg
        .text("SELECT string_agg(DISTINCT name, ', ') FROM public.who");
    assert_eq!(who, "options_plain options_plain");
    test.my
        .run(&["TRUNCATE TABLE t", "INSERT INTO t (id) VALUES (1)"]);
    test.assert_followed("j");
    test.end_stream("j");
}
