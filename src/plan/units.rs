//! Which tables of the source a job copies: its list of names, globs and exclusions.
//!
//! A name without a wildcard must exist; a glob takes base tables only, so that a view is never
//! copied by surprise; an exclusion wins wherever it stands. Letters are compared exactly. The list
//! is applied anew at each start, so that new tables are found.

use super::glob::Pattern;
use super::near::near;
use crate::error::{Error, Kind, Result};
use crate::model::table::SourceTableName;

/// Refuses lists that can never select a table, and malformed patterns.
pub fn validate_patterns(patterns: &[String]) -> Result<()> {
    parse_all(patterns).map(|_| ())
}

/// The tables to copy, in the order of `tables`, each once; empty where no glob finds one. That is
/// no success: the caller, who knows the job and the source, makes it an error.
pub fn select_units(patterns: &[String], tables: &[SourceTableName]) -> Result<Vec<String>> {
    let parsed = parse_all(patterns)?;
    refuse_missing(&parsed, tables)?;
    let (excludes, includes): (Vec<_>, Vec<_>) = parsed.iter().partition(|p| p.exclude);
    let mut selected: Vec<String> = Vec::new();
    for table in tables {
        let named = includes.iter().any(|pattern| match pattern.name() {
            Some(name) => name == table.name,
            None => !table.view && pattern.matches(&table.name),
        });
        let excluded = excludes.iter().any(|pattern| pattern.matches(&table.name));
        if named && !excluded && !selected.contains(&table.name) {
            selected.push(table.name.clone());
        }
    }
    Ok(selected)
}

fn parse_all(patterns: &[String]) -> Result<Vec<Pattern>> {
    let parsed: Vec<Pattern> = patterns
        .iter()
        .map(|text| Pattern::parse(text))
        .collect::<Result<_>>()?;
    if parsed.iter().all(|pattern| pattern.exclude) {
        let what = if parsed.is_empty() {
            "the list of units is empty"
        } else {
            "the list of units only excludes"
        };
        return Err(Error::new(Kind::InvalidParameter, what).with_hint(
            "Name what is to be copied, for instance units => '{*}' for all tables or '{*,!log_*}' for all but some.",
        ));
    }
    Ok(parsed)
}

fn refuse_missing(parsed: &[Pattern], tables: &[SourceTableName]) -> Result<()> {
    let mut missing: Vec<String> = parsed
        .iter()
        .filter(|pattern| !pattern.exclude)
        .filter_map(Pattern::name)
        .filter(|name| tables.iter().all(|table| table.name != *name))
        .collect();
    missing.sort();
    missing.dedup();
    let named: Vec<String> = missing.iter().map(|name| format!("\"{name}\"")).collect();
    let message = match named.as_slice() {
        [] => return Ok(()),
        [one] => format!("table {one} does not exist at the source"),
        several => format!("tables {} do not exist at the source", several.join(", ")),
    };
    let mut meant: Vec<&str> = Vec::new();
    for name in &missing {
        for found in near(name, tables.iter().map(|table| table.name.as_str())) {
            if !meant.contains(&found) {
                meant.push(found);
            }
        }
    }
    let hint = if meant.is_empty() {
        "See that the name is written as at the source and that the source's user may SELECT from the table.".to_string()
    } else {
        let meant: Vec<String> = meant.iter().map(|name| format!("\"{name}\"")).collect();
        format!("Perhaps you meant {}.", meant.join(" or "))
    };
    Err(Error::new(Kind::SourceObjectMissing, message)
        .with_detail("Names are compared exactly, upper and lower case differ.")
        .with_hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    /// A name that begins with `v_` is a view.
    fn tables(names: &[&str]) -> Vec<SourceTableName> {
        names
            .iter()
            .map(|name| SourceTableName {
                name: name.to_string(),
                view: name.starts_with("v_"),
                rows_estimated: None,
                bytes_estimated: None,
            })
            .collect()
    }

    fn select(patterns: &[&str]) -> Result<Vec<String>> {
        let names = [
            "Orders",
            "a*b",
            "customers",
            "log_2023",
            "log_2024",
            "orders",
            "v_sales",
        ];
        select_units(&list(patterns), &tables(&names))
    }

    #[test]
    fn a_list_that_can_select_nothing_is_refused() {
        for bad in [
            &[][..],
            &[""],
            &["a", ""],
            &["!"],
            &["!a", "!b*"],
            &["[ab"],
            &["[]"],
            &["[z-a]"],
            &["a\\"],
            &["a\0"],
        ] {
            let error = validate_patterns(&list(bad)).unwrap_err();
            assert_eq!(error.kind, Kind::InvalidParameter, "{bad:?}");
            assert!(error.hint.is_some());
        }
        assert!(validate_patterns(&list(&["*", "!log_*", "x[]a]"])).is_ok());
    }

    #[test]
    fn globs_select_base_tables_in_source_order_once() {
        assert_eq!(
            select(&["*"]).unwrap(),
            [
                "Orders",
                "a*b",
                "customers",
                "log_2023",
                "log_2024",
                "orders"
            ]
        );
        assert_eq!(
            select(&["log_*", "log_202?"]).unwrap(),
            ["log_2023", "log_2024"]
        );
        assert_eq!(select(&["log_202[4-9]"]).unwrap(), ["log_2024"]);
        assert_eq!(select(&["log_202[!4]"]).unwrap(), ["log_2023"]);
        assert_eq!(
            select(&["orders", "customers"]).unwrap(),
            ["customers", "orders"]
        );
    }

    #[test]
    fn exclusions_win_wherever_they_stand() {
        assert_eq!(
            select(&["!log_*", "*", "!Orders", "!absent"]).unwrap(),
            ["a*b", "customers", "orders"]
        );
    }

    #[test]
    fn a_view_is_copied_only_when_named() {
        assert_eq!(select(&["v_sales"]).unwrap(), ["v_sales"]);
        assert_eq!(select(&["v_sales", "o*"]).unwrap(), ["orders", "v_sales"]);
    }

    #[test]
    fn a_backslash_names_a_table_with_wildcards_in_its_name() {
        assert_eq!(select(&["a\\*b"]).unwrap(), ["a*b"]);
    }

    #[test]
    fn matching_is_case_sensitive() {
        assert_eq!(select(&["O*"]).unwrap(), ["Orders"]);
    }

    #[test]
    fn missing_names_are_all_told_with_near_matches() {
        let error = select(&["ordrs", "Customers", "*"]).unwrap_err();
        assert_eq!(error.kind, Kind::SourceObjectMissing);
        assert_eq!(
            error.message,
            "tables \"Customers\", \"ordrs\" do not exist at the source"
        );
        let hint = error.hint.unwrap();
        assert!(
            hint.contains("\"orders\"") && hint.contains("\"customers\""),
            "{hint}"
        );
        let error = select(&["nothing_like_it"]).unwrap_err();
        assert_eq!(
            error.message,
            "table \"nothing_like_it\" does not exist at the source"
        );
    }

    #[test]
    fn a_glob_may_find_nothing_but_a_name_may_not() {
        assert!(select(&["zzz*"]).unwrap().is_empty());
        assert!(select_units(&list(&["*"]), &[]).unwrap().is_empty());
        assert!(select_units(&list(&["orders"]), &[]).is_err());
    }
}
