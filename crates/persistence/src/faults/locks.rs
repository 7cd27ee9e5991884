//! Who waits for whom on PostgreSQL, and what comes of it.

use std::sync::{Arc, Mutex};
use std::thread;

use diesel::connection::SimpleConnection;
use diesel::{PgConnection, RunQueryDsl as _};
use engines::Suite;
use scim_admin::{AdminError, Application};
use scim_protocol::schema::uri;
use scim_provisioning::{Method, StoreError};
use serde_json::json;

use super::postgres::{in_german, session};
use super::{create, find};
use crate::Database;
use crate::common::{House, actor, configuration, read_back};
use crate::connection::Connection;

#[derive(diesel::QueryableByName)]
struct Waiting {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    waiting: i64,
}

/// Waits until a session waits for a lock, or something else is so.
fn wait_for_a_wait(house: &House, or: impl Fn() -> bool) {
    let mut watch = session(house);
    let count = "SELECT count(*) AS waiting FROM pg_stat_activity \
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
    loop {
        let rows: Vec<Waiting> = diesel::sql_query(count).load(&mut watch).unwrap();
        if rows[0].waiting > 0 || or() {
            return;
        }
        thread::yield_now();
    }
}

fn hold(name: &str) -> String {
    format!("SELECT 1 FROM users WHERE user_name_key = '{name}' FOR NO KEY UPDATE")
}

fn a_deadlock_is_a_collision_in_any_language(house: &House) {
    in_german(house);
    create(house, "ada");
    create(house, "eve");
    let mut other = session(house);
    // Who waits for as long as this is not the one that is sent away.
    let begin = format!("SET deadlock_timeout = '1h'; BEGIN; {}", hold("eve"));
    other.batch_execute(&begin).unwrap();
    let other = Arc::new(Mutex::new(Some(other)));
    let met: Arc<Mutex<Vec<StoreError>>> = Arc::default();
    let (seen, url) = (Arc::clone(&met), house.settings.url.clone());
    let written = house.database.writing(move |connection| {
        let run = |connection: &mut Connection, name: &str| {
            let sql = connection.sql(&hold(name));
            connection.execute(&sql)
        };
        run(connection, "ada")?;
        if let Some(mut other) = other.lock().unwrap().take() {
            thread::spawn(move || {
                other
                    .batch_execute(&format!("{}; COMMIT", hold("ada")))
                    .unwrap();
            });
            let mut watch: PgConnection = diesel::Connection::establish(&url).unwrap();
            let count = "SELECT count(*) AS waiting FROM pg_stat_activity \
                         WHERE datname = current_database() AND wait_event_type = 'Lock'";
            while diesel::sql_query(count)
                .load::<Waiting>(&mut watch)
                .unwrap()[0]
                .waiting
                == 0
            {
                thread::yield_now();
            }
        }
        run(connection, "eve").inspect_err(|fault| seen.lock().unwrap().push(fault.clone()))
    });
    assert!(written.is_ok(), "{written:?}");
    let met = met.lock().unwrap();
    assert!(matches!(met[..], [StoreError::Busy]), "{met:?}");
}

/// What a change of somebody else does to an application of a plan that waits for it.
fn applied_beside(house: &House, change: &str) -> Result<(), AdminError> {
    configuration(&house.admin, "Other");
    let mut declared = serde_json::to_value(house.admin.export().unwrap()).unwrap();
    let listed = declared["configurations"].as_array_mut().unwrap();
    let test = listed.iter_mut().find(|one| one["name"] == "Test").unwrap();
    test["description"] = json!("planned");
    let declared = serde_json::from_value(declared).unwrap();
    let plan = house.admin.plan(&actor(), &declared, false).unwrap();
    let mut other = session(house);
    // As everything is written that is in the audit.
    let begin = format!("BEGIN; UPDATE audit_chain SET length = length; {change}");
    other.batch_execute(&begin).unwrap();
    thread::scope(|scope| {
        let applying = scope.spawn(|| {
            let applied = Application {
                declared,
                prune: false,
                digest: Some(plan.digest),
                position: 0,
            };
            house.admin.apply(&actor(), applied).map(drop)
        });
        wait_for_a_wait(house, || applying.is_finished());
        other.batch_execute("COMMIT").unwrap();
        applying.join().unwrap()
    })
}

fn a_plan_is_compared_with_what_stays_until_it_is_carried_out(house: &House) {
    let change = "UPDATE provisioning_configurations SET description = 'somebody else' \
                  WHERE name = 'Other'";
    let applied = applied_beside(house, change);
    assert!(
        matches!(applied, Err(AdminError::PlanMoved { .. })),
        "{applied:?}"
    );
    let found = house.admin.find_configuration("Test").unwrap();
    assert_ne!(found.description, "planned");
}

fn a_part_of_a_bulk_request_that_waits_holds_nothing_of_those_before_it(house: &House) {
    // Both would be in transactions of their own where time ended the first one.
    Database::take_time();
    create(house, "ada");
    create(house, "eve");
    let id = |name: &str| {
        let found = read_back(find(house, name)).body.unwrap();
        found["Resources"][0]["id"].as_str().unwrap().to_owned()
    };
    let patch = |name: &str| {
        json!({"method": "PATCH", "path": format!("/Users/{}", id(name)),
            "data": {"schemas": [uri::PATCH_OP],
                "Operations": [{"op": "replace", "path": "title", "value": "Moved"}]}})
    };
    let request = json!({"schemas": [uri::BULK_REQUEST],
        "Operations": [patch("ada"), patch("eve")]});
    let mut other = session(house);
    other
        .batch_execute(&format!("BEGIN; {}", hold("eve")))
        .unwrap();
    let answer = thread::scope(|scope| {
        let asking = scope.spawn(|| house.request(Method::Post, "/Bulk", &request));
        wait_for_a_wait(house, || asking.is_finished());
        // Who wants what is done already waits less than the part that is not may wait alone.
        let third = format!("SET lock_timeout = '3s'; {}", hold("ada"));
        let free = session(house).batch_execute(&third);
        other.batch_execute("ROLLBACK").unwrap();
        free.unwrap();
        asking.join().unwrap()
    });
    let body = read_back(answer).body.unwrap();
    for result in body["Operations"].as_array().unwrap() {
        assert_eq!(result["status"], "200", "{body}");
    }
}

pub(super) fn add_to(suite: &mut Suite) {
    engines::add_tests! {
        suite;
        on_postgres(House::new):
            a_deadlock_is_a_collision_in_any_language,
            a_plan_is_compared_with_what_stays_until_it_is_carried_out,
            a_part_of_a_bulk_request_that_waits_holds_nothing_of_those_before_it;
    }
}
