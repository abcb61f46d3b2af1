//! In-server tests: each runs in a transaction that is rolled back.

use pgrx::prelude::*;

mod apply;
mod apply_refused;
mod replica;

#[pg_schema]
mod tests {
    use pgrx::prelude::*;

    /// Every object of the extension that a user can meet says what it is.
    #[pg_test]
    fn every_object_has_a_comment() {
        let bare: Option<String> = Spi::get_one(
            "SELECT string_agg(pg_describe_object(classid, objid, 0), ', ') \
             FROM pg_depend \
             WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' \
               AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_tributary') \
               AND classid IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_namespace'::regclass, \
                               'pg_foreign_data_wrapper'::regclass) \
               AND pg_describe_object(classid, objid, 0) !~ '(tests\\.|schema tests|index|sequence|toast)' \
               AND obj_description(objid, classid::regclass::name) IS NULL",
        )
        .expect("query runs");
        assert_eq!(bare, None);
    }

    #[pg_test]
    fn every_column_of_a_view_has_a_comment() {
        let bare: Option<String> = Spi::get_one(
            "SELECT string_agg(attrelid::regclass || '.' || attname, ', ') FROM pg_attribute \
             JOIN pg_class c ON c.oid = attrelid \
             WHERE attnum > 0 AND (relname LIKE 'sync\\_%' AND relkind = 'v' \
                OR relnamespace = 'tributary'::regnamespace AND relkind = 'r') \
               AND col_description(attrelid, attnum) IS NULL",
        )
        .expect("query runs");
        assert_eq!(bare, None);
    }
}
