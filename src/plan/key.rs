//! By which key a table is walked: the primary key, or else a unique key over NOT NULL columns.
//! It must be one the source can walk, and all its columns must be copied, since the last row's key
//! is the cursor.

use super::table::{KeyPlan, alter_unit};
use crate::error::{Error, Kind, Result};
use crate::model::table::{SourceColumn, SourceKey, SourceTable};

const NO_KEY: &str =
    "no primary or NOT NULL unique key: copied in one transaction; an interruption starts it again";

/// The key the user wants, or the best there is. What makes a key fall away becomes a warning.
pub(super) fn choose_key(
    table: &SourceTable,
    usable: &[bool],
    copied: &[&SourceColumn],
    wanted: Option<&[String]>,
    warnings: &mut Vec<String>,
) -> Result<Option<KeyPlan>> {
    let is_copied = |key: &SourceKey| {
        key.columns
            .iter()
            .all(|name| copied.iter().any(|column| column.name == *name))
    };
    let (walkable, unwalkable): (Vec<_>, Vec<_>) = table
        .keys
        .iter()
        .enumerate()
        .partition(|(at, _)| usable.get(*at).copied().unwrap_or(false));
    let walkable: Vec<&SourceKey> = walkable.into_iter().map(|(_, key)| key).collect();
    if let Some(wanted) = wanted {
        return wanted_key(table, &walkable, wanted, is_copied).map(Some);
    }
    let candidates = || walkable.iter().copied().filter(|key| is_copied(key));
    let best = candidates()
        .find(|key| key.primary)
        .or_else(|| candidates().next());
    if best.is_none() {
        for key in &walkable {
            warnings.push(format!(
                "key {} is not used: not all its columns are copied",
                described(key)
            ));
        }
        for (_, key) in unwalkable {
            warnings.push(format!(
                "key {} is not used: a column's type has no exact order to walk by",
                described(key)
            ));
        }
        warnings.push(NO_KEY.to_string());
    }
    Ok(best.map(planned))
}

fn wanted_key(
    table: &SourceTable,
    walkable: &[&SourceKey],
    wanted: &[String],
    is_copied: impl Fn(&SourceKey) -> bool,
) -> Result<KeyPlan> {
    let found = walkable
        .iter()
        .find(|key| key.columns == wanted)
        .or_else(|| {
            walkable
                .iter()
                .find(|key| same_columns(&key.columns, wanted))
        });
    match found {
        Some(key) if is_copied(key) => Ok(planned(key)),
        Some(key) => Err(Error::new(
            Kind::InvalidParameter,
            format!(
                "key {} of source table \"{}\" is not among the columns to copy",
                described(key),
                table.name
            ),
        )
        .with_hint("Add the key's columns to the unit's option \"columns\" with sync_alter_unit.")),
        None => {
            let usable: Vec<String> = walkable.iter().map(|key| described(key)).collect();
            let detail = if usable.is_empty() {
                "It has no usable key.".to_string()
            } else {
                format!("Its usable keys are: {}.", usable.join(", "))
            };
            Err(Error::new(
                Kind::InvalidParameter,
                format!(
                    "source table \"{}\" has no usable key ({})",
                    table.name,
                    wanted.join(", ")
                ),
            )
            .with_detail(format!(
                "{detail} A key is a primary key or a unique key over whole NOT NULL columns."
            ))
            .with_hint(format!(
                "Let the key be chosen: {}.",
                alter_unit(table, &serde_json::json!({"key": null}))
            )))
        }
    }
}

/// Whether two lists hold the same columns, in any order.
pub(super) fn same_columns(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|name| b.contains(name))
}

fn planned(key: &SourceKey) -> KeyPlan {
    KeyPlan {
        index: key.name.clone(),
        columns: key.columns.clone(),
        primary: key.primary,
        constraint: None,
    }
}

fn described(key: &SourceKey) -> String {
    format!("{} ({})", key.name, key.columns.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::sample::orders;
    use super::*;

    struct Chosen {
        index: Option<String>,
        warnings: Vec<String>,
    }

    fn choose(usable: &[bool], copied: &[&str], wanted: Option<&[&str]>) -> Result<Chosen> {
        let table = orders();
        let copied: Vec<&SourceColumn> = table
            .columns
            .iter()
            .filter(|column| copied.contains(&column.name.as_str()))
            .collect();
        let wanted: Option<Vec<String>> =
            wanted.map(|names| names.iter().map(|name| name.to_string()).collect());
        let mut warnings = Vec::new();
        let key = choose_key(&table, usable, &copied, wanted.as_deref(), &mut warnings)?;
        Ok(Chosen {
            index: key.map(|key| key.index),
            warnings,
        })
    }

    const ALL: &[&str] = &["id", "code", "order", "note"];

    #[test]
    fn the_primary_key_is_preferred() {
        let chosen = choose(&[true, true], ALL, None).unwrap();
        assert_eq!(chosen.index.as_deref(), Some("PRIMARY"));
        assert!(chosen.warnings.is_empty());
    }

    #[test]
    fn else_the_first_usable_unique_key() {
        let chosen = choose(&[false, true], ALL, None).unwrap();
        assert_eq!(chosen.index.as_deref(), Some("code_order"));
        let chosen = choose(&[true, true], &["code", "order"], None).unwrap();
        assert_eq!(chosen.index.as_deref(), Some("code_order"));
        assert!(chosen.warnings.is_empty());
    }

    #[test]
    fn a_key_not_wholly_copied_is_not_used_and_told() {
        let chosen = choose(&[true, true], &["code", "note"], None).unwrap();
        assert_eq!(chosen.index, None);
        assert_eq!(
            chosen.warnings,
            [
                "key PRIMARY (id) is not used: not all its columns are copied",
                "key code_order (code, order) is not used: not all its columns are copied",
                NO_KEY
            ]
        );
    }

    #[test]
    fn a_key_the_source_cannot_walk_is_not_used_and_told() {
        for usable in [&[false, false][..], &[]] {
            let chosen = choose(usable, ALL, None).unwrap();
            assert_eq!(chosen.index, None);
            assert_eq!(chosen.warnings.len(), 3);
        }
    }

    #[test]
    fn a_table_without_key_is_warned_of() {
        let mut table = orders();
        table.keys.clear();
        let copied: Vec<&SourceColumn> = table.columns.iter().collect();
        let mut warnings = Vec::new();
        assert_eq!(
            choose_key(&table, &[], &copied, None, &mut warnings),
            Ok(None)
        );
        assert_eq!(warnings, [NO_KEY]);
    }

    #[test]
    fn a_wanted_key_is_taken_in_any_order_of_its_columns() {
        for wanted in [["code", "order"], ["order", "code"]] {
            let chosen = choose(&[true, true], ALL, Some(&wanted)).unwrap();
            assert_eq!(chosen.index.as_deref(), Some("code_order"));
        }
    }

    #[test]
    fn a_wanted_key_that_cannot_be_used_lists_those_that_can() {
        for (usable, wanted) in [([true, true], "note"), ([true, false], "code")] {
            let error = choose(&usable, ALL, Some(&[wanted])).err().unwrap();
            assert_eq!(error.kind, Kind::InvalidParameter);
            assert!(error.detail.unwrap().contains("PRIMARY (id)"));
            assert!(error.hint.unwrap().contains("{\"key\":null}"));
        }
        let error = choose(&[true, true], &["note"], Some(&["id"]))
            .err()
            .unwrap();
        assert!(error.message.contains("not among the columns to copy"));
    }
}
