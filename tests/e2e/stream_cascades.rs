//! What a foreign key of the source does by itself is not in its log (that of MySQL up to 9.5, and of
//! MariaDB): it is told before the start, touches no other row, and a unit that is copied anew has it.

use crate::support::canonical::is_mysql;
use crate::support::compare::compare;
use crate::support::fixture::Databases;
use crate::support::stream_fixture::SOON;

#[test]
fn cascades_are_told_and_mended_by_a_new_copy() {
    let mut test = Databases::logged("cascades");
    let logged = is_mysql(&mut test.my);
    test.my.run(&[
        "CREATE TABLE parents (id int PRIMARY KEY, name varchar(20))",
        "CREATE TABLE children (id int PRIMARY KEY, parent int, CONSTRAINT of_parent FOREIGN KEY (parent) REFERENCES parents (id) \
         ON DELETE CASCADE ON UPDATE CASCADE)",
        "CREATE TABLE guests (id int PRIMARY KEY, parent int, CONSTRAINT with_parent FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE SET NULL)",
        "CREATE TABLE strict_ones (id int PRIMARY KEY, parent int, CONSTRAINT must_have FOREIGN KEY (parent) REFERENCES parents (id))",
        "INSERT INTO parents VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')",
        "INSERT INTO children VALUES (10, 1), (11, 1), (20, 2), (30, 3)",
        "INSERT INTO guests VALUES (10, 1), (20, 2)",
        "INSERT INTO strict_ones VALUES (30, 3), (40, 4)",
    ]);
    test.stream_job("j", SOON);
    let told = test.pg.text("SELECT coalesce(string_agg(concat_ws(' ', detail, fix), ' '), '') FROM sync_check('j') WHERE NOT ok");
    for key in ["of_parent", "with_parent"] {
        assert_eq!(told.contains(key), !logged, "{key}: {told}");
    }
    assert!(!told.contains("must_have"), "{told}");
    // None of the keys is made here, and the plan says so.
    let plan = test
        .pg
        .text("SELECT string_agg(warnings::text, ' ') FROM sync_plan('j')");
    for key in ["of_parent", "with_parent", "must_have"] {
        assert!(plan.contains(key), "{key}: {plan}");
    }
    test.start("j");
    test.wait_streaming("j");
    let keys = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = 'j'::regnamespace";
    assert_eq!(test.pg.number(keys), 0, "a stream makes no foreign keys");
    test.my.run(&[
        "UPDATE children SET parent = 4 WHERE id = 11",
        "DELETE FROM parents WHERE id = 1",
        "UPDATE parents SET name = 'z' WHERE id = 2",
        "DELETE FROM guests WHERE id = 20",
        "DELETE FROM parents WHERE id = 2",
        "INSERT INTO parents VALUES (5, 'e')",
        "INSERT INTO children VALUES (50, 5)",
        "UPDATE parents SET id = 6 WHERE id = 5",
    ]);
    test.catch_up("j");
    test.assert_same("parents", "j.parents");
    test.assert_same("strict_ones", "j.strict_ones");
    for table in ["children", "guests"] {
        let (from, to) = (format!("cascades.{table}"), format!("j.{table}"));
        let same = compare(&mut test.my, &from, &mut test.pg, &to);
        assert_eq!(same.is_ok(), logged, "{table}: {same:?}");
    }
    test.pg
        .rows("SELECT sync_resync('j', 'children'), sync_resync('j', 'guests')");
    test.wait_streaming("j");
    test.assert_followed("j");
    test.end_stream("j");
}
