//! A ticket system whose authors liked long names, quotes, checks and reserved words.

/// As long as the source allows; the first two are alike in as much as PostgreSQL keeps.
pub const LONG: [&str; 3] = [
    "a_name_that_is_as_long_as_the_source_allows_names_of_tables_to_1",
    "a_name_that_is_as_long_as_the_source_allows_names_of_tables_to_2",
    "ünüsüälly_löng_näme_öf_ümläüts_thät_is_twice_äs_löng_in_ütf_8",
];

pub fn tickets() -> Vec<String> {
    let mut statements: Vec<String> = [
        "CREATE TABLE `user` (`order` int NOT NULL AUTO_INCREMENT PRIMARY KEY, `select` varchar(20) NOT NULL, `group` int, `ctid` int, \
         `a\"b` varchar(10) DEFAULT 'say \"hi\"', `tick``s` varchar(20) DEFAULT 'it''s \\\\ here', `new\nline` text, `größe` int DEFAULT -1 COMMENT 'größe\n\"\\'`', \
         `Mixed Case` char(3) NOT NULL DEFAULT 'abc', UNIQUE KEY `select` (`select`), KEY `index` (`group`, `größe`)) COMMENT = 'reserved; DROP TABLE \"user\"; --'",
        "CREATE TABLE `table` (id smallint NOT NULL AUTO_INCREMENT PRIMARY KEY, `user` int, title varchar(50) NOT NULL, \
         priority enum('low', 'high', 'very \"high\"', 'it''s on fire', 'a\\\\b') NOT NULL DEFAULT 'it''s on fire', labels set('bug', 'idea', 'o\"k') NOT NULL DEFAULT 'bug,o\"k', \
         severity tinyint NOT NULL DEFAULT 3, opened datetime NOT NULL DEFAULT CURRENT_TIMESTAMP, closed datetime, due date DEFAULT '2030-12-31', \
         spent time NOT NULL DEFAULT '-01:30:00', secret varbinary(8) DEFAULT x'00ff', score double NOT NULL DEFAULT 1.5e-3, share decimal(5,4) DEFAULT 0.2500, \
         done bit(1) NOT NULL DEFAULT b'0', year year DEFAULT 2024, three int DEFAULT (1 + 2), token char(36) NOT NULL DEFAULT (UUID()), parent smallint, open_for int GENERATED ALWAYS AS (severity * 2 + 1) STORED, \
         shout varchar(80) GENERATED ALWAYS AS (UPPER(title)) VIRTUAL, \
         CONSTRAINT `severe \"enough\"` CHECK (severity BETWEEN 1 AND 5), CONSTRAINT later CHECK (closed IS NULL OR closed >= opened), \
         KEY parent (parent), KEY `user` (`user`), \
         CONSTRAINT `fk \"quoted\"` FOREIGN KEY (parent) REFERENCES `table` (id) ON DELETE CASCADE, \
         CONSTRAINT `of user` FOREIGN KEY (`user`) REFERENCES `user` (`order`) ON DELETE SET NULL ON UPDATE CASCADE)",
        "CREATE TABLE `quo\"te'd` (`id\"` int PRIMARY KEY, `v'` varchar(10))",
        "CREATE TABLE `new\nline` (id int PRIMARY KEY, v varchar(10))",
        "CREATE TABLE `back\\slash %s $1` (id int PRIMARY KEY, `v\\` varchar(10))",
        "CREATE TABLE `dot.ted` (`i.d` int PRIMARY KEY, `v.v` varchar(10))",
        "INSERT INTO `user` (`order`, `select`, `group`, `ctid`, `new\nline`) VALUES (1, 'one', 2, 3, 'a\nb'), (5, 'five', NULL, NULL, NULL)",
        "INSERT INTO `table` (id, `user`, title, priority, labels, closed, parent) VALUES (1, 1, 'ticket', 'very \"high\"', 'bug,idea', NULL, NULL), \
         (2, 5, 'größe', 'a\\\\b', '', '2199-01-01', 1), (3, NULL, '', 'low', 'o\"k', NULL, 3)",
        "INSERT INTO `quo\"te'd` VALUES (1, 'a')",
        "INSERT INTO `new\nline` VALUES (1, 'a')",
        "INSERT INTO `back\\slash %s $1` VALUES (1, 'a')",
        "INSERT INTO `dot.ted` VALUES (1, 'a')",
    ]
    .map(str::to_owned)
    .to_vec();
    for (number, name) in LONG.iter().enumerate() {
        statements.push(format!(
            "CREATE TABLE `{name}` (`{name}` int NOT NULL AUTO_INCREMENT PRIMARY KEY, v int NOT NULL, `{name_x}` varchar(5) COMMENT 'long', \
             UNIQUE KEY `{name}` (v), KEY `{name_x}` (`{name_x}`))",
            name_x = format!("{}x", name.chars().take(63).collect::<String>())
        ));
        statements.push(format!(
            "INSERT INTO `{name}` VALUES (1, {number}, 'x'), (2, 10, NULL)"
        ));
    }
    statements
}
