//! Columns come, go and take other names.

use super::{Case, Kind, NEW_N, NEW_ROW, NEW_X, case, over};

pub fn cases() -> Vec<Case> {
    use Kind::{Columns, Other, Unclear, Unknown};
    vec![
        case(
            "add_null",
            Columns,
            &["ALTER TABLE {t} ADD COLUMN x varchar(20)"],
            NEW_X,
        ),
        case(
            "add_literal",
            Columns,
            &["ALTER TABLE {t} ADD COLUMN x varchar(20) NOT NULL DEFAULT 'it''s x'"],
            NEW_X,
        ),
        case(
            "add_first",
            Columns,
            &["ALTER TABLE {t} ADD COLUMN x varchar(20) DEFAULT 'x' FIRST"],
            NEW_X,
        ),
        case(
            "add_after",
            Columns,
            &["ALTER TABLE {t} ADD COLUMN x varchar(20) DEFAULT 'x' AFTER a"],
            NEW_X,
        ),
        case(
            "add_instant",
            Columns,
            &["ALTER TABLE {t} ADD COLUMN x varchar(20) NOT NULL DEFAULT 'x', ALGORITHM=INSTANT"],
            NEW_X,
        ),
        case(
            "add_three",
            Columns,
            &[
                "ALTER TABLE {t} ADD COLUMN x varchar(20) DEFAULT 'x' AFTER id, ADD COLUMN y decimal(8,2) NOT NULL DEFAULT -1.50, ADD COLUMN z datetime(3) DEFAULT '2024-05-06 07:08:09.123' FIRST",
            ],
            NEW_X,
        ),
        case(
            "add_one_by_one",
            Columns,
            &[
                "ALTER TABLE {t} ADD COLUMN y varchar(20) DEFAULT 'y' FIRST",
                "ALTER TABLE {t} ADD COLUMN x varchar(20) DEFAULT 'x' AFTER y",
            ],
            NEW_X,
        ),
        case(
            "drop_middle",
            Columns,
            &["ALTER TABLE {t} DROP COLUMN c"],
            NEW_N,
        ),
        case(
            "drop_two",
            Columns,
            &["ALTER TABLE {t} DROP COLUMN c, DROP COLUMN n"],
            &["UPDATE {t} SET a = 'a 9' WHERE id = 1"],
        ),
        case(
            "drop_and_add",
            Columns,
            &["ALTER TABLE {t} DROP COLUMN c, ADD COLUMN x varchar(20) DEFAULT 'x' AFTER a"],
            NEW_X,
        ),
        case(
            "rename_column",
            Columns,
            &["ALTER TABLE {t} RENAME COLUMN c TO x"],
            NEW_X,
        ),
        case(
            "rename_by_change",
            Columns,
            &["ALTER TABLE {t} CHANGE COLUMN c x varchar(20) DEFAULT 'c'"],
            NEW_X,
        ),
        case(
            "swap_by_ghost",
            Columns,
            &[
                "CREATE TABLE _{t}_gho LIKE {t}",
                "ALTER TABLE _{t}_gho ADD COLUMN x varchar(20) DEFAULT 'x' AFTER id",
                "INSERT INTO _{t}_gho (id, a, c, n, b) SELECT id, a, c, n, b FROM {t}",
                "RENAME TABLE {t} TO _{t}_del, _{t}_gho TO {t}",
                "DROP TABLE _{t}_del",
            ],
            NEW_X,
        ),
        case(
            "swap_by_toolkit",
            Columns,
            &[
                "CREATE TABLE _{t}_new LIKE {t}",
                "ALTER TABLE _{t}_new ADD COLUMN x varchar(20) DEFAULT 'x' AFTER id",
                "CREATE TRIGGER pt_{t}_del AFTER DELETE ON {t} FOR EACH ROW DELETE IGNORE FROM _{t}_new WHERE id <=> OLD.id",
                "CREATE TRIGGER pt_{t}_upd AFTER UPDATE ON {t} FOR EACH ROW REPLACE INTO _{t}_new (id, a, c, n, b) VALUES (NEW.id, NEW.a, NEW.c, NEW.n, NEW.b)",
                "CREATE TRIGGER pt_{t}_ins AFTER INSERT ON {t} FOR EACH ROW REPLACE INTO _{t}_new (id, a, c, n, b) VALUES (NEW.id, NEW.a, NEW.c, NEW.n, NEW.b)",
                "INSERT IGNORE INTO _{t}_new (id, a, c, n, b) SELECT id, a, c, n, b FROM {t} LOCK IN SHARE MODE",
                "RENAME TABLE {t} TO _{t}_old, _{t}_new TO {t}",
                "DROP TABLE IF EXISTS _{t}_old",
            ],
            NEW_X,
        ),
        case(
            "add_now",
            Unknown,
            &["ALTER TABLE {t} ADD COLUMN x timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)"],
            NEW_N,
        ),
        case(
            "add_number",
            Unknown,
            &["ALTER TABLE {t} ADD COLUMN x int NOT NULL AUTO_INCREMENT UNIQUE"],
            NEW_N,
        ),
        case(
            "add_made",
            Unclear,
            &["ALTER TABLE {t} ADD COLUMN x varchar(50) AS (CONCAT(a, b)) STORED AFTER id"],
            NEW_N,
        ),
        case(
            "drop_and_add_same",
            Unclear,
            &["ALTER TABLE {t} DROP COLUMN c, ADD COLUMN c varchar(20) DEFAULT 'new' FIRST"],
            NEW_ROW,
        ),
        over(
            [
                "id int PRIMARY KEY, a varchar(20), c varchar(20) DEFAULT 'c', d varchar(20) DEFAULT 'd', b varchar(20)",
                "",
            ],
            case(
                "names_swapped",
                Unclear,
                &["ALTER TABLE {t} RENAME COLUMN c TO d, RENAME COLUMN d TO c"],
                &[
                    "INSERT INTO {t} (id, a, c, d, b) VALUES (100001, 'a 1', 'c 1', 'd 1', 'b 1')",
                    "UPDATE {t} SET c = 'c 2' WHERE id = 1",
                ],
            ),
        ),
        over(
            [
                "id int NOT NULL UNIQUE, k int AUTO_INCREMENT PRIMARY KEY, a varchar(20), b varchar(20)",
                "",
            ],
            case(
                "drop_key_column",
                Other,
                &["ALTER TABLE {t} DROP COLUMN k"],
                &["UPDATE {t} SET a = 'a 9' WHERE id = 1"],
            ),
        ),
    ]
}
