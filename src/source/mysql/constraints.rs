//! CHECK constraints. MariaDB makes its type JSON of one: such a check is a type, not a check.

use mysql_async::Row;

use super::expression::unescaped;
use super::schema::text;
use super::session::{Flavor, ServerInfo};
use crate::error::Result;
use crate::model::table::SourceCheck;

const MARIADB: &str = "SELECT TABLE_NAME AS a, CONSTRAINT_NAME AS b, CHECK_CLAUSE AS c, 'YES' AS d \
     FROM information_schema.CHECK_CONSTRAINTS \
     WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ? ORDER BY CONSTRAINT_NAME";

/// MySQL's names of checks are unique in a schema.
const MYSQL: &str = "SELECT t.TABLE_NAME AS a, t.CONSTRAINT_NAME AS b, c.CHECK_CLAUSE AS c, \
     t.ENFORCED AS d FROM information_schema.TABLE_CONSTRAINTS AS t \
     JOIN information_schema.CHECK_CONSTRAINTS AS c \
     ON c.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND c.CONSTRAINT_NAME = t.CONSTRAINT_NAME \
     WHERE t.TABLE_SCHEMA = ? AND t.TABLE_NAME = ? AND t.CONSTRAINT_TYPE = 'CHECK' \
     ORDER BY t.CONSTRAINT_NAME";

/// The checks of a table, and the columns that one makes JSON.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Checks {
    pub checks: Vec<SourceCheck>,
    pub json_columns: Vec<String>,
}

/// None for a server that has no checks.
pub(super) fn query(server: &ServerInfo) -> Option<&'static str> {
    match server.flavor {
        Flavor::MariaDb => Some(MARIADB),
        Flavor::MySql => (server.version >= (8, 0, 16)).then_some(MYSQL),
    }
}

pub(super) fn read(server: &ServerInfo, rows: &[Row], table: &str) -> Result<Checks> {
    let mut checks = Checks::default();
    for row in rows {
        if text(row, 0)? == table {
            let clause = text(row, 2)?;
            let enforced = text(row, 3)? != "NO";
            checks.add(server.flavor, text(row, 1)?, &clause, enforced);
        }
    }
    Ok(checks)
}

impl Checks {
    fn add(&mut self, flavor: Flavor, name: String, clause: &str, enforced: bool) {
        let clause = match flavor {
            Flavor::MySql => unescaped(clause),
            Flavor::MariaDb => match json_valid_of(clause) {
                Some(column) => return self.json_columns.push(column),
                None => clause.to_string(),
            },
        };
        self.checks.push(SourceCheck {
            name,
            clause,
            enforced,
        });
    }
}

/// The column of a check that is json_valid(`column`) and nothing else.
fn json_valid_of(clause: &str) -> Option<String> {
    let name = clause
        .strip_prefix("json_valid(`")?
        .strip_suffix("`)")?
        .replace("``", "`");
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(flavor: Flavor, clause: &str) -> Checks {
        let mut checks = Checks::default();
        checks.add(flavor, "c".into(), clause, true);
        checks
    }

    #[test]
    fn a_json_check_names_its_column() {
        assert_eq!(json_valid_of("json_valid(`a``b`)").as_deref(), Some("a`b"));
        assert_eq!(json_valid_of("json_valid(`a`) and `b` > 1"), None);
        assert_eq!(json_valid_of("`a` > 1"), None);
    }

    #[test]
    fn mariadbs_json_is_no_check_and_mysqls_clauses_are_unescaped() {
        let checks = one(Flavor::MariaDb, "json_valid(`j`)");
        assert_eq!(
            (checks.checks.len(), checks.json_columns),
            (0, vec!["j".into()])
        );
        let checks = one(Flavor::MariaDb, r"`s` <> 'it\'s'");
        assert_eq!(checks.checks[0].clause, r"`s` <> 'it\'s'");
        let checks = one(
            Flavor::MySql,
            r"(`s` in (_utf8mb4\'a\',_utf8mb4\'b\\\\c\'))",
        );
        assert_eq!(
            checks.checks[0].clause,
            r"(`s` in (_utf8mb4'a',_utf8mb4'b\\c'))"
        );
        assert_eq!(one(Flavor::MySql, "json_valid(`j`)").checks.len(), 1);
    }
}
