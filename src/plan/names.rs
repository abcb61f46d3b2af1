//! Names of the target: as the source has them, or folded to lower case; cut where they are too
//! long, told apart where two became one.
//!
//! What a name becomes depends on the set of names and not on their order. A name that stands in
//! the set as it is keeps its place; one that was folded or cut onto it gets a hash of its own
//! spelling.

use std::collections::BTreeSet;

use crate::model::name::MAX_NAME_BYTES;
use crate::model::options::Names;

/// `_` and the digits of a hash.
const HASH_BYTES: usize = 9;

/// Columns every PostgreSQL table has already.
const SYSTEM_COLUMNS: [&str; 6] = ["ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"];

/// The target table of each unit of a job, in the order of `units`. A name that the user chose
/// stays as it is, also where it is another unit's.
pub fn table_names(
    units: &[String],
    names: Names,
    chosen: impl Fn(&str) -> Option<String>,
) -> Vec<(String, String)> {
    let given: Vec<Option<String>> = units.iter().map(|unit| chosen(unit)).collect();
    let taken: BTreeSet<String> = given.iter().flatten().cloned().collect();
    let free: Vec<Wanted> = units
        .iter()
        .zip(&given)
        .filter(|(_, given)| given.is_none())
        .map(|(unit, _)| Wanted::folded(unit, names))
        .collect();
    let mut settled = settle(&free, taken).into_iter();
    units
        .iter()
        .zip(given)
        .map(|(unit, given)| {
            let target = given.or_else(|| settled.next()).unwrap_or_default();
            (unit.clone(), target)
        })
        .collect()
}

/// The target's name of each column of a table.
pub(super) fn column_names(columns: &[&str], names: Names) -> Vec<String> {
    let wanted: Vec<Wanted> = columns
        .iter()
        .map(|column| {
            let mut wanted = Wanted::folded(column, names);
            if SYSTEM_COLUMNS.contains(&wanted.name.as_str()) {
                wanted.name.push('_');
            }
            wanted
        })
        .collect();
    settle(&wanted, BTreeSet::new())
}

/// The name of something that belongs to a table and shares a namespace with all tables: an index, a
/// sequence, a type. It begins with the table's name, so that two tables' names differ; where it is
/// a table's own name, or could be what belongs to a table of a longer name, it has a hash.
pub(super) fn owned(table: &str, name: &str, tables: &[String]) -> String {
    let prefix = format!("{table}_");
    let whole = match name.starts_with(&prefix) {
        true => name.to_string(),
        false => format!("{prefix}{name}"),
    };
    let doubtful = tables.iter().any(|other| {
        *other == whole
            || other.len() > table.len()
                && whole
                    .strip_prefix(other.as_str())
                    .is_some_and(|rest| rest.starts_with('_'))
    });
    match doubtful || whole.len() > MAX_NAME_BYTES {
        true => hashed(&whole, &format!("{table}\0{name}")),
        false => whole,
    }
}

/// A name for something of `table` among those that are `taken`, which it joins.
pub(super) fn distinct(name: &str, taken: &mut BTreeSet<String>) -> String {
    let wanted = Wanted {
        name: name.to_string(),
        spelling: name.to_string(),
    };
    let found = unused(&wanted, taken);
    taken.insert(found.clone());
    found
}

/// The name with a hash of `spelling`, within the length of a name.
pub(super) fn hashed(name: &str, spelling: &str) -> String {
    let kept = cut(name, MAX_NAME_BYTES - HASH_BYTES);
    format!("{kept}_{:08x}", hash(spelling))
}

pub(super) fn fold(name: &str, names: Names) -> String {
    match names {
        Names::Keep => name.to_string(),
        Names::Lower => name.to_lowercase(),
    }
}

/// A name and what it is made of.
struct Wanted {
    name: String,
    spelling: String,
}

impl Wanted {
    fn folded(spelling: &str, names: Names) -> Self {
        Wanted {
            name: fold(spelling, names),
            spelling: spelling.to_string(),
        }
    }
}

/// Those that are spelled as wanted go first, then the others in the order of their spelling.
fn settle(wanted: &[Wanted], mut taken: BTreeSet<String>) -> Vec<String> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|at| wanted.get(*at).map(|w| (w.name != w.spelling, &w.spelling)));
    let mut found = vec![String::new(); wanted.len()];
    for at in order {
        if let (Some(wanted), Some(place)) = (wanted.get(at), found.get_mut(at)) {
            *place = unused(wanted, &taken);
            taken.insert(place.clone());
        }
    }
    found
}

fn unused(wanted: &Wanted, taken: &BTreeSet<String>) -> String {
    if wanted.name.len() <= MAX_NAME_BYTES && !taken.contains(&wanted.name) {
        return wanted.name.clone();
    }
    let mut spelling = wanted.spelling.clone();
    loop {
        let name = hashed(&wanted.name, &spelling);
        if !taken.contains(&name) {
            return name;
        }
        spelling.push('\0');
    }
}

/// The longest beginning of whole characters that has at most this many bytes.
fn cut(name: &str, bytes: usize) -> &str {
    let mut end = bytes.min(name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default()
}

/// FNV-1a of 32 bits: the same on every machine and in every version.
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(units: &[&str], names: Names) -> Vec<String> {
        let units: Vec<String> = units.iter().map(|unit| unit.to_string()).collect();
        table_names(&units, names, |_| None)
            .into_iter()
            .map(|(_, target)| target)
            .collect()
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(hash(""), 0x811c_9dc5);
        assert_eq!(hash("a"), 0xe40c_292c);
        assert_eq!(hash("foobar"), 0xbf9c_f968);
    }

    #[test]
    fn names_that_fit_stay() {
        let hostile = ["Orders", "a\"b\nc", "größe", "😀", "order", &"x".repeat(63)];
        assert_eq!(tables(&hostile, Names::Keep), hostile);
        assert_eq!(tables(&["Orders", "ÄB"], Names::Lower), ["orders", "äb"]);
    }

    #[test]
    fn a_long_name_is_cut_between_characters_and_hashed() {
        let long = "ä".repeat(40);
        let [name] = tables(&[&long], Names::Keep).try_into().unwrap();
        assert_eq!(name, format!("{}_{:08x}", "ä".repeat(27), hash(&long)));
        assert_eq!(name.len(), 63);
        let other = format!("{long}b");
        let both = tables(&[&long, &other], Names::Keep);
        assert_ne!(both[0], both[1]);
        assert_eq!(both[0], name);
    }

    #[test]
    fn collisions_do_not_depend_on_the_order() {
        let one = tables(&["orders", "Orders", "ORDERS"], Names::Lower);
        let mut other = tables(&["ORDERS", "Orders", "orders"], Names::Lower);
        other.reverse();
        assert_eq!(one, other);
        assert_eq!(one[0], "orders");
        assert_eq!(one[1], format!("orders_{:08x}", hash("Orders")));
        assert_eq!(one[2], format!("orders_{:08x}", hash("ORDERS")));
        let without = tables(&["Orders", "ORDERS"], Names::Lower);
        assert_eq!(without[1], "orders");
        let squatter = format!("orders_{:08x}", hash("Orders"));
        let three = tables(&["orders", "Orders", &squatter], Names::Lower);
        assert_eq!(three[2], squatter);
        assert_ne!(three[1], squatter);
    }

    #[test]
    fn what_the_user_chose_wins() {
        let units: Vec<String> = ["a", "b", "B"].map(String::from).to_vec();
        let found = table_names(&units, Names::Lower, |unit| {
            (unit == "a").then(|| "b".to_string())
        });
        assert_eq!(found[0], ("a".to_string(), "b".to_string()));
        assert_eq!(found[1].1, format!("b_{:08x}", hash("b")));
        assert_eq!(found[2].1, format!("b_{:08x}", hash("B")));
    }

    #[test]
    fn system_columns_make_way() {
        assert_eq!(
            column_names(&["xmin", "CTID", "id", "Id"], Names::Lower),
            ["xmin_", "ctid_", "id", &format!("id_{:08x}", hash("Id"))]
        );
        assert_eq!(column_names(&["CTID"], Names::Keep), ["CTID"]);
        let both = column_names(&["ctid", "ctid_"], Names::Keep);
        assert_eq!(both[1], "ctid_");
        assert_eq!(both[0], format!("ctid__{:08x}", hash("ctid")));
    }

    #[test]
    fn what_a_table_owns_cannot_be_anothers() {
        let tables = ["a", "a_b", "a_c", "orders"].map(String::from);
        assert_eq!(owned("orders", "customer", &tables), "orders_customer");
        assert_eq!(
            owned("orders", "orders_customer", &tables),
            "orders_customer"
        );
        assert_eq!(owned("a_b", "c", &tables), "a_b_c");
        assert_eq!(owned("a", "x", &tables), "a_x");
        for doubtful in [owned("a", "b_c", &tables), owned("a", "c", &tables)] {
            assert!(!["a_b_c", "a_c"].contains(&doubtful.as_str()), "{doubtful}");
        }
        assert_eq!(owned(&"t".repeat(60), "index", &tables).len(), 63);
    }

    #[test]
    fn one_name_after_the_other() {
        let mut taken = BTreeSet::new();
        assert_eq!(distinct("a", &mut taken), "a");
        assert_ne!(distinct("a", &mut taken), "a");
        assert_eq!(taken.len(), 2);
    }
}
