//! Writers at the source: transfers between two tables, which leave a sum as it is, and mixed changes
//! of other tables.

use crate::support::dice::Dice;
use crate::support::mariadb_client::MariaDbClient;
use crate::support::wait::{seconds, wait_for};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub const ACCOUNTS: u64 = 40;
/// Of all accounts of both tables together.
pub const SUM: i64 = 2 * ACCOUNTS as i64 * 1000;

/// What holds in each state that the source ever had, as SQL of both servers: the sum over both
/// tables, and each table's sum against what was moved.
pub const BALANCE: &str = "SELECT (SELECT SUM(balance) FROM {s}.left_accounts) + (SELECT SUM(balance) FROM {s}.right_accounts), \
     (SELECT SUM(balance) FROM {s}.left_accounts) + (SELECT COALESCE(SUM(amount), 0) FROM {s}.moves), \
     (SELECT COUNT(*) FROM {s}.moves) - (SELECT SUM(moves) FROM {s}.left_accounts)";

pub const TABLES: [&str; 8] = [
    "CREATE TABLE left_accounts (id int PRIMARY KEY, balance bigint NOT NULL, moves bigint NOT NULL)",
    "CREATE TABLE right_accounts (id int PRIMARY KEY, balance bigint NOT NULL, note varchar(100))",
    "CREATE TABLE moves (id bigint AUTO_INCREMENT PRIMARY KEY, source_id int, target_id int, amount int NOT NULL, at timestamp(6) DEFAULT CURRENT_TIMESTAMP(6))",
    "CREATE TABLE things (id int PRIMARY KEY, name varchar(50), amount decimal(12,2), body blob)",
    "CREATE TABLE seats (id int PRIMARY KEY, seat int NOT NULL UNIQUE, holder varchar(20) UNIQUE)",
    "CREATE TABLE loose (kind int, name varchar(20))",
    "CREATE TABLE pairs (a varchar(10), b int, n int, PRIMARY KEY (a, b))",
    "CREATE TABLE emptied (id int PRIMARY KEY, n int)",
];

pub fn fill(my: &mut MariaDbClient) {
    my.run(&TABLES);
    // In the database's directory at the source.
    my.run(&[
        "INSERT INTO things VALUES (1, 'loaded', 1, NULL), (2, 'loaded', 2, ''), (40, 'loaded', NULL, 'x')",
        "SELECT * INTO OUTFILE 'things.txt' FROM things",
    ]);
    open(my);
}

fn open(my: &mut MariaDbClient) {
    for id in 1..=ACCOUNTS {
        my.run(&[
            &format!("INSERT INTO left_accounts VALUES ({id}, 1000, 0)"),
            &format!("INSERT INTO right_accounts VALUES ({id}, 1000, 'opened')"),
            &format!("INSERT INTO seats VALUES ({id}, {id}, NULL)"),
        ]);
    }
}

/// Everything from the start.
pub fn refill(my: &mut MariaDbClient) {
    for table in TABLES {
        let name = table.split_whitespace().nth(2).expect("CREATE TABLE name");
        my.run(&[&format!("DROP TABLE {name}")]);
    }
    my.run(&TABLES);
    open(my);
}

/// What all writers share.
#[derive(Default)]
pub struct Shared {
    pub over: AtomicBool,
    /// Transactions that the source has acknowledged.
    pub done: AtomicU64,
}

pub struct Writer<'a> {
    port: u16,
    database: &'a str,
    number: u64,
    dice: Dice,
    shared: &'a Shared,
}

impl<'a> Writer<'a> {
    pub fn new(port: u16, database: &'a str, number: u64, dice: Dice, shared: &'a Shared) -> Self {
        Writer {
            port,
            database,
            number,
            dice,
            shared,
        }
    }

    /// Until it is over. A server that is gone is waited for; a transaction that fails is given up.
    pub fn run(mut self) {
        while let Some(mut my) = self.connect() {
            while !self.is_over() {
                let transaction = self.transaction();
                let failed = transaction.iter().find_map(|sql| my.query(sql).err());
                match failed {
                    None => _ = self.shared.done.fetch_add(1, Ordering::Relaxed),
                    // Deadlocks and keys that are there already are part of it.
                    Some(mysql_async::Error::Server(_)) if my.query("ROLLBACK").is_ok() => (),
                    Some(_) => break,
                }
            }
            if self.is_over() {
                return;
            }
        }
    }

    fn is_over(&self) -> bool {
        self.shared.over.load(Ordering::Relaxed)
    }

    fn connect(&self) -> Option<MariaDbClient> {
        wait_for(seconds(60), || match self.is_over() {
            true => Some(None),
            false => MariaDbClient::connect(self.port, Some(self.database))
                .ok()
                .map(Some),
        })
        .flatten()
    }

    fn transaction(&mut self) -> Vec<String> {
        let mut statements = vec!["BEGIN".to_owned()];
        match self.dice.below(10) {
            0..=3 => self.transfer(&mut statements),
            // Several, some of which are taken back.
            4 => {
                self.transfer(&mut statements);
                statements.push("SAVEPOINT s".to_owned());
                self.transfer(&mut statements);
                self.mixed(&mut statements);
                if self.dice.below(2) == 0 {
                    statements.push("ROLLBACK TO SAVEPOINT s".to_owned());
                    self.mixed(&mut statements);
                }
            }
            5 => {
                for _ in 0..1 + self.dice.below(21) {
                    self.transfer(&mut statements);
                    self.mixed(&mut statements);
                }
            }
            6 => {
                // Without a transaction around them, and what ends one by itself.
                statements.clear();
                self.mixed(&mut statements);
                if self.dice.below(10) == 0 {
                    statements.push("TRUNCATE TABLE emptied".to_owned());
                }
                return statements;
            }
            _ => self.mixed(&mut statements),
        }
        statements.push(
            match self.dice.below(8) {
                0 => "ROLLBACK",
                _ => "COMMIT",
            }
            .to_owned(),
        );
        statements
    }

    fn transfer(&mut self, statements: &mut Vec<String>) {
        let from = 1 + self.dice.below(ACCOUNTS);
        let to = 1 + self.dice.below(ACCOUNTS);
        let amount = self.dice.below(200) as i64 - 100;
        let number = self.number;
        statements.extend([
            format!("UPDATE left_accounts SET balance = balance - {amount}, moves = moves + 1 WHERE id = {from}"),
            format!("INSERT INTO moves (source_id, target_id, amount) VALUES ({from}, {to}, {amount})"),
            format!("UPDATE right_accounts SET balance = balance + {amount}, note = CONCAT('by {number}: ', balance) WHERE id = {to}"),
        ]);
    }

    fn mixed(&mut self, statements: &mut Vec<String>) {
        // Each writer has keys of its own and some that others have too.
        let id = match self.dice.below(3) {
            0 => self.dice.below(50),
            _ => 1000 * (self.number + 1) + self.dice.below(60),
        };
        let other = 1000 * (self.number + 1) + self.dice.below(60);
        let n = self.dice.below(100_000);
        let [seat, second] = [(); 2].map(|()| 1 + self.dice.below(ACCOUNTS));
        let statement = match self.dice.below(20) {
            0 => format!(
                "INSERT INTO things VALUES ({id}, 'made {n}', {n} / 7, REPEAT('x', {n} % 3000))"
            ),
            1 => format!(
                "REPLACE INTO things VALUES ({id}, 'replaced {n}', NULL, NULL), ({other}, 'too', 1, x'00ff')"
            ),
            2 => format!(
                "INSERT INTO things VALUES ({id}, 'made {n}', {n}, NULL) ON DUPLICATE KEY UPDATE name = 'again {n}', amount = {n}"
            ),
            3 => format!(
                "UPDATE things SET amount = {n}, name = CONCAT('changed ', id) WHERE id BETWEEN {id} AND {id} + 20"
            ),
            4 => format!("UPDATE things SET id = {other} WHERE id = {id}"),
            5 => format!(
                "UPDATE IGNORE things SET id = id + 1 WHERE id BETWEEN {other} AND {other} + 10 ORDER BY id DESC"
            ),
            6 => format!("DELETE FROM things WHERE id BETWEEN {id} AND {id} + 5"),
            7 => format!(
                "INSERT IGNORE INTO things SELECT id + 30, name, amount, body FROM things WHERE id BETWEEN {other} AND {other} + 20"
            ),
            8 | 9 => {
                // Two rows change places.
                statements.extend([
                    format!("SELECT seat INTO @a FROM seats WHERE id = {seat} FOR UPDATE"),
                    format!("SELECT seat INTO @b FROM seats WHERE id = {second} FOR UPDATE"),
                    format!(
                        "UPDATE seats SET seat = -{} WHERE id = {seat}",
                        self.number + 1
                    ),
                    format!("UPDATE seats SET seat = @a WHERE id = {second}"),
                ]);
                format!("UPDATE seats SET seat = @b WHERE id = {seat}")
            }
            10 => format!(
                "UPDATE seats SET holder = CASE WHEN holder IS NULL THEN 'h{n}' END WHERE id = {seat}"
            ),
            11 => format!(
                "INSERT INTO loose VALUES ({}, 'w{}'), (7, 'same'), (7, 'same')",
                n % 5,
                self.number
            ),
            12 => format!("DELETE FROM loose WHERE kind = {} LIMIT 3", n % 8),
            13 => format!(
                "UPDATE loose SET name = 'u{}' WHERE kind = {} LIMIT 2",
                n % 3,
                n % 8
            ),
            14 => format!("DELETE FROM loose WHERE name = 'w{}'", self.number),
            15 => format!(
                "INSERT INTO pairs VALUES ('k{}', {id}, {n}) ON DUPLICATE KEY UPDATE n = n + 1, b = b + 10000",
                n % 5
            ),
            16 => format!(
                "UPDATE pairs SET a = 'moved', n = {n} WHERE a = 'k{}' AND b = {id}",
                n % 5
            ),
            17 => format!("DELETE FROM pairs WHERE n % 10 = {}", n % 10),
            18 => "LOAD DATA INFILE 'things.txt' REPLACE INTO TABLE things".to_owned(),
            19 => {
                format!("INSERT INTO emptied VALUES ({other}, {n}) ON DUPLICATE KEY UPDATE n = {n}")
            }
            _ => format!("DELETE FROM emptied WHERE id = {other}"),
        };
        statements.push(statement);
    }
}
