//! Schemas as people have them arrive whole: rows, keys, indexes, foreign keys, defaults, comments
//! and counters; again with a second run; and a dump of the copy restores.

mod blog;
mod shop;
mod tickets;

use crate::support::canonical::{is_mysql, pg_literal};
use crate::support::fixture::{Databases, shared};
use crate::support::structure::{assert_dump_restores, assert_structure, assert_whole};

#[test]
fn a_shop_with_foreign_keys_in_a_cycle_arrives_twice() {
    let mut test = Databases::shared("schema_shop");
    test.my.run(shop::SHOP);
    if is_mysql(&mut test.my) {
        test.my.run(&[
            "CREATE INDEX lower_title ON products ((LOWER(title)))",
            "CREATE INDEX hidden ON products (weight) INVISIBLE",
        ]);
    } else {
        test.my
            .run(&["CREATE INDEX hidden ON products (weight) IGNORED"]);
    }
    test.job("shop", r#"{"workers": 3}"#);
    test.run("shop");
    assert_whole(&mut test, "shop");
    let references = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated AND connamespace = 'shop'::regnamespace";
    assert_eq!(test.pg.number(references), 8);
    assert_eq!(
        test.pg
            .number("SELECT count(*) FROM sync_steps WHERE kind = 'foreign_key'"),
        8
    );

    // Indexes are what they were: their order, their prefixes, what they are over.
    let definition = |table: &str, name: &str| {
        format!(
            "SELECT regexp_replace(indexdef, '^.* USING ', '') FROM pg_indexes WHERE schemaname = 'shop' AND tablename = '{table}' AND indexname = '{table}_{name}'"
        )
    };
    for (table, name, expected) in [
        ("customers", "newest", "btree (created_at DESC, id)"),
        (
            "products",
            "description",
            "btree (\"left\"(description, 20))",
        ),
        ("products", "title", "btree (\"left\"((title)::text, 60))"),
        ("items", "pkey", "btree (order_id, line)"),
        ("visits", "pkey", "btree (id, year)"),
    ] {
        assert_eq!(
            test.pg.text(&definition(table, name)),
            expected,
            "{table} {name}"
        );
    }
    assert!(
        test.pg
            .text(&definition("products", "words"))
            .starts_with("gin (to_tsvector(")
    );
    if is_mysql(&mut test.my) {
        let lower = test.pg.text(&definition("products", "lower_title"));
        assert!(lower.contains("lower("), "{lower}");
    }

    // Defaults, checks and counters work on.
    let inserted = test.pg.text(
        "INSERT INTO shop.customers (email) VALUES ('new@example.com')
         RETURNING concat_ws('|', id, name, referred_by IS NULL, balance, active, flags, created_at > now() - interval '1 minute', updated_at IS NULL)",
    );
    assert_eq!(inserted, "5000||t|0.00|1|0101|t|t");
    let inserted = test.pg.text(
        "INSERT INTO shop.items (order_id, line, sku, price) VALUES (2, 9, 'p-2', 2.5) RETURNING concat_ws('|', quantity, total, label)",
    );
    assert_eq!(inserted, "1|2.50|p-2 x1");
    assert_eq!(
        test.pg
            .text("INSERT INTO shop.visits (year) VALUES (1) RETURNING id"),
        "4"
    );
    for (sql, sqlstate) in [
        (
            "INSERT INTO shop.items (order_id, line, sku, quantity, price) VALUES (2, 10, 'p-2', 0, 1)",
            "23514",
        ),
        (
            "INSERT INTO shop.items (order_id, line, sku, price) VALUES (2, 10, 'p-9', 1)",
            "23503",
        ),
        (
            "INSERT INTO shop.orders (customer_id, status, placed_at) VALUES (1, 'other', now())",
            "23514",
        ),
        (
            "INSERT INTO shop.customers (email) VALUES ('a@example.com')",
            "23505",
        ),
    ] {
        assert_eq!(test.pg.error(sql).sqlstate, sqlstate, "{sql}");
    }

    // A second run makes rows and structure those of the source again, with its keys in place.
    test.my.run(shop::SHOP_CHANGES);
    test.run("shop");
    assert_whole(&mut test, "shop");
    assert_eq!(test.pg.number(references), 8);
    assert_dump_restores(&mut test, &shared().postgres);
}

#[test]
fn a_blog_s_tables_with_their_zero_dates_arrive() {
    let mut test = Databases::shared("schema_blog");
    test.my.run(blog::BLOG);
    test.job("blog", r#"{"zero_date": "epoch", "names": "lower"}"#);
    test.run("blog");
    assert_structure(&mut test, "blog");
    let zeros = test.pg.text("SELECT string_agg(concat_ws(' ', unit, column_name, altered), ', ' ORDER BY unit, column_name) FROM sync_adjustments");
    assert_eq!(
        zeros,
        "wp_posts post_date 1, wp_posts post_date_gmt 2, wp_users user_registered 1"
    );
    let columns = test.pg.text(
        "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'blog.wp_posts'::regclass AND attnum > 0",
    );
    assert!(
        columns.starts_with("id,post_author,post_date,"),
        "{columns}"
    );
    test.my.run(&[
        "UPDATE wp_posts SET post_date = '1970-01-01' WHERE post_date = 0",
        "UPDATE wp_posts SET post_date_gmt = '1970-01-01' WHERE post_date_gmt = 0",
        "UPDATE wp_users SET user_registered = '1970-01-01' WHERE user_registered = 0",
    ]);
    assert_whole(&mut test, "blog");
    // What the source counts, the copy counts on from there, where the default is no identity too.
    assert_eq!(test.pg.text("INSERT INTO blog.wp_posts (post_content, post_title, post_date, post_date_gmt) VALUES ('', '', now(), now()) RETURNING id"), "4");
    assert_dump_restores(&mut test, &shared().postgres);
}

#[test]
fn hostile_names_comments_and_defaults_arrive() {
    let mut test = Databases::shared("schema_tickets");
    for statement in tickets::tickets() {
        test.my.run(&[&statement]);
    }
    test.job("Odd \"Job\"", "{}");
    test.run("Odd \"Job\"");
    assert_whole(&mut test, "Odd \"Job\"");
    let long = test.pg.rows("SELECT target, octet_length(relname) FROM sync_units JOIN pg_class ON oid = target::regclass WHERE octet_length(unit) > 63");
    assert_eq!(long.len(), 3, "{long:?}");
    assert!(
        long.iter()
            .all(|row| row[1].as_deref().is_some_and(|length| length <= "63")),
        "{long:?}"
    );
    // Each name that is not the source's is told.
    for row in long {
        let name = row[0].clone().unwrap_or_default();
        let plan = test.pg.text(&format!(
            "SELECT to_jsonb(p)::text FROM sync_plan('Odd \"Job\"') p WHERE target = {}",
            pg_literal(&name)
        ));
        assert!(plan.contains("named") || plan.contains("name"), "{plan}");
    }
    let inserted = test.pg.text(
        r#"INSERT INTO "Odd ""Job""".user ("select") VALUES ('new') RETURNING concat_ws('|', "order", "group" IS NULL, "a""b", "tick`s", "größe", "Mixed Case")"#,
    );
    assert_eq!(inserted, r#"6|t|say "hi"|it's \ here|-1|abc"#);
    let inserted = test.pg.text(
        r#"INSERT INTO "Odd ""Job"""."table" (title) VALUES ('größe')
           RETURNING concat_ws('|', id, priority, labels, severity, closed IS NULL, due, spent, secret, score, share, done, year, open_for, shout, three, length(token))"#,
    );
    // What UPPER makes of it is the source's own: a plain column there, and none here.
    assert_eq!(
        inserted,
        r#"4|it's on fire|{bug,"o\"k"}|3|t|2030-12-31|-01:30:00|\x00ff|0.0015|0.2500|f|2024|7|3|36"#
    );
    for (sql, sqlstate) in [
        (
            r#"INSERT INTO "Odd ""Job"""."table" (title, severity) VALUES ('', 6)"#,
            "23514",
        ),
        (
            r#"INSERT INTO "Odd ""Job"""."table" (title, closed) VALUES ('', '1999-01-01')"#,
            "23514",
        ),
        (
            r#"INSERT INTO "Odd ""Job"""."table" (title, priority) VALUES ('', 'urgent')"#,
            "23514",
        ),
        (
            r#"INSERT INTO "Odd ""Job"""."table" (title, parent) VALUES ('', 99)"#,
            "23503",
        ),
    ] {
        assert_eq!(test.pg.error(sql).sqlstate, sqlstate, "{sql}");
    }
    assert_dump_restores(&mut test, &shared().postgres);
}

#[test]
fn an_index_or_key_that_cannot_be_made_fails_its_unit_and_keeps_the_rows() {
    let mut test = Databases::shared("schema_failing");
    test.my.run(&[
        "CREATE TABLE p (id int PRIMARY KEY, code varchar(20) COLLATE utf8mb4_bin, UNIQUE KEY code (code))",
        "CREATE TABLE c (id int PRIMARY KEY, p int, word varchar(20), KEY word (word), CONSTRAINT to_p FOREIGN KEY (p) REFERENCES p (id))",
        "CREATE TABLE g (id int PRIMARY KEY, c int, CONSTRAINT to_c FOREIGN KEY (c) REFERENCES c (id))",
        "INSERT INTO p VALUES (1, 'a'), (2, 'b')",
        "INSERT INTO c VALUES (1, 1, 'x'), (2, 2, 'y')",
        "INSERT INTO g VALUES (1, 1)",
    ]);
    // Something stands where an index is to be, and a row is missing that another refers to.
    test.pg
        .rows("CREATE SCHEMA j; CREATE VIEW j.c_word AS SELECT 1");
    test.job("j", "{}");
    test.pg
        .rows(r#"SELECT sync_alter_unit('j', 'p', '{"filter": "id = 1"}')"#);
    test.start("j");
    assert_eq!(test.end("j"), "failed");
    assert_eq!(test.unit_status("j", "p"), "completed");
    let [error, hint] = test.failure("j", "c");
    assert!(
        error.contains("c_word") || error.contains("to_p"),
        "{error}"
    );
    assert!(!hint.is_empty(), "{error}");
    assert_eq!(test.pg.text("SELECT concat_ws(' ', (SELECT count(*) FROM j.p), (SELECT count(*) FROM j.c), (SELECT count(*) FROM j.g))"), "1 2 1");
    let phase = "SELECT phase FROM sync_units WHERE unit = 'c'";
    assert!(matches!(
        test.pg.text(phase).as_str(),
        "indexes" | "foreign_keys"
    ));
    // Mended one after the other, the unit goes on where it stands: no row is copied again.
    test.pg.rows("DROP VIEW j.c_word");
    let versions = test.pg.text("SELECT string_agg(xmin::text, ' ') FROM j.c");
    test.pg.rows("SELECT sync_retry('j')");
    assert_eq!(test.end("j"), "failed");
    let [error, hint] = test.failure("j", "c");
    assert!(error.contains("to_p") && !hint.is_empty(), "{error} {hint}");
    test.pg
        .rows("INSERT INTO j.p VALUES (2, 'b'); SELECT sync_retry('j')");
    test.finish("j");
    assert_whole(&mut test, "j");
    assert_eq!(
        test.pg.text("SELECT string_agg(xmin::text, ' ') FROM j.c"),
        versions,
        "rows were written again"
    );
}

#[test]
fn a_foreign_key_to_what_is_not_unique_is_told_with_its_mend() {
    let mut test = Databases::shared("schema_not_unique");
    if is_mysql(&mut test.my) {
        test.my
            .run(&["SET SESSION restrict_fk_on_non_standard_key = OFF"]);
    }
    test.my.run(&[
        "CREATE TABLE p (id int PRIMARY KEY, code int, KEY code (code))",
        "CREATE TABLE c (id int PRIMARY KEY, code int, CONSTRAINT to_code FOREIGN KEY (code) REFERENCES p (code))",
        "INSERT INTO p VALUES (1, 7), (2, 8)",
        "INSERT INTO c VALUES (1, 7), (2, 7)",
    ]);
    test.job("j", "{}");
    test.start("j");
    assert_eq!(test.end("j"), "failed");
    assert_eq!(test.unit_status("j", "p"), "completed");
    let [error, hint] = test.failure("j", "c");
    assert!(error.contains("to_code"), "{error}");
    assert!(hint.contains("CREATE UNIQUE INDEX"), "{hint}");
    assert_eq!(test.pg.number("SELECT count(*) FROM j.c"), 2);
    // The hint mends it.
    test.pg.rows(&hint);
    test.pg.rows("SELECT sync_retry('j')");
    test.finish("j");
    let valid = "SELECT count(*) FROM pg_constraint WHERE conname = 'to_code' AND convalidated";
    assert_eq!(test.pg.number(valid), 1);
}
