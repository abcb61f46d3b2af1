//! The CREATE TABLE of a target that is not there yet: columns, NOT NULL and the key.

use super::identifier::{qualified, quote, quoted_list};
use super::table::TablePlan;
use crate::codec;
use crate::error::Result;

impl TablePlan {
    /// The primary key becomes a primary key, another unique key that serves as the key a unique
    /// constraint, so that a reload can merge by it. Anything else of the source's DDL is not
    /// needed for the rows.
    pub fn create_table_sql(&self) -> Result<String> {
        let mut lines = Vec::with_capacity(self.columns.len() + 1);
        for column in &self.columns {
            let not_null = if column.source.nullable {
                ""
            } else {
                " NOT NULL"
            };
            lines.push(format!(
                "    {} {}{not_null}",
                quote(&column.target_name),
                codec::type_name(column.target)?
            ));
        }
        if let Some(key) = &self.primary_key {
            lines.push(format!("    PRIMARY KEY ({})", quoted_list(key)));
        }
        if let Some(key) = self.key.as_ref().filter(|key| !key.primary) {
            lines.push(format!("    UNIQUE ({})", quoted_list(&key.columns)));
        }
        Ok(format!(
            "CREATE TABLE {} (\n{}\n)",
            qualified(&self.target_schema, &self.target_table),
            lines.join(",\n")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::orders;
    use super::super::table::plan_table;
    use crate::model::unit_options::UnitOptions;

    fn sql(target: &str, usable: &[bool]) -> String {
        let options = UnitOptions {
            target: Some(target.to_string()),
            ..UnitOptions::default()
        };
        let plan = plan_table(&orders(), usable, "shop", &options).unwrap();
        plan.create_table_sql().unwrap()
    }

    #[test]
    fn a_table_is_created_with_not_null_and_primary_key() {
        assert_eq!(
            sql("Orders", &[true, true]),
            "CREATE TABLE shop.\"Orders\" (\n\
             \x20   id integer NOT NULL,\n\
             \x20   code varchar(20) NOT NULL,\n\
             \x20   \"order\" bigint NOT NULL,\n\
             \x20   note text,\n\
             \x20   PRIMARY KEY (id)\n\
             )"
        );
    }

    #[test]
    fn a_unique_key_that_serves_as_the_key_becomes_a_unique_constraint() {
        let sql = sql("orders", &[false, true]);
        assert!(
            sql.ends_with("    PRIMARY KEY (id),\n    UNIQUE (code, \"order\")\n)"),
            "{sql}"
        );
    }

    #[test]
    fn a_primary_key_that_cannot_be_walked_is_one_all_the_same() {
        let sql = sql("orders", &[false, false]);
        assert!(sql.ends_with("    PRIMARY KEY (id)\n)"), "{sql}");
        assert!(!sql.contains("UNIQUE"));
    }

    #[test]
    fn without_a_key_there_is_no_constraint() {
        let mut table = orders();
        table.keys.clear();
        let plan = plan_table(&table, &[], "shop", &UnitOptions::default()).unwrap();
        let sql = plan.create_table_sql().unwrap();
        assert!(sql.ends_with("    note text\n)"), "{sql}");
    }
}
