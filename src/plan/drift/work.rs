//! What has to be done in the target, put together in an order that PostgreSQL takes, and what
//! cannot be done.

use super::super::identifier::{qualified, quote};
use super::super::names::hashed;
use super::super::table::TablePlan;

#[derive(Debug, Default)]
pub(super) struct Work {
    /// Statements of a transaction of their own, before all others.
    pub before: Vec<String>,
    /// Types and collations of new columns.
    pub prepare: Vec<String>,
    /// Indexes and constraints that do not hold at the source any more.
    pub loosen: Vec<String>,
    /// Columns that go, those that the target computes first.
    pub drops: Vec<String>,
    /// Names in the target, from and to.
    pub renames: Vec<(String, String)>,
    /// Actions of one ALTER TABLE.
    pub actions: Vec<String>,
    /// Actions that need a statement of their own, after those.
    pub single: Vec<String>,
    /// Statements that come last.
    pub last: Vec<String>,
    /// All differences, in words.
    pub lines: Vec<String>,
    /// Those that the target cannot follow, with the reason.
    pub refused: Vec<String>,
    /// What is not a reason to stop.
    pub warnings: Vec<String>,
}

impl Work {
    pub fn refuse(&mut self, line: String) {
        self.lines.push(line.clone());
        self.refused.push(line);
    }

    /// Has the target to follow, or can it not?
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// All statements but those that come before.
    pub fn statements(&self, plan: &TablePlan) -> Vec<String> {
        let table = qualified(&plan.target_schema, &plan.target_table);
        let alter = |action: &str| format!("ALTER TABLE {table} {action}");
        let mut statements = self.prepare.clone();
        statements.extend(self.loosen.iter().cloned());
        if !self.drops.is_empty() {
            let drops: Vec<String> = self
                .drops
                .iter()
                .map(|name| format!("DROP COLUMN IF EXISTS {}", quote(name)))
                .collect();
            statements.push(alter(&drops.join(", ")));
        }
        for (from, to) in rename_order(&self.renames) {
            statements.push(alter(&format!(
                "RENAME COLUMN {} TO {}",
                quote(&from),
                quote(&to)
            )));
        }
        if !self.actions.is_empty() {
            statements.push(alter(&self.actions.join(", ")));
        }
        statements.extend(self.single.iter().map(|action| alter(action)));
        statements.extend(self.last.iter().cloned());
        statements
    }
}

/// Renames in an order in which no name is taken: one whose new name another column still has goes
/// by a name that nothing has.
fn rename_order(renames: &[(String, String)]) -> Vec<(String, String)> {
    let taken = |name: &String| renames.iter().any(|(from, _)| from == name);
    let mut first = Vec::new();
    let mut then = Vec::new();
    for (from, to) in renames {
        if taken(to) {
            let between = hashed(to, &format!("{from}\0{to}"));
            first.push((from.clone(), between.clone()));
            then.push((between, to.clone()));
        } else {
            first.push((from.clone(), to.clone()));
        }
    }
    first.extend(then);
    first
}

#[cfg(test)]
mod tests {
    use super::rename_order;

    #[test]
    fn names_that_are_exchanged_go_by_others() {
        let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
        assert_eq!(rename_order(&[pair("a", "b")]), [pair("a", "b")]);
        let order = rename_order(&[pair("a", "b"), pair("b", "a"), pair("c", "d")]);
        assert_eq!(order.len(), 5);
        let mut names = vec!["a".to_string(), "b".to_string(), "c".to_string()];
        for (from, to) in order {
            assert!(!names.contains(&to), "{to}");
            let at = names.iter().position(|name| *name == from).unwrap();
            names[at] = to;
        }
        assert_eq!(names, ["b", "a", "d"]);
    }
}
