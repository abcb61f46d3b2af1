//! A type or collation that an earlier table has left is used again, but only if it is the role's own
//! and just what would have been made: whoever owns one can give it casts of his, or drop it together
//! with the columns that have it.

/// Runs `create`; where the object is there already, raises the error unless `same` finds a row.
pub(super) fn create_or_reuse(create: &str, same: &str) -> String {
    let mut tag = "$create$".to_string();
    while create.contains(&tag) || same.contains(&tag) {
        tag.insert(1, '_');
    }
    format!(
        "DO {tag}\nBEGIN\n    {create};\nEXCEPTION WHEN duplicate_object THEN\n    \
         IF NOT EXISTS ({same}) THEN\n        RAISE;\n    END IF;\nEND\n{tag}"
    )
}

/// The OID of the role that asks.
pub(super) const OWN_ROLE: &str =
    "(SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = CURRENT_USER)";
