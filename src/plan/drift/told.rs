//! What the statements in the log have said of a table since its plan was made. The source's catalog
//! shows how the table is now; how it came to be so, only they tell: which column is another one's
//! new name, what the rows had in an added column at first.
//!
//! A plan is good until the first row of another shape, so this is collected from one to the other,
//! and has to be stored with a position that lies between.

use serde::{Deserialize, Serialize};

use super::super::statement::{AddedColumn, AlterTable, Change};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Names of the plan's columns, and what they are called now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    renamed: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    added: Vec<AddedColumn>,
    /// Columns of the plan, by their names there. One of the same name may have been added after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dropped: Vec<String>,
    /// Something else that the next row's shape need not show: a key, whether a column may be NULL.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    touched: bool,
}

impl Told {
    /// The table is sure to be as it was planned.
    pub fn is_empty(&self) -> bool {
        *self == Told::default()
    }

    /// The table may be another one now.
    pub fn touch(&mut self) {
        self.touched = true;
    }

    /// Takes in a statement about the table. A statement names columns as they were before it.
    pub fn hear(&mut self, altered: &AlterTable) {
        let before = self.clone();
        self.touched |= !altered.keeps_columns();
        for change in &altered.changes {
            if let Change::DropColumn(name) = change {
                // With IF NOT EXISTS what was added may have been the plan's all the same.
                self.added.retain(|column| column.name != *name);
                self.drop_column(&before, name);
            }
        }
        for change in &altered.changes {
            if let Change::RenameColumn { from, to } = change {
                self.rename(&before, from, to);
            }
        }
        for change in &altered.changes {
            if let Change::AddColumn(column) = change {
                self.added.push(column.clone());
            }
        }
    }

    fn drop_column(&mut self, before: &Told, name: &str) {
        // A name that nothing has (IF EXISTS) does no harm here.
        if let Some(original) = before.original(name) {
            let original = original.to_string();
            self.renamed.retain(|(from, _)| *from != original);
            self.dropped.push(original);
        }
    }

    fn rename(&mut self, before: &Told, from: &str, to: &str) {
        let place = before.added.iter().position(|column| column.name == from);
        let dropped = self.added.len() != before.added.len();
        // By its place: another column may have been given the name in the same statement.
        let column = match place {
            Some(at) if !dropped => self.added.get_mut(at),
            Some(_) => self.added.iter_mut().find(|column| column.name == from),
            None => None,
        };
        if let Some(column) = column {
            column.name = to.to_string();
        }
        if let Some(original) = before.original(from) {
            let original = original.to_string();
            self.renamed.retain(|(name, _)| *name != original);
            self.renamed.push((original, to.to_string()));
        }
    }

    /// The plan's name of a column that has this name now; None where it cannot be one of the plan's.
    pub fn original<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        if let Some((original, _)) = self.renamed.iter().find(|(_, now)| now == name) {
            return Some(original);
        }
        let moved = self.renamed.iter().any(|(original, _)| original == name);
        let gone = self.dropped.iter().any(|original| original == name);
        (!moved && !gone).then_some(name)
    }

    /// Has a name of the plan's become another column's, so that a row read by names may be of either shape?
    pub fn moves_names(&self) -> bool {
        !self.renamed.is_empty() || self.dropped.iter().any(|name| self.added(name).is_some())
    }

    /// The plan's names of these columns; one that cannot be the plan's is left out.
    pub(super) fn originals(&self, names: &[String]) -> Vec<String> {
        names
            .iter()
            .filter_map(|name| self.original(name).map(String::from))
            .collect()
    }

    /// The statement that added a column of this name.
    pub fn added(&self, name: &str) -> Option<&AddedColumn> {
        self.added.iter().rfind(|column| column.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::statement::{Dialect, Statement, classify};
    use super::*;

    fn told(statements: &[&str]) -> Told {
        let mut told = Told::default();
        for sql in statements {
            let sql = format!("alter table t {sql}");
            match classify(&sql, "d", Dialect::default()) {
                Statement::AlterTable(altered) => told.hear(&altered),
                other => panic!("{sql}: {other:?}"),
            }
        }
        told
    }

    #[test]
    fn names_are_followed_to_the_plans() {
        let chain = told(&["rename column a to b", "change b c int"]);
        assert_eq!(chain.original("c"), Some("a"));
        assert_eq!(chain.original("a"), None);
        assert_eq!(chain.original("b"), Some("b"));
        let swap = told(&["rename column a to b, rename column b to a"]);
        assert_eq!(
            (swap.original("a"), swap.original("b")),
            (Some("b"), Some("a"))
        );
        let back = told(&[
            "rename column a to b, rename column b to a",
            "rename column a to b, rename column b to a",
        ]);
        assert_eq!(
            (back.original("a"), back.original("b")),
            (Some("a"), Some("b"))
        );
    }

    #[test]
    fn a_column_that_is_dropped_and_added_is_another_one() {
        for statements in [
            ["drop column a", "add column a int default 5"].as_slice(),
            &["add column a int default 5, drop column a"],
        ] {
            let told = told(statements);
            assert_eq!(told.original("a"), None);
            assert_eq!(
                told.added("a").and_then(|column| column.default.as_deref()),
                Some("5")
            );
        }
        let gone = told(&["rename column a to b", "drop column b"]);
        assert_eq!((gone.original("a"), gone.original("b")), (None, Some("b")));
        assert!(
            told(&["drop column a", "add column a int"])
                .original("a")
                .is_none()
        );
    }

    #[test]
    fn an_added_column_keeps_its_default_under_another_name() {
        let told = told(&[
            "add a int default 5, add b int",
            "rename column a to c",
            "drop column b",
        ]);
        assert_eq!(
            told.added("c").and_then(|column| column.default.as_deref()),
            Some("5")
        );
        assert!(told.added("a").is_none() && told.added("b").is_none());
        assert!(!told.is_empty());
        let json = serde_json::to_value(&told).unwrap();
        assert_eq!(serde_json::from_value::<Told>(json).unwrap(), told);
    }
}
