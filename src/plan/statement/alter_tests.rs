//! ALTER TABLE in the forms of both servers.

use super::*;

fn altered(sql: &str) -> AlterTable {
    match classify(sql, "shop", Dialect::default()) {
        Statement::AlterTable(altered) => altered,
        other => panic!("{sql}: {other:?}"),
    }
}

fn words(sql: &str) -> String {
    altered(sql).in_words()
}

#[test]
fn the_head_has_many_forms() {
    for sql in [
        "alter table t add column e int",
        "/*!40101 alter table t */ add column e int",
        "alter online table t add column e int",
        "alter table t nowait add e int",
        "alter table if exists shop.t wait 5 add column if not exists e int",
        "set statement max_statement_time=0 for alter table t add column e int;",
        "alter table `t` add (e int)",
    ] {
        assert_eq!(words(sql), "add column e", "{sql}");
        assert!(altered(sql).table.is("shop", "t"), "{sql}");
    }
}

#[test]
fn every_part_is_told() {
    for (parts, expected) in [
        (
            "add column `c d` int default 5 after id, drop column b /* hi ; */ , rename to shop.`t``2`",
            "add column c d, drop column b, rename to shop.t`2",
        ),
        (
            "add (a int, b decimal(5,2) default 1.5, key (a), unique u (b))",
            "add column a, add column b, index, key",
        ),
        (
            "drop a, drop if exists b cascade",
            "drop column a, drop column b",
        ),
        (
            "modify a bigint first, modify column if exists b enum('x,y','z') not null",
            "modify column a, modify column b",
        ),
        (
            "change a a bigint, change column b c int",
            "modify column a, rename column b to c, modify column c",
        ),
        (
            "rename column ba to bb, rename index u to uu, rename as x",
            "rename column ba to bb, index, rename to shop.x",
        ),
        ("rename = d.x", "rename to d.x"),
        (
            "add primary key (id), drop primary key, add constraint unique (a)",
            "key, key, key",
        ),
        (
            "add index ia (a), add fulltext (b), add spatial key g (c), add vector index (v)",
            "index, index, index, index",
        ),
        (
            "add vector int, add period int, add system int",
            "add column vector, add column period, add column system",
        ),
        (
            "add constraint fk foreign key (a) references u (b) on delete cascade, add check (a > 1), drop foreign key fk, drop check c",
            "constraint, constraint, constraint, constraint",
        ),
        (
            "drop index i, drop key k, drop constraint c",
            "key, key, key",
        ),
        (
            "alter a set default 5, alter column b drop default, alter index i invisible, alter check c not enforced",
            "default of column a, default of column b, index, constraint",
        ),
        (
            "engine=innodb, force, order by a, b desc, auto_increment 5",
            "options, options, options, options",
        ),
        ("order by a, b", "options"),
        ("order by a, add column b int", "options, add column b"),
        (
            "comment 'a, drop column b', row_format=dynamic key_block_size=8, union=(a,b), foo=bar",
            "options, options, options, options",
        ),
        (
            "algorithm=inplace, lock=none, disable keys, default character set utf8",
            "options, options, options, options",
        ),
        (
            "convert to character set utf8mb4 collate utf8mb4_bin",
            "character set",
        ),
        (
            "partition by range (id) (partition a values less than (5), partition b values less than maxvalue)",
            "partitions",
        ),
        (
            "engine=innodb partition by key (id) partitions 4",
            "options",
        ),
        (
            "add partition (partition c values less than (9))",
            "partitions",
        ),
        (
            "reorganize partition a, b into (partition c values less than (9))",
            "partitions",
        ),
        ("rebuild partition a, b", "partitions"),
        ("remove partitioning", "partitions"),
        ("add system versioning", "unknown (system versioning)"),
        ("with system versioning", "unknown (with system versioning)"),
        (
            "add column a int, frobnicate 'x'",
            "add column a, unknown (frobnicate)",
        ),
        ("add column a int)", "add column a, unknown ()"),
        ("comment 'x", "options, unknown ()"),
    ] {
        assert_eq!(
            words(&format!("alter table t {parts}")),
            expected,
            "{parts}"
        );
    }
}

#[test]
fn rows_that_go_without_row_events_are_told() {
    for (sql, expected, others) in [
        (
            "alter table t truncate partition p0, p1",
            "TRUNCATE PARTITION",
            "",
        ),
        (
            "alter table t drop partition if exists p0",
            "DROP PARTITION",
            "",
        ),
        (
            "alter table t exchange partition p1 with table d.ex without validation",
            "EXCHANGE PARTITION",
            "ex",
        ),
        (
            "alter table t convert partition p0 to table p_0",
            "CONVERT PARTITION TO TABLE",
            "p_0",
        ),
        (
            "alter table t convert table x to partition p0 values less than (5)",
            "CONVERT TABLE TO PARTITION",
            "x",
        ),
        ("alter table t discard tablespace", "DISCARD TABLESPACE", ""),
        (
            "alter table t import partition p0, p1 tablespace",
            "IMPORT TABLESPACE",
            "",
        ),
        ("alter table t engine = blackhole", "ENGINE = BLACKHOLE", ""),
        (
            "alter ignore table t add unique (a)",
            "ALTER IGNORE TABLE",
            "",
        ),
        (
            "alter table t drop system versioning",
            "DROP SYSTEM VERSIONING",
            "",
        ),
    ] {
        let found = altered(sql);
        assert_eq!(found.moves_rows(), Some(expected), "{sql}");
        let names: Vec<&str> = found
            .others
            .iter()
            .map(|name| name.table.as_str())
            .collect();
        assert_eq!(names.join(" "), others, "{sql}");
    }
    assert_eq!(altered("alter table t drop column p").moves_rows(), None);
    assert!(!altered("alter table t drop column p").keeps_columns());
    assert!(altered("alter table t add index (p), force").keeps_columns());
}

#[test]
fn an_added_column_tells_its_default() {
    for (definition, expected) in [
        ("int", None),
        ("int default 5 not null", Some("5")),
        (
            "int not null default -1.5 comment 'default 7'",
            Some("-1.5"),
        ),
        (
            "varchar(9) default 'it''s' 'x' check (c in ('default'))",
            Some("'it''s' 'x'"),
        ),
        (
            "varchar(9) default _utf8mb4'x' collate utf8mb4_bin",
            Some("_utf8mb4'x'"),
        ),
        (
            "timestamp(3) default current_timestamp(3) on update current_timestamp(3)",
            Some("current_timestamp(3)"),
        ),
        ("timestamp default now() invisible", Some("now()")),
        ("char(36) default (uuid()) after b", Some("(uuid())")),
        ("bit(3) default b'101'", Some("b'101'")),
        ("int default null", Some("null")),
        ("int column_format default default 3", Some("3")),
        ("set('a','b') default 'a'", Some("'a'")),
        ("int references u (a) on delete set default", None),
        ("int generated always as (default(b) + 1) stored", None),
        ("double default 1e-5", Some("1e")),
    ] {
        for sql in [
            format!("alter table t add column c {definition}"),
            format!("alter table t add (c {definition}, d int)"),
        ] {
            let found = altered(&sql);
            let Some(Change::AddColumn(column)) = found.changes.first() else {
                panic!("{sql}: {found:?}");
            };
            if !definition.contains("after") {
                assert_eq!(column.default.as_deref(), expected, "{sql}");
            }
        }
    }
}
