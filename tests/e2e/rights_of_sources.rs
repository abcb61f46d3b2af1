//! Who may make a source, and who may have one name files of the database server.

use crate::support::fixture::{Databases, shared};
use crate::support::postgres_client::PostgresClient;
use crate::support::said::refused;
use std::fs;

/// Each option that names a file, where it stands beside a URL, and in the URL of `sync_create_source`.
const FILES: [(&str, &str, &str); 4] = [
    (
        "ca",
        "url 'mysql://db.example/shop', ca '/x.pem'",
        "mysql://u:p@db.example/shop?ca=/x.pem",
    ),
    (
        "cert",
        "url 'mysql://db.example/shop', cert '/x.pem', key '/y.pem'",
        "mysql://u:p@db.example/shop?cert=/x.pem&key=/y.pem",
    ),
    (
        "key",
        "url 'mysql://db.example/shop', key '/y.pem', cert '/x.pem'",
        "mysql://u:p@db.example/shop?key=/y.pem&cert=/x.pem",
    ),
    (
        "socket",
        "url 'mysql:///shop', socket '/run/x.sock'",
        "mysql://u:p@/shop?socket=/run/x.sock",
    ),
];

/// A role that may make sources.
fn maker(test: &mut Databases, name: &str) -> PostgresClient {
    test.pg.rows(&format!(
        "CREATE ROLE {name} LOGIN; GRANT EXECUTE ON FUNCTION sync_create_source(text, text) TO {name}; \
         GRANT USAGE ON FOREIGN DATA WRAPPER tributary TO {name}; GRANT CREATE ON DATABASE {database} TO {name}",
        database = test.name
    ));
    shared().postgres.connect_as(name, &test.name)
}

/// Servers and the number of their user mappings.
fn servers(test: &mut Databases) -> String {
    test.pg.text(
        "SELECT string_agg(s.srvname || ' ' || array_to_string(s.srvoptions, ' ') || ' ' || \
           (SELECT count(*) FROM pg_user_mapping u WHERE u.umserver = s.oid), ', ' ORDER BY s.srvname) FROM pg_foreign_server s",
    )
}

#[test]
fn only_who_may_read_files_of_the_server_names_some() {
    let mut test = Databases::shared("sources_files");
    let mut pg = maker(&mut test, "sources_files_role");
    // Without files a plain role makes sources, either way.
    pg.rows(
        "CREATE SERVER plain FOREIGN DATA WRAPPER tributary OPTIONS (url 'mysql://db.example/shop', tls 'require'); \
         SELECT sync_create_source('called', 'mysql://u:p@db.example/shop?read_timeout=2min')",
    );
    let before = servers(&mut test);
    for (option, beside, url) in FILES {
        let inside = url.replace("u:p@", "");
        for (statement, named) in [
            (
                format!("CREATE SERVER filed FOREIGN DATA WRAPPER tributary OPTIONS ({beside})"),
                option,
            ),
            (
                format!("ALTER SERVER plain OPTIONS (ADD {option} '/x')"),
                option,
            ),
            (
                format!("SELECT sync_create_source('filed', '{url}')"),
                option,
            ),
            // They do not hide in the URL of a server either.
            (
                format!(
                    "CREATE SERVER filed FOREIGN DATA WRAPPER tributary OPTIONS (url '{inside}')"
                ),
                "url",
            ),
            (
                format!("ALTER SERVER plain OPTIONS (SET url '{inside}')"),
                "url",
            ),
        ] {
            let error = pg.error(&statement);
            assert_eq!(error.sqlstate, "42501", "{statement}: {error:?}");
            assert_eq!(
                error.message,
                format!("permission denied to name a file of the server in option \"{named}\""),
                "{statement}"
            );
            assert!(error.hint.contains("pg_read_server_files"), "{error:?}");
        }
        assert_eq!(servers(&mut test), before, "{option}");
    }
    test.pg
        .rows("GRANT pg_read_server_files TO sources_files_role");
    for (option, beside, url) in FILES {
        pg.rows(&format!(
            "CREATE SERVER filed FOREIGN DATA WRAPPER tributary OPTIONS ({beside}); \
             SELECT sync_create_source('called_too', '{url}')"
        ));
        let named = format!(
            "SELECT count(*) FROM pg_foreign_server WHERE array_to_string(srvoptions, ' ') LIKE '% {option}=/%' \
             AND srvname IN ('filed', 'called_too')"
        );
        assert_eq!(pg.number(&named), 2, "{option}");
        pg.rows("DROP SERVER filed; DROP SERVER called_too CASCADE");
    }
    pg.rows("ALTER SERVER plain OPTIONS (ADD cert '/x', ADD key '/y')");
    // In the URL of CREATE SERVER they stand for nobody.
    refused(
        &mut pg,
        &[(
            "ALTER SERVER plain OPTIONS (SET url 'mysql://db.example/shop?ca=/x')",
            "22023",
            "must stand beside the url",
        )],
    );
}

#[test]
fn only_superusers_have_a_source_compress() {
    let mut test = Databases::shared("sources_zlib");
    let mut pg = maker(&mut test, "sources_zlib_role");
    pg.rows("CREATE SERVER plain FOREIGN DATA WRAPPER tributary OPTIONS (url 'mysql://db.example/shop', compression 'none')");
    const URL: &str = "mysql://db.example/shop?compression=zlib";
    let before = servers(&mut test);
    for statement in [
        "CREATE SERVER zlib FOREIGN DATA WRAPPER tributary OPTIONS (url 'mysql://db.example/shop', compression 'zlib')",
        "ALTER SERVER plain OPTIONS (SET compression 'zlib')",
        &format!("ALTER SERVER plain OPTIONS (DROP compression, SET url '{URL}')"),
        &format!("SELECT sync_create_source('zlib', '{URL}')"),
    ] {
        let error = pg.error(statement);
        assert_eq!(error.sqlstate, "42501", "{statement}: {error:?}");
        assert!(error.hint.contains("only superusers"), "{error:?}");
    }
    assert_eq!(servers(&mut test), before);
    // The source of the tests is trusted, and the rows are the same.
    test.table("t", 3000);
    test.pg
        .rows("ALTER SERVER src OPTIONS (ADD compression 'zlib')");
    test.job("j", "{}");
    test.run("j");
    test.assert_equal("j");
}

#[test]
fn a_source_is_read_through_a_socket() {
    let mut test = Databases::shared("sources_socket");
    test.table("t", 100);
    let mut pg = maker(&mut test, "sources_socket_role");
    test.pg
        .rows("GRANT pg_read_server_files TO sources_socket_role");
    let socket = shared().mariadb.data().with_file_name("my.sock");
    pg.rows(&format!(
        "SELECT sync_create_source('near', 'mysql://reader:secret@/sources_socket?socket={}')",
        socket.display()
    ));
    pg.rows("SELECT sync_create_job('j', source => 'near')");
    test.run("j");
    test.assert_equal("j");
}

#[test]
fn a_source_takes_both_rights() {
    let mut test = Databases::shared("sources_rights");
    test.pg.rows(
        "CREATE ROLE sources_execute LOGIN; GRANT EXECUTE ON FUNCTION sync_create_source(text, text) TO sources_execute; \
         CREATE ROLE sources_usage LOGIN; GRANT USAGE ON FOREIGN DATA WRAPPER tributary TO sources_usage",
    );
    let before = servers(&mut test);
    for (role, message) in [
        (
            "sources_usage",
            "permission denied for function sync_create_source",
        ),
        (
            "sources_execute",
            "permission denied for foreign-data wrapper tributary",
        ),
    ] {
        let mut pg = shared().postgres.connect_as(role, &test.name);
        let error = pg.error("SELECT sync_create_source('mine', 'mysql://db.example/shop')");
        assert_eq!(error.sqlstate, "42501", "{role}: {error:?}");
        assert_eq!(error.message, message, "{role}");
    }
    // Nobody calls the wrapper's validator by hand.
    let mut pg = shared().postgres.connect_as("sources_execute", &test.name);
    refused(
        &mut pg,
        &[(
            "SELECT tributary.fdw_validator('{}', 'pg_foreign_server'::regclass)",
            "42501",
            "permission denied for schema tributary",
        )],
    );
    assert_eq!(servers(&mut test), before);
}

#[test]
fn what_is_no_source_is_refused_and_its_password_told_to_nobody() {
    let mut test = Databases::shared("sources_bad");
    let mut pg = maker(&mut test, "sources_bad_role");
    let before = servers(&mut test);
    let mut told = String::new();
    for (url, message) in [
        ("marker-2b9c", "has no scheme"),
        ("http://u:marker-2b9c@host/shop", "has a scheme other than"),
        ("mysql://u:marker-2b9c@host", "names no database"),
        ("mysql://u:marker-2b9c@host:0/shop", "has a port that"),
        ("mysql://u:1/marker-2b9c@host/shop", "in its database"),
        ("mysql://u:marker-2b9c%zz@host/shop", "has a % that"),
        ("mysql://u:marker-2b9c@host/shop#x", "contains a fragment"),
        ("mysql://u:marker-2b9c@/shop", "neither a host nor a socket"),
        (
            "mysql://u:marker-2b9c@host/shop?tls",
            "an option without a value",
        ),
        (
            "mysql://u:marker-2b9c@host/shop?tls=never",
            "invalid value for option \"tls\"",
        ),
        (
            "mysql://u:marker-2b9c@host/shop?read_timeout=1ms",
            "invalid value for option \"read_timeout\"",
        ),
        (
            "mysql://u:marker-2b9c@host/shop?pool=7",
            "unknown option \"pool\"",
        ),
        (
            "mysql://host/shop?password=marker-2b9c",
            "unknown option \"password\"",
        ),
    ] {
        let error = pg.error(&format!("SELECT sync_create_source('bad', '{url}')"));
        assert_eq!(error.sqlstate, "22023", "{url}: {error:?}");
        assert!(error.message.contains(message), "{url}: {error:?}");
        assert!(!error.hint.is_empty(), "{url}: {error:?}");
        told += &format!("{error:?}\n");
    }
    // A name that is taken, whosever the server is: neither it nor its user mappings change, also where the
    // error is caught.
    let again = "SELECT sync_create_source('src', 'mysql://u:marker-2b9c@host/shop')";
    let error = pg.error(again);
    assert_eq!(error.sqlstate, "42710", "{error:?}");
    assert_eq!(error.message, "server \"src\" already exists");
    told += &format!("{error:?}\n");
    pg.rows(
        "DO $$ BEGIN PERFORM sync_create_source('src', 'mysql://u:other@host/shop'); \
         EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    );
    assert_eq!(pg.text("SELECT sync_create_source(NULL, NULL)"), "");
    assert_eq!(servers(&mut test), before);
    told += &fs::read_to_string(shared().postgres.log_path()).expect("the server's log");
    let line = told.lines().find(|line| line.contains("marker-2b9c"));
    assert_eq!(line, None);
}
