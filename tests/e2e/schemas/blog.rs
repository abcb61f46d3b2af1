//! Tables like those of WordPress, as MySQL's modes of that time let them be.

pub const BLOG: &[&str] = &[
    "SET SESSION sql_mode = ''",
    "CREATE TABLE wp_users (ID bigint(20) unsigned NOT NULL AUTO_INCREMENT, user_login varchar(60) NOT NULL DEFAULT '', \
     user_pass varchar(255) NOT NULL DEFAULT '', user_email varchar(100) NOT NULL DEFAULT '', \
     user_registered datetime NOT NULL DEFAULT '0000-00-00 00:00:00', user_status int(11) NOT NULL DEFAULT 0, \
     PRIMARY KEY (ID), KEY user_login_key (user_login), KEY user_email (user_email)) COLLATE utf8mb4_unicode_520_ci",
    "CREATE TABLE wp_posts (ID bigint(20) unsigned NOT NULL AUTO_INCREMENT, post_author bigint(20) unsigned NOT NULL DEFAULT 0, \
     post_date datetime NOT NULL DEFAULT '0000-00-00 00:00:00', post_date_gmt datetime NOT NULL DEFAULT '0000-00-00 00:00:00', \
     post_content longtext NOT NULL, post_title text NOT NULL, post_status varchar(20) NOT NULL DEFAULT 'publish', \
     post_name varchar(200) NOT NULL DEFAULT '', post_parent bigint(20) unsigned NOT NULL DEFAULT 0, menu_order int(11) NOT NULL DEFAULT 0, \
     post_type varchar(20) NOT NULL DEFAULT 'post', comment_count bigint(20) NOT NULL DEFAULT 0, PRIMARY KEY (ID), \
     KEY post_name (post_name(191)), KEY type_status_date (post_type, post_status, post_date, ID), KEY post_parent (post_parent), \
     KEY post_author (post_author)) COLLATE utf8mb4_unicode_520_ci",
    "CREATE TABLE wp_postmeta (meta_id bigint(20) unsigned NOT NULL AUTO_INCREMENT, post_id bigint(20) unsigned NOT NULL DEFAULT 0, \
     meta_key varchar(255) DEFAULT NULL, meta_value longtext, PRIMARY KEY (meta_id), KEY post_id (post_id), KEY meta_key (meta_key(191))) \
     COLLATE utf8mb4_unicode_520_ci",
    "CREATE TABLE wp_options (option_id bigint(20) unsigned NOT NULL AUTO_INCREMENT, option_name varchar(191) NOT NULL DEFAULT '', \
     option_value longtext NOT NULL, autoload varchar(20) NOT NULL DEFAULT 'yes', PRIMARY KEY (option_id), \
     UNIQUE KEY option_name (option_name), KEY autoload (autoload)) COLLATE utf8mb4_unicode_520_ci",
    "CREATE TABLE wp_term_relationships (object_id bigint(20) unsigned NOT NULL DEFAULT 0, term_taxonomy_id bigint(20) unsigned NOT NULL DEFAULT 0, \
     term_order int(11) NOT NULL DEFAULT 0, PRIMARY KEY (object_id, term_taxonomy_id), KEY term_taxonomy_id (term_taxonomy_id))",
    "INSERT INTO wp_users (user_login, user_pass, user_registered) VALUES ('admin', '$P$B', '2010-01-02 03:04:05'), ('größe', '', DEFAULT)",
    "INSERT INTO wp_posts (post_author, post_date, post_date_gmt, post_content, post_title, post_name) VALUES \
     (1, '2010-01-02 04:04:05', '2010-01-02 03:04:05', '<p>Hello \\\\ \"world\"! 😀</p>\\r\\n', 'Hello', 'hello'), \
     (2, '2010-01-02 04:04:05', DEFAULT, REPEAT('long ', 50000), 'Draft', ''), (2, DEFAULT, DEFAULT, '', '', '')",
    "INSERT INTO wp_postmeta (post_id, meta_key, meta_value) VALUES (1, '_edit_lock', '1:1'), (1, NULL, NULL), (2, 'a:1:{s:1:\"k\";}', REPEAT('ü', 3000))",
    "INSERT INTO wp_options (option_name, option_value) VALUES ('siteurl', 'https://example.com'), ('cron', 'a:0:{}')",
    "INSERT INTO wp_term_relationships VALUES (1, 1, 0), (1, 2, 0), (2, 1, 3)",
];
