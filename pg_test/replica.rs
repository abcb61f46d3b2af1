//! A source table in memory whose changes are applied to a target: what the tests of applying share.

use crate::codec::{ColumnEncoder, ColumnRules, NetChanges, RowEncoder};
use crate::model::cell::Cell;
use crate::model::options::JobOptions;
use crate::model::table::{SourceColumn, SourceKey, SourceTable, SourceType};
use crate::model::unit_options::UnitOptions;
use crate::pg::spi;
use crate::plan::context::{Installed, PlanContext};
use crate::plan::table::plan_table;
use crate::sink::apply::{Applied, Applier, Care};
use crate::sink::target;

pub const SCHEMA: &str = "tributary_test_apply";

pub struct Replica {
    pub net: NetChanges,
    pub applier: Applier,
    pub columns: Vec<SourceColumn>,
}

pub fn column(name: &str, source_type: SourceType) -> SourceColumn {
    SourceColumn {
        nullable: false,
        character_set: Some("utf8mb4".to_string()),
        collation: Some("utf8mb4_general_ci".to_string()),
        ..SourceColumn::new(name, source_type)
    }
}

/// `id` integer, `code` integer, `note` text.
pub fn notes() -> Vec<SourceColumn> {
    vec![
        column("id", SourceType::Int { unsigned: false }),
        column("code", SourceType::Int { unsigned: false }),
        column("note", SourceType::Text),
    ]
}

impl Replica {
    /// The target is made by the plan, then altered by `ddl`, whose `%s` is its name.
    pub fn new(columns: Vec<SourceColumn>, key: &[&str], ddl: &[&str]) -> Replica {
        let keys = match key {
            [] => Vec::new(),
            key => vec![SourceKey {
                name: "PRIMARY".to_string(),
                primary: true,
                columns: key.iter().map(|name| name.to_string()).collect(),
            }],
        };
        let table = SourceTable {
            schema: "source".to_string(),
            name: "t".to_string(),
            columns: columns.clone(),
            keys,
            ..SourceTable::default()
        };
        let plan = plan_table(
            &table,
            &[true],
            &PlanContext {
                target_schema: SCHEMA,
                target_table: "t",
                target_tables: &["t".to_string()],
                job: &JobOptions::parse(&serde_json::json!({})).unwrap(),
                unit: &UnitOptions::default(),
                installed: &Installed::default(),
            },
        )
        .unwrap();
        target::find_or_create(&plan, target::Create::Missing).unwrap();
        for sql in ddl {
            spi::execute(&sql.replace("%s", &format!("{SCHEMA}.t")), &[]).unwrap();
        }
        let fitted = target::get(&plan).unwrap();
        let encoder = fitted.plan.columns.iter().map(|column| {
            let rules = ColumnRules {
                cast: column.cast,
                ..ColumnRules::default()
            };
            let encoder = ColumnEncoder::new(&column.source, column.target, rules).unwrap();
            (column.source.name.clone(), encoder)
        });
        let encoder = RowEncoder::new(encoder.collect());
        let applier = Applier::new(7, fitted).unwrap();
        let net = NetChanges::new(encoder, columns.clone(), applier.key().clone()).unwrap();
        Replica {
            net,
            applier,
            columns,
        }
    }

    pub fn apply(&mut self, care: Care) -> Applied {
        let changes = self.net.take();
        self.applier.apply(changes, care).unwrap()
    }
}

/// A row of `notes`.
pub fn note(id: i64, code: i64, note: &str) -> std::array::IntoIter<Cell<'_>, 3> {
    [Cell::Int(id), Cell::Int(code), Cell::Bytes(note.as_bytes())].into_iter()
}

/// The target's rows, in their order, as `(1,2,x)(…)`.
pub fn target_rows() -> String {
    #[derive(serde::Deserialize)]
    struct Row {
        rows: Option<String>,
    }
    let sql = format!(
        "SELECT pg_catalog.string_agg(t::text, '' ORDER BY t::text COLLATE \"C\") AS rows FROM {SCHEMA}.t"
    );
    let found: Option<Row> = spi::query_first(&sql, &[]).unwrap();
    found.and_then(|row| row.rows).unwrap_or_default()
}
