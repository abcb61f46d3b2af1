//! How busy a source is, by its own status variables.

use mysql_async::Value;

use super::connect::Connection;
use super::schema::text;
use crate::error::Result;

impl Connection {
    /// Status variables as numbers, those that the source does not have left out.
    pub async fn status(&mut self, names: &[String]) -> Result<Vec<(String, f64)>> {
        let places = vec!["?"; names.len()].join(", ");
        let values = names
            .iter()
            .map(|name| Value::from(name.as_str()))
            .collect();
        let sql = format!("SHOW GLOBAL STATUS WHERE Variable_name IN ({places})");
        let rows = self.rows(&sql, values).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Ok(number) = text(row, 1)?.parse() {
                found.push((text(row, 0)?, number));
            }
        }
        Ok(found)
    }
}
