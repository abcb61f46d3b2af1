//! What each unit was planned as: types, key, indexes, warnings. Folded away until somebody asks.

use super::data::{Column, Data, Plan};
use super::format::grouped;
use super::html::Html;
use super::table::{self, cell, left_out, row_head};
use super::{FULL, many_jobs};

/// Opened from the start where there are no more.
const FEW: usize = 2;

pub fn section(h: &mut Html, data: &Data) {
    table::section(h, "plans", "Plans", "source type → target type", |h| {
        if data.plans.is_empty() {
            h.leaf("p", "empty", "No unit has been prepared yet.");
            return;
        }
        let open: &[(&str, &str)] = match data.plans.len() <= FEW {
            true => &[("open", "")],
            false => &[],
        };
        let mut shown = 0;
        for plan in &data.plans {
            if h.size() > FULL {
                break;
            }
            shown += 1;
            h.element("details", open, |h| {
                h.element("summary", &[], |h| summary(h, plan, many_jobs(data)));
                content(h, plan);
            });
        }
        // Units without a plan are among the total, and are not missed here.
        let planned = data.plans.len() as i64;
        left_out(h, shown, planned, "plans");
    });
}

fn summary(h: &mut Html, plan: &Plan, many: bool) {
    h.element("b", &[], |h| {
        if many {
            h.text_up_to(80, &plan.job);
            h.text(" / ");
        }
        h.text_up_to(80, &plan.unit);
    });
    let columns = plan.columns_total.unwrap_or(plan.columns.len() as i64);
    let mut facts = vec![format!("{} columns", grouped(columns))];
    facts.push(match plan.key.is_empty() {
        true => "no key".to_owned(),
        false => format!("key {}", plan.key.join(", ")),
    });
    facts.extend(
        plan.method
            .as_ref()
            .map(|method| format!("method {method}")),
    );
    if !plan.warnings.is_empty() {
        facts.push(match plan.warnings.len() {
            1 => "1 warning".to_owned(),
            warnings => format!("{warnings} warnings"),
        });
    }
    h.leaf("span", "note", &facts.join(" · "));
}

fn content(h: &mut Html, plan: &Plan) {
    if !plan.warnings.is_empty() {
        h.element("ul", &[("class", "warnings")], |h| {
            for warning in plan.warnings.iter().take(20) {
                h.leaf("li", "", warning);
            }
        });
    }
    if let Some(filter) = &plan.filter {
        h.leaf("p", "filter", &format!("only rows where {filter}"));
    }
    let heads = [
        ("Column", ""),
        ("Source type", ""),
        ("Target type", ""),
        ("Target column", ""),
        ("NULL", ""),
    ];
    let mut shown = 0;
    table::table(h, "Columns", &heads, |h| {
        for column in &plan.columns {
            if h.size() > FULL {
                break;
            }
            shown += 1;
            h.element("tr", &[], |h| row(h, column));
        }
    });
    left_out(h, shown, plan.columns_total.unwrap_or(0), "columns");
    if !plan.steps.is_empty() {
        h.element("ul", &[("class", "steps")], |h| {
            for step in &plan.steps {
                h.element("li", &[], |h| {
                    h.text(match step.kind.as_str() {
                        "foreign_key" => "foreign key ",
                        _ => "index ",
                    });
                    h.element("b", &[], |h| h.text_up_to(80, &step.name));
                    if let Some(referenced) = &step.referenced_unit {
                        h.text(" to ");
                        h.text_up_to(80, referenced);
                    }
                    h.leaf("span", "note", &step.status);
                });
            }
        });
    }
}

fn row(h: &mut Html, column: &Column) {
    let source = column.source.as_deref().unwrap_or("–");
    let target = column.target.as_deref().unwrap_or("–");
    row_head(h, source);
    table::name(h, "mono", column.source_type.as_deref().unwrap_or("–"));
    h.element("td", &[("class", "mono")], |h| {
        h.text_up_to(80, column.target_type.as_deref().unwrap_or("–"));
        if column.cast == Some(true) {
            h.leaf("small", "", "by a cast rule");
        }
    });
    table::name(h, "dim", if source == target { "the same" } else { target });
    cell(
        h,
        "dim",
        match column.nullable {
            Some(true) => "allowed",
            Some(false) => "no",
            None => "–",
        },
    );
}
