//! A shop: foreign keys in a cycle, to their own table, over two columns and over text; every kind
//! of index; a generated column, a partitioned table, a table of pairs.

pub const SHOP: &[&str] = &[
    "CREATE TABLE customers (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, email varchar(190) NOT NULL, \
     name varchar(100) NOT NULL DEFAULT '', referred_by int unsigned COMMENT 'the customer\\'s \"friend\"', newest_order int unsigned, \
     balance decimal(10,2) NOT NULL DEFAULT 0.00, active tinyint(1) NOT NULL DEFAULT 1, flags bit(4) NOT NULL DEFAULT b'0101', \
     created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, updated_at datetime(3) DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(3), \
     UNIQUE KEY email (email), KEY referred_by (referred_by), KEY name_prefix (name(10)), KEY newest (created_at DESC, id), \
     CONSTRAINT referred FOREIGN KEY (referred_by) REFERENCES customers (id) ON DELETE SET NULL) AUTO_INCREMENT = 5000 \
     COMMENT = 'people who\\'ve bought \"things\"\\n-- or may'",
    "CREATE TABLE orders (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, customer_id int unsigned NOT NULL, \
     status enum('new', 'paid', 'sent', 'it''s lost') NOT NULL DEFAULT 'new', placed_at datetime NOT NULL, note text, \
     KEY customer (customer_id, placed_at), KEY status (status) USING BTREE, \
     CONSTRAINT customer FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE ON UPDATE CASCADE)",
    "ALTER TABLE customers ADD CONSTRAINT newest_order FOREIGN KEY (newest_order) REFERENCES orders (id) ON DELETE SET NULL",
    "CREATE TABLE products (sku varchar(40) NOT NULL PRIMARY KEY, title varchar(200) NOT NULL, description text, \
     attributes json, tags set('new', 'sale', 'last one') NOT NULL DEFAULT 'new,sale', picture mediumblob, weight float, \
     place point NOT NULL, FULLTEXT KEY words (title, description), KEY description (description(20)), SPATIAL KEY place (place), \
     UNIQUE KEY title (title(60)))",
    "CREATE TABLE items (order_id int unsigned NOT NULL, line smallint unsigned NOT NULL, sku varchar(40) NOT NULL, \
     quantity int NOT NULL DEFAULT 1, price decimal(10,2) NOT NULL, total decimal(20,2) GENERATED ALWAYS AS (quantity * price) STORED, \
     label varchar(60) GENERATED ALWAYS AS (CONCAT(sku, ' x', quantity)) VIRTUAL, PRIMARY KEY (order_id, line), KEY sku (sku), \
     CONSTRAINT of_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE, \
     CONSTRAINT of_product FOREIGN KEY (sku) REFERENCES products (sku) ON UPDATE CASCADE, \
     CONSTRAINT some CHECK (quantity > 0 AND price >= 0))",
    "CREATE TABLE deliveries (order_id int unsigned NOT NULL, line smallint unsigned NOT NULL, at datetime(6) NOT NULL, \
     carrier varchar(20) CHARACTER SET latin1 DEFAULT 'größte', PRIMARY KEY (order_id, line, at), \
     FOREIGN KEY (order_id, line) REFERENCES items (order_id, line))",
    "CREATE TABLE related (one varchar(40) NOT NULL, other varchar(40) NOT NULL, PRIMARY KEY (one, other), KEY other (other), \
     FOREIGN KEY (one) REFERENCES products (sku) ON DELETE CASCADE, FOREIGN KEY (other) REFERENCES products (sku) ON DELETE CASCADE)",
    "CREATE TABLE visits (id bigint unsigned NOT NULL AUTO_INCREMENT, year smallint NOT NULL, address varbinary(16), PRIMARY KEY (id, year), \
     KEY address (address(8))) \
     PARTITION BY RANGE (year) (PARTITION old VALUES LESS THAN (2020), PARTITION new VALUES LESS THAN MAXVALUE)",
    "INSERT INTO customers (id, email, name, referred_by) VALUES (1, 'a@example.com', 'Anna', NULL), (2, 'b@example.com', 'Bert', 1), \
     (3, 'c@example.com', 'Çelik', 3), (10, 'd@example.com', 'D\\'Arc', 2)",
    "INSERT INTO orders (id, customer_id, status, placed_at, note) VALUES (1, 1, 'paid', '2024-01-02 03:04:05', NULL), (2, 1, 'it''s lost', '2024-02-29', 'late\\n'), \
     (7, 10, 'new', '2024-03-31 02:30:00', '')",
    "UPDATE customers SET newest_order = 2 WHERE id = 1",
    "UPDATE customers SET newest_order = 7 WHERE id = 10",
    "INSERT INTO products VALUES ('p-1', 'Cup', 'A cup of tea', '{\"colour\": \"größer\", \"sizes\": [1, 2.5]}', 'new', x'00ff', 0.1, POINT(1, 2)), \
     ('p-2', 'Cupboard', REPEAT('wood ', 2000), NULL, '', NULL, NULL, POINT(-1, 2))",
    "INSERT INTO items (order_id, line, sku, quantity, price) VALUES (1, 1, 'p-1', 2, 9.99), (1, 2, 'p-2', 1, 100), (2, 1, 'p-1', 3, 0)",
    "INSERT INTO deliveries (order_id, line, at) VALUES (1, 1, '2024-01-03 04:05:06.000007')",
    "INSERT INTO related VALUES ('p-1', 'p-2'), ('p-2', 'p-2')",
    "INSERT INTO visits (year, address) VALUES (2019, x'0a000001'), (2020, x'20010db8000000000000000000000001'), (2024, NULL)",
];

/// What is there after the first copy, for the second.
pub const SHOP_CHANGES: &[&str] = &[
    "INSERT INTO customers (email, name, referred_by) VALUES ('e@example.com', 'Eva', 10)",
    "INSERT INTO orders (id, customer_id, status, placed_at) VALUES (8, 2, 'sent', '2024-05-06')",
    "UPDATE customers SET newest_order = 8 WHERE id = 2",
    "UPDATE customers SET newest_order = NULL WHERE id = 10",
    "DELETE FROM orders WHERE id = 7",
    "DELETE FROM customers WHERE id = 10",
    "UPDATE products SET sku = 'p-3' WHERE sku = 'p-2' AND NOT EXISTS (SELECT 1 FROM related WHERE 'p-2' IN (one, other))",
    "INSERT INTO items (order_id, line, sku, price) VALUES (8, 1, 'p-2', 5)",
    "UPDATE items SET quantity = 9 WHERE order_id = 1 AND line = 1",
    "INSERT INTO visits (year) VALUES (2025)",
];
