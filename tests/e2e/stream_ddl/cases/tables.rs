//! Tables take other names and lose rows that nobody deletes one by one; or nothing happens to their rows.

use super::{Case, IN_PARTS, Kind, NEW_ROW, case, over};

pub fn harmless() -> Vec<Case> {
    use Kind::Nothing;
    vec![
        case("beside", Nothing, &[], NEW_ROW),
        case(
            "index_made",
            Nothing,
            &[
                "CREATE INDEX i ON {t} (a)",
                "ALTER TABLE {t} ADD UNIQUE INDEX u (id, b)",
            ],
            NEW_ROW,
        ),
        over(
            [
                "id int PRIMARY KEY, a varchar(20), c varchar(20), b varchar(20), KEY i (a), KEY k (c, b)",
                "",
            ],
            case(
                "index_gone",
                Nothing,
                &["DROP INDEX i ON {t}", "ALTER TABLE {t} DROP KEY k"],
                NEW_ROW,
            ),
        ),
        case(
            "rebuilt",
            Nothing,
            &[
                "ALTER TABLE {t} ENGINE=InnoDB",
                "ALTER TABLE {t} FORCE",
                "OPTIMIZE TABLE {t}",
            ],
            NEW_ROW,
        ),
        case(
            "reordered",
            Nothing,
            &[
                "ALTER TABLE {t} MODIFY COLUMN b varchar(20) FIRST, MODIFY COLUMN c varchar(20) DEFAULT 'c' AFTER id",
            ],
            NEW_ROW,
        ),
        case(
            "described",
            Nothing,
            &[
                "ALTER TABLE {t} COMMENT = 'x', ALTER COLUMN c SET DEFAULT 'other'",
                "ALTER TABLE {t} MODIFY COLUMN a varchar(20) COMMENT 'it''s'",
            ],
            NEW_ROW,
        ),
        case("emptied", Nothing, &["TRUNCATE TABLE {t}"], NEW_ROW),
        over(
            IN_PARTS,
            case(
                "part_added",
                Nothing,
                &[
                    "ALTER TABLE {t} ADD PARTITION (PARTITION p3 VALUES LESS THAN MAXVALUE)",
                    "ALTER TABLE {t} REORGANIZE PARTITION p0, p1 INTO (PARTITION q VALUES LESS THAN (40))",
                ],
                NEW_ROW,
            ),
        ),
    ]
}

pub fn tables() -> Vec<Case> {
    use Kind::{Gone, Replaced};
    vec![
        case(
            "renamed",
            Gone,
            &["RENAME TABLE {t} TO {t}_now"],
            &["UPDATE {t}_now SET a = 'a 9' WHERE id = 1"],
        ),
        case(
            "renamed_by_alter",
            Gone,
            &["ALTER TABLE {t} RENAME TO {t}_now"],
            &["UPDATE {t}_now SET a = 'a 9' WHERE id = 1"],
        ),
        case(
            "made_anew",
            Replaced,
            &[
                "DROP TABLE {t}",
                "CREATE TABLE {t} (id int PRIMARY KEY, a varchar(20), c varchar(20) DEFAULT 'new', n int, b varchar(20))",
            ],
            NEW_ROW,
        ),
        case(
            "swapped_by_hand",
            Replaced,
            &[
                "CREATE TABLE {t}_next LIKE {t}",
                "INSERT INTO {t}_next (id, a, b) VALUES (5, 'a 5', 'b 55'), (500, 'a 500', 'b 500')",
                "RENAME TABLE {t} TO {t}_before, {t}_next TO {t}",
            ],
            NEW_ROW,
        ),
        over(
            IN_PARTS,
            case(
                "part_dropped",
                Replaced,
                &["ALTER TABLE {t} DROP PARTITION p0"],
                NEW_ROW,
            ),
        ),
        over(
            IN_PARTS,
            case(
                "part_emptied",
                Replaced,
                &["ALTER TABLE {t} TRUNCATE PARTITION p1"],
                NEW_ROW,
            ),
        ),
        over(
            IN_PARTS,
            case(
                "part_exchanged",
                Replaced,
                &[
                    "CREATE TABLE {t}_other (id int PRIMARY KEY, a varchar(20), c varchar(20) DEFAULT 'c', n int DEFAULT 5, b varchar(20))",
                    "INSERT INTO {t}_other (id, a, b) VALUES (25, 'a 25', 'b 2525')",
                    "ALTER TABLE {t} EXCHANGE PARTITION p1 WITH TABLE {t}_other",
                ],
                NEW_ROW,
            ),
        ),
    ]
}
