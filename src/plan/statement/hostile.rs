//! Texts that no server would have logged.

use super::*;

/// Pieces that the fuzzer makes statements of.
const PIECES: [&str; 60] = [
    "alter",
    "table",
    "t",
    "`t`",
    "\"t\"",
    "'x'",
    "(",
    ")",
    ",",
    ";",
    ".",
    "=",
    "-",
    "add",
    "drop",
    "column",
    "default",
    "rename",
    "to",
    "create",
    "select",
    "insert",
    "into",
    "update",
    "set",
    "statement",
    "for",
    "delete",
    "from",
    "using",
    "join",
    "/*!40101",
    "/*M!",
    "*/",
    "/*",
    "-- ",
    "\n",
    "#",
    "'",
    "`",
    "\\",
    "xa",
    "start",
    "X'41'",
    "partition",
    "exchange",
    "with",
    "order",
    "by",
    "index",
    "on",
    "if",
    "exists",
    "not",
    "like",
    "ä",
    "\u{0}",
    "values",
    "truncate",
    "change",
];

/// Nothing that the log could hold breaks the classifier, and what is cut never becomes nothing.
#[test]
fn any_text_is_classified() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for _ in 0..100_000 {
        let length = random(20);
        let sql: String = (0..length)
            .map(|_| format!("{} ", PIECES[random(PIECES.len())]))
            .collect();
        let dialect = Dialect {
            mariadb: random(2) == 0,
            sql_mode: [0, 4, 1 << 20, 4 | 1 << 20][random(4)],
            fold_names: random(2) == 0,
        };
        let statement = classify(&sql, "shop", dialect);
        statement.concern("shop", "t");
        let cut = sql.char_indices().nth(random(sql.len().max(1)));
        classify(&sql[..cut.map_or(0, |(at, _)| at)], "shop", dialect);
    }
}

#[test]
fn the_work_is_bounded() {
    let many = 1_000_000;
    for sql in [
        format!("create table t {}select 1", "(".repeat(many)),
        format!("create table t {}", "(".repeat(many)),
        format!("create table t {}", "(select".repeat(many)),
        format!("alter table t {}", "add column a int,".repeat(many)),
        format!("alter table t order by {}", "a,".repeat(many)),
        format!("alter table t add a int default {}", "(".repeat(many)),
        format!("rename table {}", "a to b,".repeat(many)),
        format!("update {}", "(".repeat(many)),
        format!("update t {}", "join t ".repeat(many)),
        format!("delete {}", "t.*,".repeat(many)),
        format!(
            "{}alter table t add a int",
            "set statement a=1 for ".repeat(many)
        ),
        format!("alter table t comment '{}'", "x".repeat(many)),
        "/*!".repeat(many),
    ] {
        let begun = std::time::Instant::now();
        let statement = classify(&sql, "shop", Dialect::default());
        assert_ne!(statement, Statement::Irrelevant);
        let spent = begun.elapsed();
        assert!(spent.as_secs() < 5, "{}: {spent:?}", &sql[..40]);
    }
    let sql = format!("rename table {}a to b", "a to b, b to a, ".repeat(9_000));
    let renames = match classify(&sql, "shop", Dialect::default()) {
        Statement::RenameTable(list) => list,
        other => panic!("{other:?}"),
    };
    assert_eq!(renamed(&renames, "shop", "a").now.unwrap().table, "b");
}
