//! Whether an existing table can take the rows of a plan. It is compared column by column before
//! the first row; all that does not fit is told at once, with the ALTER TABLE that fixes it.

use super::identifier::{quote, quoted_list};
use super::key::same_columns;
use super::misfit::{guarded, is_key, misfit, missing, refusal, unfilled};
use super::table::{ColumnPlan, TablePlan};
use crate::error::Result;
use crate::model::pg_type::PgType;

/// An existing table as the local catalog describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetTable {
    pub columns: Vec<TargetColumn>,
    /// Column sets with a valid, immediate, non-partial unique index over plain columns.
    pub unique_keys: Vec<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TargetColumn {
    pub name: String,
    /// What the codec writes: text for citext and enum types, a domain's base type, the pseudo OID
    /// of PostGIS's geometry.
    pub target: PgType,
    /// OID and type modifier as in `pg_attribute`.
    pub actual: PgType,
    /// The type as PostgreSQL prints it.
    pub type_name: String,
    pub not_null: bool,
    /// It fills itself when left out: a default, an identity of either kind, a generated column.
    pub has_default: bool,
    /// GENERATED ALWAYS AS (expression) STORED.
    pub generated: bool,
    pub identity_always: bool,
}

/// The plan with the target's own types.
pub fn fit_target(plan: &TablePlan, target: &TargetTable) -> Result<TablePlan> {
    let find = |name: &str| target.columns.iter().find(|found| found.name == name);
    let mut fitted = plan.clone();
    fitted.columns.clear();
    fitted.generated.clear();
    let mut mismatches = Vec::new();
    for generated in &plan.generated {
        match find(&generated.column.target_name) {
            None => mismatches.push(missing(
                &generated.column,
                &format!(" GENERATED ALWAYS AS ({}) STORED", generated.expression),
            )),
            Some(found) if found.generated => fitted.generated.push(generated.clone()),
            // A plain column in the target: it takes the source's values.
            Some(_) => {}
        }
    }
    let plain = plan.generated.iter().map(|generated| &generated.column);
    let plain = plain.filter(|column| find(&column.target_name).is_some_and(|f| !f.generated));
    for column in plan.columns.iter().chain(plain) {
        let Some(found) = find(&column.target_name) else {
            mismatches.push(missing(column, ""));
            continue;
        };
        if found.generated && column.source.generation.is_some() && !is_key(plan, column) {
            fitted.warnings.push(format!(
                "column {} is generated on both sides: it is not copied",
                quote(&column.target_name)
            ));
            continue;
        }
        mismatches.extend(misfit(plan, column, found));
        if column.source.nullable && found.not_null {
            fitted.warnings.push(format!(
                "column {} may be NULL at the source and is NOT NULL in the target: a NULL is refused",
                quote(&column.target_name)
            ));
        }
        fitted.columns.push(ColumnPlan {
            target: found.target,
            actual: Some(found.actual),
            type_name: found.type_name.clone(),
            cast: guarded(column, found),
            ..column.clone()
        });
    }
    mismatches.extend(
        target
            .columns
            .iter()
            .filter_map(|extra| unfilled(plan, extra)),
    );
    if !mismatches.is_empty() {
        return Err(refusal(plan, &mismatches));
    }
    if let Some(key) = &plan.key
        && merge_key(plan, target).is_none()
    {
        fitted.warnings.push(format!(
            "the target has no unique index over ({}): a reload replaces all rows in one transaction",
            quoted_list(&plan.target_columns(&key.columns))
        ));
    }
    Ok(fitted)
}

/// The key by which a reload can merge, with the target's names: the plan's, else the primary key,
/// where the target is unique by just that.
pub fn merge_key(plan: &TablePlan, target: &TargetTable) -> Option<Vec<String>> {
    [
        plan.key.as_ref().map(|key| &key.columns),
        plan.primary_key.as_ref(),
    ]
    .into_iter()
    .flatten()
    .map(|key| plan.target_columns(key))
    .find(|key| {
        target
            .unique_keys
            .iter()
            .any(|unique| same_columns(unique, key))
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{Planning, orders, planned};
    use super::*;
    use crate::error::Kind;
    use crate::model::pg_type::oid;
    use crate::model::table::{Generation, SourceColumn};

    fn plan() -> TablePlan {
        planned(&orders(), &[true, true])
    }

    fn column(name: &str, oid: u32, type_name: &str) -> TargetColumn {
        TargetColumn {
            name: name.to_string(),
            target: PgType::plain(oid),
            actual: PgType::plain(oid),
            type_name: type_name.to_string(),
            not_null: false,
            has_default: false,
            generated: false,
            identity_always: false,
        }
    }

    fn fitting() -> TargetTable {
        TargetTable {
            columns: vec![
                column("id", oid::INT8, "bigint"),
                column("code", oid::TEXT, "text"),
                column("order", oid::INT8, "bigint"),
                column("note", oid::TEXT, "text"),
            ],
            unique_keys: vec![vec!["code".into()], vec!["id".into()]],
        }
    }

    fn refused(target: &TargetTable) -> (String, String) {
        let error = fit_target(&plan(), target).unwrap_err();
        assert_eq!(error.kind, Kind::TargetMismatch);
        assert_eq!(
            error.message,
            "table \"shop.orders\" does not fit source table \"orders\""
        );
        (error.detail.unwrap(), error.hint.unwrap())
    }

    #[test]
    fn a_fitting_table_gives_the_plan_its_types() {
        let fitted = fit_target(&plan(), &fitting()).unwrap();
        assert_eq!(fitted.columns[0].target, PgType::plain(oid::INT8));
        assert_eq!(fitted.columns[1].target, PgType::plain(oid::TEXT));
        assert!(fitted.warnings.is_empty(), "{:?}", fitted.warnings);
    }

    #[test]
    fn all_mismatches_are_told_at_once_with_one_statement() {
        let mut target = fitting();
        target.columns[0] = column("id", oid::INT2, "smallint");
        target.columns[2].generated = true;
        target.columns.remove(3);
        let mut extra = column("Extra", oid::INT4, "integer");
        extra.not_null = true;
        target.columns.push(extra);
        let (detail, hint) = refused(&target);
        assert_eq!(
            detail,
            "column id: int(11) at the source, smallint in the target\n\
             column \"order\": bigint(20) at the source, generated in the target\n\
             column note: text at the source, missing in the target\n\
             column \"Extra\": not copied from the source, integer NOT NULL without default in the target"
        );
        assert_eq!(
            hint,
            "ALTER TABLE shop.orders ALTER COLUMN id TYPE integer USING id::integer, \
             ALTER COLUMN \"order\" DROP EXPRESSION, ADD COLUMN note text, \
             ALTER COLUMN \"Extra\" DROP NOT NULL;"
        );
    }

    #[test]
    fn a_rule_that_would_do_is_named() {
        let mut target = fitting();
        target.columns[2] = column("order", oid::BOOL, "boolean");
        let (_, hint) = refused(&target);
        assert_eq!(
            hint,
            "ALTER TABLE shop.orders ALTER COLUMN \"order\" TYPE bigint USING \"order\"::bigint; or check each value: \
             SELECT sync_alter_unit('<job>', 'orders', '{\"casts\":{\"order\":\"boolean\"}}');"
        );
    }

    #[test]
    fn an_extra_column_that_fills_itself_or_may_be_null_fits() {
        let nullable = column("a", oid::INT4, "integer");
        let filled = |change: fn(&mut TargetColumn)| {
            let mut extra = column("b", oid::INT4, "integer");
            extra.not_null = true;
            change(&mut extra);
            extra
        };
        for extra in [
            nullable,
            filled(|c| c.has_default = true),
            filled(|c| c.generated = true),
            filled(|c| c.identity_always = true),
        ] {
            let mut target = fitting();
            target.columns.push(extra);
            assert!(fit_target(&plan(), &target).is_ok());
        }
    }

    #[test]
    fn an_always_identity_fits_only_in_the_key() {
        let mut target = fitting();
        target.columns[0].identity_always = true;
        assert!(fit_target(&plan(), &target).is_ok());
        target.columns[2].identity_always = true;
        let (detail, hint) = refused(&target);
        assert!(detail.starts_with("column \"order\""), "{detail}");
        assert!(hint.contains("SET GENERATED BY DEFAULT"));
    }

    #[test]
    fn nullable_into_not_null_is_a_warning() {
        let mut target = fitting();
        target.columns[3].not_null = true;
        let fitted = fit_target(&plan(), &target).unwrap();
        assert!(fitted.warnings[0].starts_with("column note may be NULL"));
    }

    #[test]
    fn column_names_are_compared_exactly() {
        let mut target = fitting();
        target.columns[3].name = "Note".to_string();
        assert!(refused(&target).1.contains("ADD COLUMN note text"));
    }

    #[test]
    fn a_merge_needs_a_unique_index_over_just_the_key() {
        let mut target = fitting();
        assert_eq!(merge_key(&plan(), &target), Some(vec!["id".to_string()]));
        target.unique_keys = vec![vec!["id".into(), "code".into()], vec!["code".into()]];
        assert_eq!(merge_key(&plan(), &target), None);
        let fitted = fit_target(&plan(), &target).unwrap();
        assert!(fitted.warnings[0].contains("no unique index over (id)"));
        let mut composite = planned(&orders(), &[false, true]);
        target.unique_keys = vec![vec!["order".into(), "code".into()]];
        assert_eq!(
            merge_key(&composite, &target),
            Some(vec!["code".to_string(), "order".to_string()])
        );
        composite.key = None;
        assert_eq!(merge_key(&composite, &target), None);
    }

    #[test]
    fn generated_columns_fit_on_either_side() {
        let mut table = orders();
        table.columns[3] = SourceColumn {
            nullable: true,
            generation: Some(Generation {
                expression: "`id` + 1".to_string(),
                stored: false,
            }),
            ..table.columns[2].clone()
        };
        table.columns[3].name = "next".to_string();
        let plan = planned(&table, &[true, true]);
        assert_eq!((plan.columns.len(), plan.generated.len()), (3, 1));
        let mut target = fitting();
        target.columns[3] = column("next", oid::INT8, "bigint");
        target.columns[3].generated = true;
        let fitted = fit_target(&plan, &target).unwrap();
        assert_eq!((fitted.columns.len(), fitted.generated.len()), (3, 1));
        // A plain column takes the source's values.
        target.columns[3].generated = false;
        let fitted = fit_target(&plan, &target).unwrap();
        assert_eq!((fitted.columns.len(), fitted.generated.len()), (4, 0));
        target.columns.remove(3);
        let error = fit_target(&plan, &target).unwrap_err();
        assert!(
            error
                .hint
                .as_deref()
                .unwrap()
                .contains("ADD COLUMN next bigint GENERATED ALWAYS AS (id::bigint + 1) STORED"),
            "{error:?}"
        );
        // Both compute it, each in its way.
        table.columns[3].generation.as_mut().unwrap().expression = "foo(`id`)".to_string();
        let plan = planned(&table, &[true, true]);
        assert_eq!(plan.columns.len(), 4);
        target.columns.push(column("next", oid::INT8, "bigint"));
        target.columns[3].generated = true;
        let fitted = fit_target(&plan, &target).unwrap();
        assert_eq!(fitted.columns.len(), 3);
        assert!(fitted.warnings.iter().any(|w| w.contains("both sides")));
    }

    #[test]
    fn a_rule_of_the_user_guards_the_type_it_names_and_no_other() {
        let unit = Planning::unit(serde_json::json!({"casts": {"id": "smallint"}}));
        let plan = unit.plan(&orders(), &[true, true]).unwrap();
        assert_eq!(
            (plan.columns[0].type_name.as_str(), plan.columns[0].cast),
            ("smallint", true)
        );
        let mut target = fitting();
        target.columns[0] = column("id", oid::INT2, "smallint");
        let fitted = fit_target(&plan, &target).unwrap();
        assert!(fitted.columns[0].cast);
        assert_eq!(fitted.columns[0].actual, Some(PgType::plain(oid::INT2)));
        target.columns[0] = column("id", oid::INT8, "bigint");
        assert!(!fit_target(&plan, &target).unwrap().columns[0].cast);
        target.columns[0] = column("id", oid::BOOL, "boolean");
        assert!(fit_target(&plan, &target).is_err());
    }

    #[test]
    fn names_that_differ_are_matched_by_the_targets() {
        let mut table = orders();
        table.columns[0].name = "ID".to_string();
        table.keys[0].columns = vec!["ID".to_string()];
        let job = Planning::job(serde_json::json!({"names": "lower"}));
        let plan = job.plan(&table, &[true, true]).unwrap();
        let fitted = fit_target(&plan, &fitting()).unwrap();
        assert_eq!(fitted.key.as_ref().unwrap().columns, ["ID"]);
        assert_eq!(merge_key(&plan, &fitting()), Some(vec!["id".to_string()]));
    }
}
