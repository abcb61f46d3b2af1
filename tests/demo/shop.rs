//! The demo's source: a shop with an integer key, a composite key, a text key, no key, no rows.

use crate::support::mariadb::MariaDb;

pub const TABLES: [&str; 6] = [
    "countries",
    "customers",
    "orders",
    "order_items",
    "page_views",
    "returns",
];

const DEFINITIONS: [&str; 6] = [
    "CREATE TABLE countries (code varchar(8) PRIMARY KEY, name varchar(60) NOT NULL, population int unsigned)",
    "CREATE TABLE customers (id int unsigned AUTO_INCREMENT PRIMARY KEY, name varchar(80) NOT NULL, email varchar(120), \
     country varchar(8) NOT NULL, kind enum('private', 'company') NOT NULL, born date, created timestamp(3) NULL)",
    "CREATE TABLE orders (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, customer int unsigned NOT NULL, placed datetime NOT NULL, \
     status enum('new', 'paid', 'sent') NOT NULL, total decimal(12,2) NOT NULL, note text)",
    "CREATE TABLE order_items (`order` bigint unsigned, line smallint, product int NOT NULL, quantity int NOT NULL, \
     price decimal(10,2) NOT NULL, PRIMARY KEY (`order`, line))",
    "CREATE TABLE page_views (at datetime(3), customer int unsigned, path varchar(200), address binary(4))",
    "CREATE TABLE returns (id int PRIMARY KEY, `order` bigint unsigned, reason text)",
];

/// One statement for each table with rows; MariaDB's sequence tables count.
const ROWS: [&str; 5] = [
    "INSERT INTO countries SELECT CONCAT(CHAR(65 + seq DIV 26, 65 + seq % 26)), CONCAT('Country № ', seq), seq * 12345 FROM seq_0_to_199",
    "INSERT INTO customers SELECT seq, CONCAT(ELT(1 + seq % 5, 'Ada', 'Émile', 'Grace', 'Søren', '小林'), ' ', seq), \
     IF(seq % 7 = 0, NULL, CONCAT('c', seq, '@example.org')), CONCAT(CHAR(65 + seq % 7, 65 + seq % 26)), 1 + seq % 2, \
     '1950-01-01' + INTERVAL seq % 20000 DAY, '2020-01-01' + INTERVAL seq * 997 SECOND FROM seq_1_to_150000",
    "INSERT INTO orders SELECT seq, 1 + seq * 7919 % 150000, '2022-01-01' + INTERVAL seq * 61 SECOND, 1 + seq % 3, seq % 100000 / 7, \
     IF(seq % 10 = 0, CONCAT('gift № ', seq, '\\n', REPEAT('x', seq % 60)), IF(seq % 3 = 0, '', NULL)) FROM seq_1_to_450000",
    "INSERT INTO order_items SELECT o.seq, l.seq, o.seq * l.seq % 5000, 1 + o.seq % 4, o.seq % 9999 / 100 \
     FROM seq_1_to_450000 o JOIN seq_1_to_4 l ON l.seq <= 1 + o.seq % 4",
    "INSERT INTO page_views SELECT '2024-01-01' + INTERVAL seq * 137000 MICROSECOND, NULLIF(seq % 150000, 0), \
     CONCAT('/product/', seq % 5000), UNHEX(LPAD(HEX(seq), 8, '0')) FROM seq_1_to_300000",
];

/// Makes and fills the tables, two at a time. Returns the number of rows.
pub fn create(mariadb: &MariaDb) -> u64 {
    let mut client = mariadb.connect(None);
    client.run(&["CREATE DATABASE shop", "USE shop"]);
    client.run(&DEFINITIONS);
    std::thread::scope(|scope| {
        for part in [&ROWS[..3], &ROWS[3..]] {
            scope.spawn(move || mariadb.connect(Some("shop")).run(part));
        }
    });
    client.run(&["ANALYZE TABLE countries, customers, orders, order_items, page_views, returns"]);
    TABLES
        .iter()
        .map(|table| {
            client
                .text(&format!("SELECT COUNT(*) FROM {table}"))
                .parse::<u64>()
                .unwrap_or(0)
        })
        .sum()
}
