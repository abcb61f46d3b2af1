//! XA transactions that stand between the log and the rows: what one has changed is in the log where it
//! was prepared, and is visible when it commits. One that was prepared before a position and commits
//! behind a copy is in neither.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::connect::Connection;
use super::schema::optional_text;
use crate::error::{Error, Kind, Result};
use crate::model::server::Flavor;

const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl Connection {
    /// Waits until those that are prepared now have ended: a copy begun after that sees what they did.
    pub(super) async fn wait_for_prepared(&mut self) -> Result<()> {
        let deadline = Instant::now() + self.endpoint().read_timeout();
        let mut awaited = self.prepared().await?;
        while !awaited.is_empty() {
            if Instant::now() >= deadline {
                return Err(prepared());
            }
            sleep(LOOK_AGAIN).await;
            let now = self.prepared().await?;
            awaited.retain(|one| now.contains(one));
        }
        Ok(())
    }

    /// After a snapshot was begun, which does not see what they do.
    pub(super) async fn require_none_prepared(&mut self) -> Result<()> {
        match self.prepared().await?.is_empty() {
            true => Ok(()),
            false => Err(prepared()),
        }
    }

    /// None to be seen where the account lacks MySQL's XA_RECOVER_ADMIN.
    async fn prepared(&mut self) -> Result<BTreeSet<String>> {
        // Names that are bytes, as text.
        let sql = match self.server().flavor {
            Flavor::MariaDb => "XA RECOVER FORMAT='SQL'",
            Flavor::MySql => "XA RECOVER CONVERT XID",
        };
        let sets = match self.results(&[sql]).await {
            Err(error) if is_denied(&error) => return Ok(BTreeSet::new()),
            sets => sets?,
        };
        sets.iter()
            .flatten()
            .map(|row| {
                let columns = (0..row.len()).map(|at| optional_text(row, at));
                let columns: Vec<_> = columns.collect::<Result<_>>()?;
                Ok(format!("{columns:?}"))
            })
            .collect()
    }
}

/// MySQL says it by an error of another name.
fn is_denied(error: &Error) -> bool {
    const XAER_RMERR: &str = "Error 1401 ";
    let detail = error.detail.as_deref().unwrap_or_default();
    error.kind == Kind::AccessDenied || detail.contains(XAER_RMERR)
}

fn prepared() -> Error {
    Error::new(
        Kind::SourceUnavailable,
        "an XA transaction has been prepared at the source and has not ended",
    )
    .with_detail("What it has changed is not visible, and stands in the log before the copy.")
    .with_hint("At the source: XA RECOVER; then XA COMMIT or XA ROLLBACK for each of them.")
}
