//! Which of the user's rules a column follows: the unit's by its name, else the job's by its type,
//! the most exact first.

use super::identifier::quote;
use super::near::near;
use crate::codec;
use crate::model::cast::{Cast, Casts};
use crate::model::table::SourceColumn;

/// The rule for a column, if there is one.
pub(super) fn rule<'a>(casts: &'a Casts, column: &SourceColumn) -> Option<&'a Cast> {
    let by_name = casts.columns.iter().find(|cast| cast.from == column.name);
    by_name.or_else(|| {
        casts
            .types
            .iter()
            .filter_map(|cast| {
                codec::cast_specificity(column, &cast.from).map(|exactness| (exactness, cast))
            })
            // Of two that are as exact, the first in the order of their spelling.
            .max_by(|(a, one), (b, other)| a.cmp(b).then(other.from.cmp(&one.from)))
            .map(|(_, cast)| cast)
    })
}

/// The unit's rules that no column follows.
pub(super) fn unused(casts: &Casts, columns: &[&SourceColumn]) -> Vec<String> {
    casts
        .columns
        .iter()
        .filter(|cast| columns.iter().all(|column| column.name != cast.from))
        .map(|cast| {
            let meant = near(
                &cast.from,
                columns.iter().map(|column| column.name.as_str()),
            );
            let meant = match meant.first() {
                Some(meant) => format!("; perhaps {} is meant", quote(meant)),
                None => String::new(),
            };
            format!(
                "the cast rule for {} has no effect: no column of that name is copied{meant}",
                quote(&cast.from)
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::sample::column;
    use super::*;
    use crate::model::table::SourceType;

    fn casts(columns: &[(&str, &str)], types: &[(&str, &str)]) -> Casts {
        let made = |rules: &[(&str, &str)]| {
            rules
                .iter()
                .map(|(from, to)| Cast {
                    from: from.to_string(),
                    to: to.to_string(),
                })
                .collect()
        };
        Casts {
            columns: made(columns),
            types: made(types),
        }
    }

    #[test]
    fn the_most_exact_rule_wins() {
        let flag = column(
            "flag",
            SourceType::TinyInt { unsigned: false },
            "tinyint(1)",
        );
        let to = |casts: &Casts| rule(casts, &flag).map(|cast| cast.to.clone());
        let types = [("tinyint", "integer"), ("tinyint(1)", "boolean")];
        assert_eq!(
            to(&casts(&[("flag", "text")], &types)).as_deref(),
            Some("text")
        );
        assert_eq!(
            to(&casts(&[("other", "text")], &types)).as_deref(),
            Some("boolean")
        );
        assert_eq!(to(&casts(&[], &types[..1])).as_deref(), Some("integer"));
        assert_eq!(to(&casts(&[], &[("int", "text")])), None);
    }

    #[test]
    fn a_rule_for_no_column_is_told() {
        let flag = column(
            "flag",
            SourceType::TinyInt { unsigned: false },
            "tinyint(1)",
        );
        assert_eq!(
            unused(&casts(&[("Flag", "text"), ("flag", "text")], &[]), &[&flag]),
            [
                "the cast rule for \"Flag\" has no effect: no column of that name is copied; perhaps flag is meant"
            ]
        );
    }
}
