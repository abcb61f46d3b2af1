//! The name of a table in a statement, and what becomes of it when tables are renamed.

use super::token::Dialect;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    pub database: String,
    pub table: String,
}

impl TableName {
    pub(super) fn new(database: String, table: String, dialect: Dialect) -> TableName {
        match dialect.fold_names {
            true => TableName {
                database: database.to_lowercase(),
                table: table.to_lowercase(),
            },
            false => TableName { database, table },
        }
    }

    pub fn is(&self, database: &str, table: &str) -> bool {
        self.table == table && self.database == database
    }

    /// Can it be this table, as far as its characters can be read?
    pub(super) fn may_be(&self, database: &str, table: &str) -> bool {
        may_be(&self.database, database) && may_be(&self.table, table)
    }
}

/// What stands between characters that could not be read is there, in that order.
pub(super) fn may_be(read: &str, name: &str) -> bool {
    let mut parts = read.split(char::REPLACEMENT_CHARACTER);
    let first = parts.next().unwrap_or_default();
    let Some(last) = parts.next_back() else {
        return read == name;
    };
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last) && !name.is_ascii()
}

/// What a statement that renames tables has done to the name of one of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Renamed {
    /// The name that the table has now, where it has another one.
    pub now: Option<TableName>,
    /// The table that has its name now, by the name that it had before.
    pub instead: Option<TableName>,
}

impl Renamed {
    /// Did a tool for online changes (gh-ost, pt-online-schema-change and those that name tables as
    /// they do) put its copy in the table's place? The copy has the table's rows.
    pub fn by_tool(&self, table: &str) -> bool {
        let Some(copy) = &self.instead else {
            return false;
        };
        let bare = copy.table.trim_start_matches('_');
        let bare_table = table.trim_start_matches('_');
        copy.table.starts_with('_')
            && ["_gho", "_new"].iter().any(|suffix| {
                bare.strip_suffix(suffix)
                    .is_some_and(|name| name == bare_table)
            })
    }
}

/// Renames happen one after the other: `a TO x, b TO a, x TO b` swaps a and b.
pub fn renamed(renames: &[(TableName, TableName)], database: &str, table: &str) -> Renamed {
    let wanted = TableName {
        database: database.to_string(),
        table: table.to_string(),
    };
    let mut ours = wanted.clone();
    // Which of the renames has given the name last; none where nobody has it any more.
    let mut given = None;
    let mut held = true;
    for (at, (from, to)) in renames.iter().enumerate() {
        if *from == ours {
            ours = to.clone();
        }
        if *from == wanted {
            (given, held) = (None, false);
        }
        if *to == wanted {
            (given, held) = (Some(at), true);
        }
    }
    let holder = given.map(|at| origin(renames, at));
    Renamed {
        now: (ours != wanted).then_some(ours),
        instead: holder.filter(|holder| held && *holder != wanted),
    }
}

/// The name before the statement of the table that the rename at this place is about.
fn origin(renames: &[(TableName, TableName)], at: usize) -> TableName {
    let mut steps = renames.iter().take(at + 1).rev();
    let mut name = steps.next().map_or_else(
        || TableName {
            database: String::new(),
            table: String::new(),
        },
        |(from, _)| from.clone(),
    );
    for (earlier, later) in steps {
        if *later == name {
            name = earlier.clone();
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(table: &str) -> TableName {
        TableName {
            database: "d".into(),
            table: table.into(),
        }
    }

    fn told(list: &[(&str, &str)], table: &str) -> (Option<String>, Option<String>) {
        let list: Vec<_> = list.iter().map(|(a, b)| (name(a), name(b))).collect();
        let found = renamed(&list, "d", table);
        (
            found.now.map(|name| name.table),
            found.instead.map(|name| name.table),
        )
    }

    #[test]
    fn a_name_that_cannot_be_read_may_be_several() {
        let may = |read: &str, table: &str| name(read).may_be("d", table);
        assert!(may("gr\u{fffd}\u{fffd}e", "größe") && may("\u{fffd}", "表"));
        assert!(may("a\u{fffd}b\u{fffd}c", "aöbxöc") && !may("a\u{fffd}b\u{fffd}c", "aöc"));
        assert!(!may("gr\u{fffd}e", "groesse") && !may("gr\u{fffd}e", "größen"));
        assert!(may("t", "t") && !may("t", "tü"));
    }

    #[test]
    fn renames_follow_one_another() {
        let some = |text: &str| Some(text.to_string());
        assert_eq!(told(&[("a", "b")], "a"), (some("b"), None));
        assert_eq!(told(&[("a", "b")], "b"), (None, some("a")));
        assert_eq!(told(&[("a", "b")], "c"), (None, None));
        let swap = [("a", "x"), ("b", "a"), ("x", "b")];
        assert_eq!(told(&swap, "a"), (some("b"), some("b")));
        assert_eq!(told(&swap, "b"), (some("a"), some("a")));
        let back = [("a", "x"), ("x", "a")];
        assert_eq!(told(&back, "a"), (None, None));
        let ghost = [("t", "_t_del"), ("_t_gho", "t")];
        assert_eq!(told(&ghost, "t"), (some("_t_del"), some("_t_gho")));
    }

    #[test]
    fn copies_of_tools_are_known_by_their_names() {
        let by_tool = |copy: &str, table: &str| {
            Renamed {
                now: None,
                instead: Some(name(copy)),
            }
            .by_tool(table)
        };
        for copy in ["_t_gho", "_t_new", "___t_new"] {
            assert!(by_tool(copy, "t"), "{copy}");
        }
        for copy in ["t_new", "_x_new", "_t_old", "t2"] {
            assert!(!by_tool(copy, "t"), "{copy}");
        }
    }
}
