//! Net changes of a unit in its target.

use pgrx::prelude::*;

#[pg_schema]
mod tests {
    use super::super::replica::{Replica, SCHEMA, column, note, notes, target_rows};
    use crate::model::table::SourceType;
    use crate::pg::{guc, spi, transaction};
    use crate::sink::apply::Care;
    use pgrx::prelude::*;

    fn three(care: Care) -> Replica {
        let mut replica = Replica::new(notes(), &["id"], &[]);
        for id in 1..=3 {
            replica.net.insert(note(id, 10 * id, "a")).unwrap();
        }
        let applied = replica.apply(care);
        assert_eq!((applied.written, applied.deleted), (3, 0));
        assert_eq!(target_rows(), "(1,10,a)(2,20,a)(3,30,a)");
        replica
    }

    #[pg_test]
    fn changes_arrive_and_arrive_again_without_harm() {
        for care in [Care::Streaming, Care::CatchingUp] {
            let mut replica = three(care);
            for again in [false, true] {
                let net = &mut replica.net;
                net.update(note(1, 10, "a"), note(1, 11, "b")).unwrap();
                net.delete(note(2, 20, "a")).unwrap();
                net.update(note(3, 30, "a"), note(4, 30, "c")).unwrap();
                net.insert(note(5, 50, "d")).unwrap();
                let applied = replica.apply(care);
                let deleted = if again { 0 } else { 2 };
                assert_eq!((applied.written, applied.deleted), (3, deleted));
                assert_eq!(target_rows(), "(1,11,b)(4,30,c)(5,50,d)");
            }
            spi::execute(&format!("DROP TABLE {SCHEMA}.t"), &[]).unwrap();
        }
    }

    #[pg_test]
    fn an_insert_finds_a_row_that_should_not_be_there() {
        let mut replica = three(Care::Streaming);
        replica.net.insert(note(2, 21, "b")).unwrap();
        replica.net.insert(note(6, 60, "b")).unwrap();
        let applied = replica.apply(Care::Streaming);
        assert_eq!(applied.written, 2);
        assert_eq!(target_rows(), "(1,10,a)(2,21,b)(3,30,a)(6,60,b)");
    }

    #[pg_test]
    fn rows_exchange_a_value_of_another_unique_key() {
        let ddl = ["CREATE UNIQUE INDEX ON %s (code)"];
        let mut replica = Replica::new(notes(), &["id"], &ddl);
        for id in 1..=3 {
            replica.net.insert(note(id, 10 * id, "a")).unwrap();
        }
        replica.apply(Care::Streaming);
        let net = &mut replica.net;
        net.update(note(1, 10, "a"), note(1, 99, "a")).unwrap();
        net.update(note(2, 20, "a"), note(2, 10, "a")).unwrap();
        net.update(note(1, 99, "a"), note(1, 20, "a")).unwrap();
        let applied = replica.apply(Care::Streaming);
        assert_eq!((applied.written, applied.rejects.len()), (2, 0));
        assert_eq!(target_rows(), "(1,20,a)(2,10,a)(3,30,a)");
        // A value that another row gives up in the same changes.
        let net = &mut replica.net;
        net.delete(note(3, 30, "a")).unwrap();
        net.insert(note(4, 30, "b")).unwrap();
        assert!(replica.apply(Care::Streaming).rejects.is_empty());
        assert_eq!(target_rows(), "(1,20,a)(2,10,a)(4,30,b)");
    }

    #[pg_test]
    fn a_truncation_comes_first() {
        let mut replica = three(Care::Streaming);
        replica.net.insert(note(4, 40, "a")).unwrap();
        replica.net.truncate();
        replica.net.insert(note(1, 1, "b")).unwrap();
        let applied = replica.apply(Care::CatchingUp);
        assert_eq!(applied.written, 1);
        assert_eq!(target_rows(), "(1,1,b)");
        // Where a foreign key refers to the table its rows are deleted.
        let other = format!("CREATE TABLE {SCHEMA}.o (id int REFERENCES {SCHEMA}.t)");
        spi::execute(&other, &[]).unwrap();
        replica.net.truncate();
        replica.apply(Care::Streaming);
        assert_eq!(target_rows(), "");
    }

    #[pg_test]
    fn rows_without_a_key_are_counted() {
        let mut replica = Replica::new(notes(), &[], &[]);
        let net = &mut replica.net;
        for _ in 0..3 {
            net.insert(note(1, 1, "a")).unwrap();
            net.insert(note(2, 2, "it's \"(,)\"")).unwrap();
        }
        assert_eq!(replica.apply(Care::Streaming).written, 6);
        let net = &mut replica.net;
        net.delete(note(1, 1, "a")).unwrap();
        net.delete(note(1, 1, "a")).unwrap();
        net.update(note(2, 2, "it's \"(,)\""), note(2, 2, "b"))
            .unwrap();
        net.delete(note(9, 9, "never there")).unwrap();
        let applied = replica.apply(Care::Streaming);
        assert_eq!((applied.deleted, applied.written), (3, 1));
        let kept = "(2,2,\"it's \"\"(,)\"\"\")";
        assert_eq!(target_rows(), format!("(1,1,a){kept}{kept}(2,2,b)"));
    }

    #[pg_test]
    fn a_target_that_is_not_unique_by_the_key_is_written_all_the_same() {
        let ddl = ["ALTER TABLE %s DROP CONSTRAINT t_pkey"];
        let mut replica = Replica::new(notes(), &["id"], &ddl);
        for care in [Care::Streaming, Care::CatchingUp] {
            let net = &mut replica.net;
            net.insert(note(1, 10, "a")).unwrap();
            net.insert(note(2, 20, "a")).unwrap();
            replica.apply(care);
        }
        replica
            .net
            .update(note(1, 10, "a"), note(3, 10, "b"))
            .unwrap();
        replica.apply(Care::CatchingUp);
        assert_eq!(target_rows(), "(2,20,a)(3,10,b)");
    }

    #[pg_test]
    fn a_table_of_nothing_but_its_key() {
        let columns = vec![column("id", SourceType::Int { unsigned: false })];
        let mut replica = Replica::new(columns, &["id"], &[]);
        let cell = |id| [crate::model::cell::Cell::Int(id)].into_iter();
        replica.net.insert(cell(1)).unwrap();
        replica.apply(Care::CatchingUp);
        replica.net.insert(cell(1)).unwrap();
        replica.net.insert(cell(2)).unwrap();
        let applied = replica.apply(Care::CatchingUp);
        assert_eq!((applied.written, applied.filtered), (2, 0));
        assert_eq!(target_rows(), "(1)(2)");
    }

    #[pg_test]
    fn what_a_rollback_takes_away_is_made_again() {
        let mut replica = three(Care::CatchingUp);
        let undone = transaction::attempt(|| {
            spi::execute("DROP TABLE pg_temp.tributary_r_7", &[])?;
            replica.net.delete(note(1, 10, "a"))?;
            replica.net.insert(note(4, 40, "a"))?;
            let changes = replica.net.take();
            replica.applier.apply(changes, Care::CatchingUp)?;
            assert_eq!(target_rows(), "(2,20,a)(3,30,a)(4,40,a)");
            Err::<(), _>(crate::error::Error::new(
                crate::error::Kind::Cancelled,
                "enough",
            ))
        });
        assert_eq!(undone.unwrap_err().message, "enough");
        assert_eq!(target_rows(), "(1,10,a)(2,20,a)(3,30,a)");
        replica.net.delete(note(1, 10, "a")).unwrap();
        replica.net.insert(note(4, 40, "a")).unwrap();
        replica.apply(Care::CatchingUp);
        assert_eq!(target_rows(), "(2,20,a)(3,30,a)(4,40,a)");
    }

    #[pg_test]
    fn a_target_that_was_altered_is_looked_at_anew() {
        let mut replica = three(Care::Streaming);
        let sql = format!("ALTER TABLE {SCHEMA}.t ALTER code TYPE smallint");
        spi::execute(&sql, &[]).unwrap();
        replica
            .net
            .update(note(1, 10, "a"), note(1, 70_000, "a"))
            .unwrap();
        let changes = replica.net.take();
        let refused = transaction::attempt(|| replica.applier.apply(changes, Care::Streaming));
        assert_eq!(refused.unwrap_err().kind, crate::error::Kind::TargetChanged);
    }

    #[pg_test]
    fn as_a_replica_triggers_are_quiet() {
        let mut replica = Replica::new(notes(), &["id"], &[]);
        let spoil = format!(
            "CREATE FUNCTION {SCHEMA}.spoil() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN NEW.note := ''spoilt''; RETURN NEW; END'"
        );
        spi::execute(&spoil, &[]).unwrap();
        let trigger = format!(
            "CREATE TRIGGER spoil BEFORE INSERT ON {SCHEMA}.t FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.spoil()"
        );
        spi::execute(&trigger, &[]).unwrap();
        replica.net.insert(note(1, 1, "a")).unwrap();
        replica.apply(Care::Streaming);
        assert!(guc::as_replica());
        replica.net.insert(note(2, 2, "a")).unwrap();
        replica.apply(Care::Streaming);
        assert_eq!(target_rows(), "(1,1,spoilt)(2,2,a)");
        spi::execute("CREATE ROLE tributary_test_plain", &[]).unwrap();
        spi::execute("SET LOCAL session_replication_role = origin", &[]).unwrap();
        spi::execute("SET LOCAL ROLE tributary_test_plain", &[]).unwrap();
        assert!(!guc::as_replica());
        spi::execute("RESET ROLE", &[]).unwrap();
        spi::execute(
            "GRANT SET ON PARAMETER session_replication_role TO tributary_test_plain",
            &[],
        )
        .unwrap();
        spi::execute("SET LOCAL ROLE tributary_test_plain", &[]).unwrap();
        assert!(guc::as_replica());
        spi::execute("RESET ROLE", &[]).unwrap();
    }
}
