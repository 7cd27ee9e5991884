//! What a session of PostgreSQL keeps of what was prepared.

use diesel::QueryDsl as _;
use engines::Suite;
use scim_admin::event::{AuditQuery, EventQuery};
use scim_admin::store::{ReadAudit as _, ReadLog as _};
use scim_provisioning::StoreError;
use scim_provisioning::event::{Action, Outcome};

use super::create;
use crate::admin::AdminRows;
use crate::common::House;
use crate::connection::Connection;
use crate::schema::users;
use crate::{Database, OpenError, Settings};

fn a_pooler_that_keeps_no_prepared_statements_is_told_of_by_the_url(house: &House) {
    assert_eq!(create(house, "ada").status, 201);
    let settings = Settings {
        url: format!("{}?prepared_statements=off", house.settings.url),
        ..Settings::clone(&house.settings)
    };
    let database = Database::open(&settings).unwrap();
    let kept = database.reading(|connection| {
        let query = users::table.select(users::id).limit(1);
        for _ in 0..3 {
            connection.load::<String, _>(query)?;
        }
        let sql = connection.sql("SELECT count(*) AS number FROM pg_prepared_statements");
        connection.rows::<Number>(&sql)
    });
    assert_eq!(kept.unwrap()[0].number, 0);
    let refused = Settings {
        url: format!("{}?prepared_statements=maybe", house.settings.url),
        ..settings
    };
    assert!(matches!(Database::open(&refused), Err(OpenError::Url(_))));
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    number: i64,
}

fn kept(connection: &mut Connection) -> i64 {
    let sql = connection.sql("SELECT count(*) AS number FROM pg_prepared_statements");
    connection.rows::<Number>(&sql).unwrap()[0].number
}

fn no_session_keeps_what_searches_of_the_logs_are_made_of(house: &House) {
    let done = house.database.reading(|connection| {
        let before = kept(connection);
        for action in [None, Some(Action::Update)] {
            for outcome in [None, Some(Outcome::Success)] {
                for before in [None, Some(9)] {
                    let events = EventQuery {
                        action,
                        outcome,
                        before,
                        limit: 5,
                        ..EventQuery::default()
                    };
                    let audit = AuditQuery {
                        actor: action.map(|action| action.as_str().to_owned()),
                        source: outcome.map(|outcome| outcome.as_str().to_owned()),
                        before,
                        limit: 5,
                        ..AuditQuery::default()
                    };
                    let mut rows = AdminRows { connection };
                    rows.events(&events)?;
                    rows.audit_entries(&audit)?;
                }
            }
        }
        // The question itself is kept.
        Ok::<_, StoreError>((before, kept(connection)))
    });
    let (before, after) = done.unwrap();
    assert!(after <= before + 1, "{before} {after}");
}

pub(super) fn add_to(suite: &mut Suite) {
    engines::add_tests! {
        suite;
        on_postgres(House::new):
            a_pooler_that_keeps_no_prepared_statements_is_told_of_by_the_url,
            no_session_keeps_what_searches_of_the_logs_are_made_of;
    }
}
