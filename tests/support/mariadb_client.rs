//! A blocking client of MariaDB and MySQL: values as the server's own text (text protocol).

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder, Value};
use std::time::Duration;
use tokio::runtime::Runtime;

pub type Row = Vec<Option<String>>;

pub struct MariaDbClient {
    connection: Conn,
    runtime: Runtime,
}

impl MariaDbClient {
    pub fn connect(port: u16, database: Option<&str>) -> Result<MariaDbClient, mysql_async::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let options = OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(port)
            .user(Some("root"))
            .db_name(database)
            .prefer_socket(false)
            .setup(vec![
                "SET time_zone = '+00:00'",
                "SET NAMES utf8mb4",
                "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
            ]);
        let connection = runtime.block_on(async {
            tokio::time::timeout(Duration::from_secs(10), Conn::new(options))
                .await
                .unwrap_or_else(|_| {
                    Err(mysql_async::Error::Io(
                        std::io::Error::from(std::io::ErrorKind::TimedOut).into(),
                    ))
                })
        })?;
        Ok(MariaDbClient {
            connection,
            runtime,
        })
    }

    pub fn query(&mut self, sql: &str) -> Result<Vec<Row>, mysql_async::Error> {
        let rows: Vec<mysql_async::Row> = self.runtime.block_on(self.connection.query(sql))?;
        Ok(rows
            .into_iter()
            .map(|row| row.unwrap().into_iter().map(text).collect())
            .collect())
    }

    #[track_caller]
    pub fn rows(&mut self, sql: &str) -> Vec<Row> {
        match self.query(sql) {
            Ok(rows) => rows,
            Err(error) => panic!("{sql}\n{error}"),
        }
    }

    /// Runs statements one by one.
    #[track_caller]
    pub fn run(&mut self, statements: &[&str]) {
        for statement in statements {
            self.rows(statement);
        }
    }

    #[track_caller]
    pub fn text(&mut self, sql: &str) -> String {
        let rows = self.rows(sql);
        let row = rows
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("no row: {sql}"));
        row.into_iter().next().flatten().unwrap_or_default()
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8(bytes).expect("UTF-8; HEX() what is not")),
        other => panic!("the text protocol has no {other:?}"),
    }
}
