//! Statements that this session has prepared. The catalog is asked the same few questions again and
//! again, and planning one takes ten times as long as its answer.
//!
//! PostgreSQL plans a kept statement anew by itself when what it names was changed, or where the search
//! path is another one; and it checks the rights of whoever runs it each time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::PgOid;
use pgrx::spi::{OwnedPreparedStatement, SpiClient, SpiResult};

/// There are about a hundred with fixed text. Those that name a table of the user's come and go.
const MOST: usize = 250;

thread_local! {
    static PREPARED: RefCell<HashMap<Key, Rc<OwnedPreparedStatement>>> = RefCell::default();
}

/// The text, and the types of its arguments: a statement must not be run with others.
type Key = (String, Vec<u32>);

/// The statement, prepared now or before.
pub(super) fn prepared(
    client: &SpiClient<'_>,
    sql: &str,
    args: &[DatumWithOid<'_>],
) -> SpiResult<Rc<OwnedPreparedStatement>> {
    let types: Vec<u32> = args.iter().map(|arg| arg.oid().to_u32()).collect();
    let key = (sql.to_owned(), types);
    if let Some(found) = PREPARED.with_borrow(|prepared| prepared.get(&key).cloned()) {
        return Ok(found);
    }
    let types: Vec<PgOid> = args.iter().map(|arg| PgOid::from(arg.oid())).collect();
    let statement = Rc::new(client.prepare(sql, &types)?.keep());
    // What goes is freed here, or by whoever is running it when he is done.
    let gone = PREPARED.with_borrow_mut(|prepared| {
        let gone = match prepared.len() < MOST {
            true => HashMap::new(),
            false => std::mem::take(prepared),
        };
        prepared.insert(key, Rc::clone(&statement));
        gone
    });
    drop(gone);
    Ok(statement)
}
