//! What PostgreSQL has to say: errors and notices, by their words.

use super::postgres_client::PostgresClient;

/// Each of these statements is refused with this SQLSTATE, and a message that has this part.
#[track_caller]
pub fn refused(pg: &mut PostgresClient, cases: &[(&str, &str, &str)]) {
    for (statement, sqlstate, part) in cases {
        let error = pg.error(statement);
        assert_eq!(error.sqlstate, *sqlstate, "{statement}: {error:?}");
        assert!(error.message.contains(part), "{statement}: {error:?}");
    }
}

/// What was said since the last look is this.
#[track_caller]
pub fn told(pg: &mut PostgresClient, severity: &str, part: &str) {
    let notices = pg.take_notices();
    let found = notices
        .iter()
        .any(|notice| notice.severity == severity && notice.message.contains(part));
    assert!(found, "{severity} {part:?}: {notices:?}");
}
