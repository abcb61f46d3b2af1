//! The CREATE TABLE of a target that is not there yet: columns, NOT NULL and the key.

use super::identifier::{qualified, quote, quoted_list};
use super::table::TablePlan;
use crate::codec;
use crate::error::Result;

impl TablePlan {
    /// A primary key becomes a primary key, a unique key that serves as the key a unique
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
        if let Some(key) = &self.key {
            let constraint = if key.primary { "PRIMARY KEY" } else { "UNIQUE" };
            lines.push(format!("    {constraint} ({})", quoted_list(&key.columns)));
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
    use crate::model::options::UnitOptions;

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
        assert!(sql.ends_with("    UNIQUE (code, \"order\")\n)"), "{sql}");
        assert!(!sql.contains("PRIMARY"));
    }

    #[test]
    fn without_a_key_there_is_no_constraint() {
        let sql = sql("orders", &[]);
        assert!(sql.ends_with("    note text\n)"), "{sql}");
    }
}
