//! Columns take other types, and tables other keys.

use super::{Case, Kind, NEW_N, NEW_ROW, case, over};

pub fn cases() -> Vec<Case> {
    use Kind::{Other, Unclear, Widened};
    vec![
        case(
            "widen_int",
            Widened,
            &["ALTER TABLE {t} MODIFY COLUMN n bigint DEFAULT 5"],
            &[
                "INSERT INTO {t} (id, a, n, b) VALUES (100001, 'a 1', 5000000000, 'b 1')",
                "UPDATE {t} SET n = -5000000000 WHERE id = 1",
            ],
        ),
        // Lengths above 255 bytes take another byte in the log.
        case(
            "widen_text",
            Widened,
            &["ALTER TABLE {t} MODIFY COLUMN c varchar(400) DEFAULT 'c'"],
            &[
                "INSERT INTO {t} (id, a, c, b) VALUES (100001, 'a 1', REPEAT('c', 399), 'b 1')",
                "UPDATE {t} SET c = REPEAT('é', 400) WHERE id = 1",
            ],
        ),
        over(
            [
                "id int PRIMARY KEY, a varchar(20), e enum('one','two') DEFAULT 'one', b varchar(20)",
                "",
            ],
            case(
                "add_label",
                Widened,
                &["ALTER TABLE {t} MODIFY COLUMN e enum('one','two','three') DEFAULT 'one'"],
                &[
                    "INSERT INTO {t} (id, a, e, b) VALUES (100001, 'a 1', 'three', 'b 1')",
                    "UPDATE {t} SET e = 'two' WHERE id = 1",
                ],
            ),
        ),
        over(
            [
                "id int PRIMARY KEY, a varchar(20), n int NOT NULL DEFAULT 5, b varchar(20)",
                "",
            ],
            case(
                "null_allowed",
                Widened,
                &["ALTER TABLE {t} MODIFY COLUMN n int NULL DEFAULT 5"],
                &[
                    "INSERT INTO {t} (id, a, n, b) VALUES (100001, 'a 1', NULL, 'b 1')",
                    "UPDATE {t} SET n = NULL WHERE id = 1",
                ],
            ),
        ),
        over(
            [
                "id int PRIMARY KEY, a varchar(20), n bigint DEFAULT 5, b varchar(20)",
                "",
            ],
            case(
                "narrow_int",
                Other,
                &["ALTER TABLE {t} MODIFY COLUMN n int DEFAULT 5"],
                NEW_N,
            ),
        ),
        case(
            "int_to_text",
            Other,
            &["ALTER TABLE {t} MODIFY COLUMN n varchar(20) DEFAULT 'n'"],
            &[
                "INSERT INTO {t} (id, a, n, b) VALUES (100001, 'a 1', 'n 1', 'b 1')",
                "UPDATE {t} SET n = 'n 2' WHERE id = 1",
            ],
        ),
        case(
            "narrow_text",
            Unclear,
            &["ALTER TABLE {t} MODIFY COLUMN c varchar(10) DEFAULT 'c'"],
            NEW_ROW,
        ),
        case(
            "text_to_int",
            Other,
            &[
                "UPDATE {t} SET c = '7'",
                "ALTER TABLE {t} MODIFY COLUMN c int DEFAULT 7",
            ],
            &["UPDATE {t} SET c = 70000 WHERE id = 1"],
        ),
        // The log's types are the same; only its optional metadata tells.
        case(
            "without_sign",
            Unclear,
            &["ALTER TABLE {t} MODIFY COLUMN n int unsigned DEFAULT 5"],
            &[
                "INSERT INTO {t} (id, a, n, b) VALUES (100001, 'a 1', 4000000000, 'b 1')",
                "UPDATE {t} SET n = 4294967295 WHERE id = 1",
            ],
        ),
        over(
            [
                "id int PRIMARY KEY, a varchar(20), e enum('one','two') DEFAULT 'one', s set('x','y','z') DEFAULT 'x', b varchar(20)",
                "",
            ],
            case(
                "labels_reordered",
                Unclear,
                &[
                    "ALTER TABLE {t} MODIFY COLUMN e enum('two','one') DEFAULT 'one', MODIFY COLUMN s set('z','y','x')",
                ],
                &[
                    "INSERT INTO {t} (id, a, e, s, b) VALUES (100001, 'a 1', 'two', 'x,y', 'b 1')",
                    "UPDATE {t} SET e = 'two', s = 'z' WHERE id = 1",
                ],
            ),
        ),
        over(
            [
                "id int PRIMARY KEY, a varchar(20), c varchar(20) CHARACTER SET utf8mb4 DEFAULT 'é', b varchar(20)",
                "",
            ],
            case(
                "character_set",
                Unclear,
                &["ALTER TABLE {t} MODIFY COLUMN c varchar(20) CHARACTER SET latin1 DEFAULT 'é'"],
                &[
                    "INSERT INTO {t} (id, a, c, b) VALUES (100001, 'a 1', 'déjà', 'b 1')",
                    "UPDATE {t} SET c = 'ÿ' WHERE id = 1",
                ],
            ),
        ),
        case(
            "varchar_to_text",
            Unclear,
            &["ALTER TABLE {t} MODIFY COLUMN c text"],
            &["INSERT INTO {t} (id, a, c, b) VALUES (100001, 'a 1', REPEAT('é', 5000), 'b 1')"],
        ),
        over(
            [
                "id int PRIMARY KEY, a varchar(20), d datetime DEFAULT '2024-05-06 07:08:09', m decimal(8,2) DEFAULT 1.25, b varchar(20)",
                "",
            ],
            case(
                "more_digits",
                Unclear,
                &["ALTER TABLE {t} MODIFY COLUMN d datetime(3), MODIFY COLUMN m decimal(14,4)"],
                &[
                    "INSERT INTO {t} (id, a, d, m, b) VALUES (100001, 'a 1', '2024-05-06 07:08:09.123', 1234567890.1234, 'b 1')",
                    "UPDATE {t} SET m = -0.0001 WHERE id = 1",
                ],
            ),
        ),
        over(
            [
                "id int PRIMARY KEY, a varchar(20), d datetime DEFAULT '2024-05-06 07:08:09', b varchar(20)",
                "",
            ],
            case(
                "moment",
                Unclear,
                &["ALTER TABLE {t} MODIFY COLUMN d timestamp NULL DEFAULT '2024-05-06 07:08:09'"],
                &[
                    "INSERT INTO {t} (id, a, d, b) VALUES (100001, 'a 1', '2024-05-06 07:08:09', 'b 1')",
                ],
            ),
        ),
        over(
            ["id int NOT NULL, a varchar(20), b varchar(20)", ""],
            case(
                "key_made",
                Other,
                &["ALTER TABLE {t} ADD PRIMARY KEY (id)"],
                &["UPDATE {t} SET a = 'a 9' WHERE id = 1"],
            ),
        ),
        over(
            [
                "id int PRIMARY KEY, k int AUTO_INCREMENT UNIQUE, a varchar(20), b varchar(20)",
                "",
            ],
            case(
                "key_changed",
                Other,
                &["ALTER TABLE {t} DROP PRIMARY KEY, ADD PRIMARY KEY (k)"],
                &["UPDATE {t} SET a = 'a 9' WHERE k = 1"],
            ),
        ),
    ]
}
