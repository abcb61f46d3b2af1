//! Columns with their defaults and generation expressions, from `information_schema.columns`.
//!
//! MariaDB tells a default as SQL, MySQL as the bare value, with `DEFAULT_GENERATED` in EXTRA for an
//! expression. Neither tells every value: characters beyond the catalog's own character set are
//! question marks, bytes end at the first zero, a `timestamp` is in the zone of who made the table.
//! Such defaults are those of the table's definition.

use mysql_async::Row;

use super::column_type::{self, Described};
use super::definition::Definition;
use super::expression::{number as is_number, string, unescaped};
use super::schema::{number, optional_text, text};
use super::session::{Flavor, ServerInfo};
use crate::error::Result;
use crate::model::table::{Generation, SourceColumn, SourceDefault, SourceType};

const COLUMNS: &str = "SELECT TABLE_NAME AS a, COLUMN_NAME AS b, DATA_TYPE AS c, COLUMN_TYPE AS d, \
     IS_NULLABLE AS e, CHARACTER_MAXIMUM_LENGTH AS f, NUMERIC_PRECISION AS g, NUMERIC_SCALE AS h, \
     DATETIME_PRECISION AS i, CHARACTER_SET_NAME AS j, COLLATION_NAME AS k, EXTRA AS l, \
     COLUMN_DEFAULT AS m, GENERATION_EXPRESSION AS n, COLUMN_COMMENT AS o, {srid} AS p \
     FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? \
     ORDER BY ORDINAL_POSITION";

/// The query for a server's columns, and how its rows are read.
pub(super) struct ColumnQuery {
    pub sql: String,
    flavor: Flavor,
}

impl ColumnQuery {
    pub(super) fn new(server: &ServerInfo) -> Self {
        let srid = match server.flavor {
            Flavor::MySql if server.version >= (8, 0, 3) => "SRS_ID",
            // MariaDB's REF_SYSTEM_ID binds no value to it.
            _ => "NULL",
        };
        ColumnQuery {
            sql: COLUMNS.replace("{srid}", srid),
            flavor: server.flavor,
        }
    }

    pub(super) fn column(&self, row: &Row, json_columns: &[String]) -> Result<SourceColumn> {
        let name = text(row, 1)?;
        let type_name = text(row, 3)?;
        let described = Described {
            data_type: text(row, 2)?,
            column_type: type_name.clone(),
            character_length: number(row, 5)?,
            precision: number(row, 6)?,
            scale: number(row, 7)?,
            fraction: number(row, 8)?,
            json_checked: json_columns.contains(&name),
            srid: number(row, 15)?,
        };
        let source_type = column_type::source_type(&described);
        let extra = text(row, 11)?.to_ascii_uppercase();
        let default = optional_text(row, 12)?;
        Ok(SourceColumn {
            type_name,
            nullable: text(row, 4)? != "NO",
            character_set: optional_text(row, 9)?,
            collation: optional_text(row, 10)?,
            default: default.and_then(|told| self.default(&told, &extra, &source_type)),
            auto_increment: extra.contains("AUTO_INCREMENT"),
            on_update_now: extra.contains("ON UPDATE"),
            generation: self.generation(&extra, &text(row, 13)?),
            comment: optional_text(row, 14)?.filter(|comment| !comment.is_empty()),
            ..SourceColumn::new(name, source_type)
        })
    }

    fn default(&self, told: &str, extra: &str, source_type: &SourceType) -> Option<SourceDefault> {
        match self.flavor {
            Flavor::MariaDb => mariadb_default(told),
            Flavor::MySql => Some(mysql_default(told, extra, source_type)),
        }
    }

    /// DEFAULT_GENERATED is a default, not a generated column.
    fn generation(&self, extra: &str, expression: &str) -> Option<Generation> {
        let stored = extra.contains("STORED GENERATED") || extra.contains("PERSISTENT");
        if !stored && !extra.contains("VIRTUAL") {
            return None;
        }
        Some(Generation {
            expression: match self.flavor {
                Flavor::MySql => unescaped(expression),
                Flavor::MariaDb => expression.to_string(),
            },
            stored,
        })
    }
}

/// SQL: a string, a number, bits, the word NULL, or an expression.
fn mariadb_default(told: &str) -> Option<SourceDefault> {
    if told.eq_ignore_ascii_case("null") {
        return None;
    }
    if let Some(text) = string(told) {
        return Some(SourceDefault::Literal(text));
    }
    let plain = is_number(told) || told.starts_with("b'");
    Some(match plain {
        true => SourceDefault::Literal(told.to_string()),
        false => SourceDefault::Expression(told.to_string()),
    })
}

/// The value, unless EXTRA says that it is an expression. MySQL 5.7 has one expression and does not
/// say so.
fn mysql_default(told: &str, extra: &str, source_type: &SourceType) -> SourceDefault {
    let moment = matches!(
        source_type,
        SourceType::DateTime { .. } | SourceType::Timestamp { .. }
    );
    let now = moment && told.to_ascii_uppercase().starts_with("CURRENT_TIMESTAMP");
    match extra.contains("DEFAULT_GENERATED") || now {
        true => SourceDefault::Expression(unescaped(told)),
        false => SourceDefault::Literal(told.to_string()),
    }
}

/// Puts in the defaults that the catalog may not tell as they are. What stays in doubt becomes an
/// expression, which nobody takes for the value.
pub(super) fn set_defaults(columns: &mut [SourceColumn], definition: &Definition, flavor: Flavor) {
    for column in columns.iter_mut().filter(|column| is_doubtful(column)) {
        let Some(SourceDefault::Literal(told)) = column.default.take() else {
            continue;
        };
        let bytes = definition.default_of(&column.name);
        let exact = match &column.source_type {
            other if is_binary(other) => bytes.map(hexadecimal),
            SourceType::Timestamp { .. } => bytes.and_then(utf8),
            // MariaDB has question marks there too.
            _ if flavor == Flavor::MySql => bytes.and_then(utf8),
            _ => None,
        };
        column.default = Some(match exact {
            Some(exact) => SourceDefault::Literal(exact),
            None => SourceDefault::Expression(super::told::literal(&told)),
        });
    }
}

fn utf8(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

fn is_doubtful(column: &SourceColumn) -> bool {
    let Some(SourceDefault::Literal(told)) = &column.default else {
        return false;
    };
    match &column.source_type {
        SourceType::Timestamp { .. } => true,
        SourceType::Char { .. }
        | SourceType::VarChar { .. }
        | SourceType::Text
        | SourceType::Enum { .. }
        | SourceType::Set { .. } => told.contains('?'),
        other => is_binary(other),
    }
}

fn is_binary(source_type: &SourceType) -> bool {
    matches!(
        source_type,
        SourceType::Binary { .. } | SourceType::VarBinary { .. } | SourceType::Blob
    )
}

/// Bytes as MySQL writes such a default.
fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("0x");
    for byte in bytes {
        text.push_str(&format!("{byte:02X}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Option<SourceDefault> {
        Some(SourceDefault::Literal(text.to_string()))
    }

    fn expression(text: &str) -> Option<SourceDefault> {
        Some(SourceDefault::Expression(text.to_string()))
    }

    /// What MariaDB 10.11 gives.
    #[test]
    fn mariadb_tells_defaults_as_sql() {
        for (told, expected) in [
            ("NULL", None),
            ("'NULL'", literal("NULL")),
            ("5", literal("5")),
            ("-0.50", literal("-0.50")),
            ("1e100", literal("1e100")),
            ("b'101'", literal("b'101'")),
            (
                r#"'it''s "q" \\ back\nnl'"#,
                literal("it's \"q\" \\ back\nnl"),
            ),
            ("'current_timestamp()'", literal("current_timestamp()")),
            ("current_timestamp(6)", expression("current_timestamp(6)")),
            ("(1 + 2)", expression("(1 + 2)")),
            ("concat('a','b')", expression("concat('a','b')")),
            ("'a' in ('a')", expression("'a' in ('a')")),
            ("''", literal("")),
        ] {
            assert_eq!(mariadb_default(told), expected, "{told}");
        }
    }

    /// What MySQL 9.7 gives.
    #[test]
    fn mysql_tells_defaults_as_values() {
        let text = SourceType::Text;
        let moment = SourceType::DateTime { fraction: 6 };
        let generated = "DEFAULT_GENERATED";
        for (told, extra, source_type, expected) in [
            ("NULL", "", &text, literal("NULL")),
            ("CURRENT_TIMESTAMP", "", &text, literal("CURRENT_TIMESTAMP")),
            (
                "it's \"q\" \\ back\nnl",
                "",
                &text,
                literal("it's \"q\" \\ back\nnl"),
            ),
            (
                "CURRENT_TIMESTAMP(6)",
                generated,
                &moment,
                expression("CURRENT_TIMESTAMP(6)"),
            ),
            (
                "CURRENT_TIMESTAMP(6)",
                "",
                &moment,
                expression("CURRENT_TIMESTAMP(6)"),
            ),
            (
                "2020-01-02 03:04:05",
                "",
                &moment,
                literal("2020-01-02 03:04:05"),
            ),
            (
                r"concat(_utf8mb4\'a\',_utf8mb4\'b\')",
                generated,
                &text,
                expression("concat(_utf8mb4'a',_utf8mb4'b')"),
            ),
        ] {
            assert_eq!(
                Some(mysql_default(told, extra, source_type)),
                expected,
                "{told}"
            );
        }
    }

    #[test]
    fn a_generated_column_is_told_from_a_generated_default() {
        let query = |flavor| ColumnQuery {
            sql: String::new(),
            flavor,
        };
        let mysql = query(Flavor::MySql);
        assert_eq!(mysql.generation("DEFAULT_GENERATED", ""), None);
        assert_eq!(
            mysql.generation("VIRTUAL GENERATED INVISIBLE", r"concat(`s`,_utf8mb4\'-\')"),
            Some(Generation {
                expression: "concat(`s`,_utf8mb4'-')".into(),
                stored: false
            })
        );
        let stored = query(Flavor::MariaDb).generation("STORED GENERATED", r"'one\'s'");
        assert_eq!(
            stored,
            Some(Generation {
                expression: r"'one\'s'".into(),
                stored: true
            })
        );
    }

    #[test]
    fn doubtful_defaults_are_taken_from_the_definition() {
        let column = |name: &str, source_type, default: &str| SourceColumn {
            default: literal(default),
            ..SourceColumn::new(name, source_type)
        };
        let columns = [
            column("a", SourceType::Int { unsigned: false }, "1"),
            column("b", SourceType::Text, "ä?"),
            column("c", SourceType::Binary { length: 4 }, "0xFF"),
            column(
                "d",
                SourceType::Timestamp { fraction: 0 },
                "2020-01-01 10:00:00",
            ),
        ];
        let definition = Definition::read(
            "(`b` text DEFAULT 0xC3A4F09F9880, `c` binary(3) DEFAULT 0xFF0041, \
             `d` timestamp DEFAULT '2020-01-01 05:00:00')"
                .as_bytes(),
            "s",
        );
        let mut found = columns.clone();
        set_defaults(&mut found, &definition, Flavor::MySql);
        let defaults: Vec<_> = found.into_iter().map(|column| column.default).collect();
        assert_eq!(
            defaults,
            [
                literal("1"),
                literal("ä😀"),
                literal("0xFF0041"),
                literal("2020-01-01 05:00:00")
            ]
        );
        let mut found = columns;
        set_defaults(&mut found, &definition, Flavor::MariaDb);
        assert_eq!(found[1].default, expression("'ä?'"));
    }
}
