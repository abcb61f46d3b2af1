//! What the source's collations find equal that PostgreSQL tells apart: upper and lower case,
//! accents, spaces at the end. And the collation of ICU that comes nearest.

use super::columns::{Column, Draft};
use super::identifier::{literal, qualified, quote};
use super::reuse::{OWN_ROLE, create_or_reuse};
use crate::model::options::CaseInsensitive;
use crate::model::pg_type::oid;
use crate::model::table::{IndexExpression, SourceColumn, SourceIndex, SourceTable, SourceType};

/// ICU's tag of a collation's language, by the source's names of it. Any other is the root's.
const LANGUAGES: [(&str, &str); 43] = [
    ("croatian", "hr"),
    ("cs", "cs"),
    ("czech", "cs"),
    ("da", "da"),
    ("danish", "da"),
    ("de_pb", "de-u-co-phonebk"),
    ("eo", "eo"),
    ("es", "es"),
    ("es_trad", "es-u-co-trad"),
    ("esperanto", "eo"),
    ("estonian", "et"),
    ("et", "et"),
    ("german2", "de-u-co-phonebk"),
    ("hr", "hr"),
    ("hu", "hu"),
    ("hungarian", "hu"),
    ("icelandic", "is"),
    ("is", "is"),
    ("ja", "ja"),
    ("latvian", "lv"),
    ("lithuanian", "lt"),
    ("lt", "lt"),
    ("lv", "lv"),
    ("persian", "fa"),
    ("pl", "pl"),
    ("polish", "pl"),
    ("ro", "ro"),
    ("romanian", "ro"),
    ("sinhala", "si"),
    ("sk", "sk"),
    ("sl", "sl"),
    ("slovak", "sk"),
    ("slovenian", "sl"),
    ("spanish", "es"),
    ("spanish2", "es-u-co-trad"),
    ("sv", "sv"),
    ("swedish", "sv"),
    ("tr", "tr"),
    ("turkish", "tr"),
    ("vi", "vi"),
    ("vietnamese", "vi"),
    ("zh", "zh"),
    ("nb", "nb"),
];

/// How a text column compares at the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Comparison {
    pub ignores_case: bool,
    pub ignores_accents: bool,
    /// Spaces at the end do not count (PAD SPACE).
    pub ignores_padding: bool,
}

/// None for what is no text, or compares byte by byte.
pub(super) fn comparison(column: &SourceColumn) -> Option<Comparison> {
    let name = column.collation.as_deref()?.to_ascii_lowercase();
    if name == "binary" {
        return None;
    }
    let ends = |ending: &str| name.ends_with(ending);
    let ignores_case = ends("_ci");
    Some(Comparison {
        ignores_case,
        ignores_accents: ignores_case && !ends("_as_ci"),
        ignores_padding: !name.contains("_0900_") && !name.contains("nopad"),
    })
}

/// What becomes of the keys over text: which values the source takes for one key and the target
/// does not.
pub(super) fn warnings(draft: &Draft<'_>, primary_key: Option<&[String]>) -> Vec<String> {
    let mut by_case: Vec<String> = Vec::new();
    let mut by_padding: Vec<String> = Vec::new();
    let mut by_icu: Vec<String> = Vec::new();
    for column in draft.columns.iter().filter(|column| {
        let name = column.source.name.as_str();
        is_text(column) && is_key(draft.table, primary_key, name)
    }) {
        let Some(comparison) = comparison(column.source) else {
            continue;
        };
        let name = quote(&column.name);
        let type_name = &column.typed.type_name;
        let ignoring =
            comparison.ignores_case && draft.context.job.case_insensitive != CaseInsensitive::Exact;
        if ignoring && type_name.contains(" COLLATE ") {
            by_icu.push(name.clone());
        }
        if comparison.ignores_case && !ignoring {
            by_case.push(name);
        } else if comparison.ignores_padding {
            by_padding.push(name);
        }
    }
    let told = |columns: Vec<String>, what: &str| {
        (!columns.is_empty()).then(|| format!("keys over {}: {what}", columns.join(", ")))
    };
    [
        told(by_case, "the source's collation takes texts for equal that differ in case (and may in accents or spaces at the end), PostgreSQL tells them apart; a foreign key may find no partner; the job's option case_insensitive (icu or citext) keeps case from counting"),
        told(by_padding, "the source ignores spaces at the end, PostgreSQL does not"),
        told(by_icu, "ICU's collation is not the source's own: it may find other texts equal; before PostgreSQL 18 there is no LIKE on such a column"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn is_text(column: &Column<'_>) -> bool {
    let text = matches!(column.typed.target.oid, oid::TEXT | oid::VARCHAR);
    // Labels are written in one way.
    text && !matches!(column.source.source_type, SourceType::Enum { .. })
}

/// Whether a column is part of a primary, unique or foreign key.
fn is_key(table: &SourceTable, primary_key: Option<&[String]>, name: &str) -> bool {
    let has = |columns: &[String]| columns.iter().any(|column| column == name);
    let unique = |index: &SourceIndex| {
        index.unique
            && index.parts.iter().any(|part| match &part.expression {
                IndexExpression::Column(column) | IndexExpression::Prefix { column, .. } => {
                    column == name
                }
                IndexExpression::Expression(_) => false,
            })
    };
    primary_key.is_some_and(has)
        || table.indexes.iter().any(unique)
        || table.foreign_keys.iter().any(|key| has(&key.columns))
}

/// A nondeterministic collation of the target schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IcuCollation {
    /// Qualified and quoted.
    pub name: String,
    pub create_sql: String,
}

/// The collation for a column whose own ignores case.
pub(super) fn icu(column: &SourceColumn, schema: &str) -> Option<IcuCollation> {
    let comparison = comparison(column).filter(|comparison| comparison.ignores_case)?;
    let language = language(column.collation.as_deref().unwrap_or(""));
    let level = match comparison.ignores_accents {
        true => 1,
        false => 2,
    };
    let locale = match language.split_once("-u-") {
        Some((tag, keys)) => format!("{tag}-u-{keys}-ks-level{level}"),
        None => format!("{language}-u-ks-level{level}"),
    };
    let kind = match comparison.ignores_accents {
        true => "ai_ci",
        false => "as_ci",
    };
    let short = match language {
        "und" => format!("mysql_{kind}"),
        language => format!("mysql_{}_{kind}", language.replace("-u-co-", "_")),
    };
    let name = qualified(schema, &short);
    Some(IcuCollation {
        create_sql: create_or_reuse(
            &format!(
                "CREATE COLLATION {name} (provider = icu, locale = {}, deterministic = false)",
                literal(&locale)
            ),
            // The locale's column has another name in each of several versions.
            &format!(
                "SELECT FROM pg_catalog.pg_collation AS c\n        \
                 WHERE c.oid = {}::pg_catalog.regcollation AND c.collowner = {OWN_ROLE}\n        \
                 AND c.collprovider = 'i' AND NOT c.collisdeterministic\n        \
                 AND {} IN (pg_catalog.to_jsonb(c)->>'colllocale', \
                 pg_catalog.to_jsonb(c)->>'colliculocale', pg_catalog.to_jsonb(c)->>'collcollate')",
                literal(&name),
                literal(&locale)
            ),
        ),
        name,
    })
}

/// `swedish` of `utf8mb4_swedish_ci`, `de_pb` of `utf8mb4_de_pb_0900_ai_ci`.
fn language(collation: &str) -> &'static str {
    let lower = collation.to_ascii_lowercase();
    let Some((_, rest)) = lower.split_once('_') else {
        return "und";
    };
    let rest = rest.strip_prefix("uca1400_").unwrap_or(rest);
    LANGUAGES
        .iter()
        .filter(|(name, _)| {
            rest.strip_prefix(name)
                .is_some_and(|after| after.starts_with('_'))
        })
        .max_by_key(|(name, _)| name.len())
        .map_or("und", |(_, tag)| tag)
}

#[cfg(test)]
mod tests {
    use super::super::sample::text_column;
    use super::*;
    use crate::model::table::SourceType;

    fn with(collation: &str) -> SourceColumn {
        SourceColumn {
            collation: Some(collation.to_string()),
            ..text_column("c", SourceType::Text, "text")
        }
    }

    #[test]
    fn what_a_collation_ignores_is_in_its_name() {
        for (collation, case, accents, padding) in [
            ("utf8mb4_general_ci", true, true, true),
            ("utf8mb4_0900_ai_ci", true, true, false),
            ("utf8mb4_0900_as_ci", true, false, false),
            ("utf8mb4_0900_as_cs", false, false, false),
            ("utf8mb4_bin", false, false, true),
            ("utf8mb4_0900_bin", false, false, false),
            ("utf8mb4_nopad_bin", false, false, false),
            ("uca1400_ai_ci", true, true, true),
            ("latin1_general_cs", false, false, true),
        ] {
            assert_eq!(
                comparison(&with(collation)),
                Some(Comparison {
                    ignores_case: case,
                    ignores_accents: accents,
                    ignores_padding: padding,
                }),
                "{collation}"
            );
        }
        assert_eq!(comparison(&with("binary")), None);
    }

    #[test]
    fn the_icu_collation_has_level_and_language() {
        for (collation, name, locale) in [
            ("utf8mb4_general_ci", "mysql_ai_ci", "und-u-ks-level1"),
            ("utf8mb4_0900_as_ci", "mysql_as_ci", "und-u-ks-level2"),
            ("latin1_swedish_ci", "mysql_sv_ai_ci", "sv-u-ks-level1"),
            (
                "utf8mb4_es_trad_0900_ai_ci",
                "mysql_es_trad_ai_ci",
                "es-u-co-trad-ks-level1",
            ),
            (
                "utf8mb4_uca1400_swedish_ai_ci",
                "mysql_sv_ai_ci",
                "sv-u-ks-level1",
            ),
            (
                "utf8mb3_german2_ci",
                "mysql_de_phonebk_ai_ci",
                "de-u-co-phonebk-ks-level1",
            ),
        ] {
            let found = icu(&with(collation), "shop").unwrap();
            assert_eq!(found.name, format!("shop.{name}"));
            assert!(
                found.create_sql.contains(&format!("'{locale}'")),
                "{}",
                found.create_sql
            );
        }
        assert_eq!(icu(&with("utf8mb4_bin"), "shop"), None);
    }
}
