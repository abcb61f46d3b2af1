//! Changes of a table at the source, one for each table.

mod columns;
mod tables;
mod types;

/// What a change is to the copy. The option `on_ddl` says what follows from it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The rows are the same.
    Nothing,
    /// Columns come or go, and what they hold in the rows that are there is known.
    Columns,
    /// A column comes, and only the source knows what it holds in the rows that are there.
    Unknown,
    /// All old values, and more.
    Widened,
    /// What old values have become is not told by the log.
    Other,
    /// There is more than one right answer; shifted or altered values are none of them.
    Unclear,
    /// The name is another table's, or rows have gone without being told one by one.
    Replaced,
    /// There is no table of this name.
    Gone,
}

pub struct Case {
    pub table: &'static str,
    /// Columns, key, and what follows the parentheses.
    pub definition: [&'static str; 2],
    pub kind: Kind,
    /// `{t}` is the table's name.
    pub ddl: &'static [&'static str],
    /// Writes that only the new shape takes.
    pub after: &'static [&'static str],
}

/// The columns `a`, `c` and `b` are of one type, so that a row that is read by the places of another
/// shape does not betray itself by its types.
const PLAIN: [&str; 2] = [
    "id int PRIMARY KEY, a varchar(20), c varchar(20) DEFAULT 'c', n int DEFAULT 5, b varchar(20)",
    "",
];
const IN_PARTS: [&str; 2] = [
    PLAIN[0],
    "PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (20), PARTITION p1 VALUES LESS THAN (40), PARTITION p2 VALUES LESS THAN (500000))",
];

const fn case(
    table: &'static str,
    kind: Kind,
    ddl: &'static [&'static str],
    after: &'static [&'static str],
) -> Case {
    Case {
        table,
        definition: PLAIN,
        kind,
        ddl,
        after,
    }
}

const fn over(definition: [&'static str; 2], mut case: Case) -> Case {
    case.definition = definition;
    case
}

const NEW_ROW: &[&str] = &[
    "INSERT INTO {t} (id, a, c, b) VALUES (100001, 'a 1', 'c 1', 'b 1'), (100002, 'a 2', 'c 2', 'b 2')",
];
const NEW_X: &[&str] = &[
    "INSERT INTO {t} (id, a, x, b) VALUES (100001, 'a 1', 'x 1', 'b 1'), (100002, 'a 2', 'x 2', 'b 2')",
    "UPDATE {t} SET x = 'x 3' WHERE id IN (1, 3)",
    "DELETE FROM {t} WHERE id = 4",
];
const NEW_N: &[&str] = &[
    "INSERT INTO {t} (id, a, n, b) VALUES (100001, 'a 1', 7, 'b 1')",
    "UPDATE {t} SET n = 8 WHERE id = 1",
];

pub fn cases() -> Vec<Case> {
    [
        tables::harmless(),
        columns::cases(),
        types::cases(),
        tables::tables(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
