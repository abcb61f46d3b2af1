//! COPY … FROM in-process, fed by a callback, as the server's own logical replication does it.
//! Partitions, triggers, generated columns, defaults and constraints work as in any COPY.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CString, c_int, c_void};
use std::ptr::NonNull;

use pgrx::{PgList, pg_guard, pg_sys};

use super::{relation, report};
use crate::error::{Error, Kind, Result};
use crate::model::pg_type::PgType;

/// What feeds a COPY: a byte stream in COPY's binary format.
pub trait CopySource {
    /// Fills the front of `out`, waiting for at least one byte; 0 is the end of the stream.
    fn read(&mut self, out: &mut [u8]) -> Result<usize>;
}

thread_local! {
    /// The sources of the COPYs under way, the innermost last: the callback gets no pointer of
    /// ours, and a trigger on the target may itself run a COPY of this extension.
    static SOURCES: RefCell<Vec<NonNull<dyn CopySource>>> = const { RefCell::new(Vec::new()) };
}

/// Pops the innermost source even when the COPY ends with an ERROR.
struct Registered;

impl Registered {
    fn push(source: &mut dyn CopySource) -> Self {
        // SAFETY: only the lifetime is erased; `Registered` is dropped before `source` ends,
        // because it lives inside `copy_in`.
        let source: NonNull<dyn CopySource> = unsafe { std::mem::transmute(NonNull::from(source)) };
        SOURCES.with_borrow_mut(|sources| sources.push(source));
        Registered
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        SOURCES.with_borrow_mut(|sources| {
            sources.pop();
        });
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn read_source(
    out: *mut c_void,
    _minimum: c_int,
    maximum: c_int,
) -> c_int {
    let Some(mut source) = SOURCES.with_borrow(|sources| sources.last().copied()) else {
        return 0;
    };
    let length = usize::try_from(maximum).unwrap_or(0);
    // SAFETY: COPY hands a buffer of `maximum` bytes; the source is alive (see `Registered`) and
    // is borrowed by nobody else while COPY calls us.
    let result = unsafe {
        let buffer = std::slice::from_raw_parts_mut(out.cast::<u8>(), length);
        source.as_mut().read(buffer)
    };
    match result {
        Ok(count) => c_int::try_from(count).unwrap_or(c_int::MAX),
        Err(error) => report::raise(&error),
    }
}

/// The rows were encoded for these column types: under the table's lock, are they still its own?
///
/// # Safety
/// `relation` is open.
unsafe fn require_types(relation: pg_sys::Relation, columns: &[(String, PgType)]) -> Result<()> {
    // SAFETY: the tuple descriptor of an open relation, read with its own count of attributes.
    let found: HashMap<String, PgType> = unsafe {
        let descriptor = (*relation).rd_att;
        let count = usize::try_from((*descriptor).natts).unwrap_or(0);
        (*descriptor)
            .attrs
            .as_slice(count)
            .iter()
            .filter(|attribute| !attribute.attisdropped)
            .map(|attribute| {
                (
                    pgrx::name_data_to_str(&attribute.attname).to_owned(),
                    PgType {
                        oid: attribute.atttypid.to_u32(),
                        typmod: attribute.atttypmod,
                    },
                )
            })
            .collect()
    };
    match columns
        .iter()
        .all(|(name, pg_type)| found.get(name) == Some(pg_type))
    {
        true => Ok(()),
        false => Err(changed()),
    }
}

/// Transient: the next attempt looks at the table anew and says what does not fit.
fn changed() -> Error {
    Error::new(
        Kind::TargetChanged,
        "the target table was altered while rows were on their way",
    )
}

/// Opens the table for writing and checks that rows of these types may go in.
///
/// # Safety
/// Inside a transaction; the caller closes it.
unsafe fn open(
    target: &relation::Relation,
    columns: &[(String, PgType)],
) -> Result<pg_sys::Relation> {
    let oid = relation::oid(target)?;
    // SAFETY: the lock stays until the transaction ends, and so does what is checked under it.
    unsafe {
        let open = pg_sys::try_table_open(oid, pg_sys::RowExclusiveLock as pg_sys::LOCKMODE);
        if open.is_null() {
            return Err(changed());
        }
        // Under the lock: both may have changed since the last batch.
        if i64::from((*(*open).rd_rel).relowner.to_u32()) != target.owner() {
            return Err(changed());
        }
        relation::require_copy_rights(target)?;
        require_types(open, columns)?;
        Ok(open)
    }
}

/// Until the transaction ends, the table is the one that rows of these types were made for.
pub fn lock(target: &relation::Relation, columns: &[(String, PgType)]) -> Result<()> {
    // SAFETY: inside a transaction; an `Err` is followed by an abort, which closes what is open.
    unsafe {
        let open = open(target, columns)?;
        pg_sys::table_close(open, pg_sys::NoLock as pg_sys::LOCKMODE);
    }
    Ok(())
}

/// Copies the stream into the columns of the relation; the number of rows that went in.
///
/// Runs in the caller's transaction as the current role, whose rights it checks.
pub fn copy_in(
    target: &relation::Relation,
    columns: &[(String, PgType)],
    source: &mut dyn CopySource,
) -> Result<u64> {
    let names = columns
        .iter()
        .map(|(name, _)| CString::new(name.as_str()))
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|_| Error::new(Kind::InvalidParameter, "a column name contains a NUL byte"))?;
    let _registered = Registered::push(source);
    // SAFETY: the sequence of calls of the server's own table synchronisation; all nodes live in
    // the transaction's memory; an ERROR unwinds through here to the caller's `catch`, and the
    // abort closes relation and COPY state.
    unsafe {
        let open = open(target, columns)?;
        let parse_state = pg_sys::make_parsestate(std::ptr::null_mut());
        pg_sys::addRangeTableEntryForRelation(
            parse_state,
            open,
            pg_sys::RowExclusiveLock as i32,
            std::ptr::null_mut(),
            false,
            false,
        );
        let mut attributes = PgList::<pg_sys::Node>::new();
        for name in &names {
            attributes.push(pg_sys::makeString(pg_sys::pstrdup(name.as_ptr())).cast());
        }
        let mut options = PgList::<pg_sys::DefElem>::new();
        options.push(pg_sys::makeDefElem(
            pg_sys::pstrdup(c"format".as_ptr()),
            pg_sys::makeString(pg_sys::pstrdup(c"binary".as_ptr())).cast(),
            -1,
        ));
        let state = pg_sys::BeginCopyFrom(
            parse_state,
            open,
            std::ptr::null_mut(),
            std::ptr::null(),
            false,
            Some(read_source),
            attributes.into_pg(),
            options.into_pg(),
        );
        let rows = pg_sys::CopyFrom(state);
        pg_sys::EndCopyFrom(state);
        pg_sys::free_parsestate(parse_state);
        pg_sys::table_close(open, pg_sys::NoLock as pg_sys::LOCKMODE);
        Ok(rows)
    }
}
