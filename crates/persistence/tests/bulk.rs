//! What a bulk request costs in transactions, and what becomes of its operations. Transactions are
//! counted by process, so that nothing else runs in this one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use common::crowd::{self, Crowd};
use common::{Engine, House, found};
use diesel::RunQueryDsl;
use diesel::connection::{Connection, InstrumentationEvent, set_default_instrumentation};
use scim_admin::event::{EventQuery, LoggedEvent};
use scim_persistence::Database;
use scim_protocol::schema::uri;
use scim_provisioning::policy::GuardAction;
use scim_provisioning::{
    DirectoryExt, Environment, Method, Outcome, StoreError, SystemEnvironment,
};
use serde_json::{Value, json};

/// How many transactions were committed that may write.
static COMMITS: AtomicU64 = AtomicU64::new(0);

/// A house of which commits are counted, and whose transactions no clock ends.
fn house(engine: &Engine) -> House {
    Database::take_time();
    set_default_instrumentation(|| {
        let mut reads = false;
        Some(Box::new(move |event: InstrumentationEvent<'_>| {
            let InstrumentationEvent::StartQuery { query, .. } = event else {
                return;
            };
            let text = query.to_string();
            if text.contains("BEGIN") {
                reads = text.contains("READ ONLY") || text.contains("DEFERRED");
            }
            // That a cycle goes on is noted in a transaction of its own, not with each request.
            reads |= text.starts_with("SELECT") && text.contains("= 'cycle'");
            if text.ends_with("COMMIT") && !reads {
                COMMITS.fetch_add(1, Ordering::SeqCst);
            }
        }))
    })
    .unwrap();
    House::new(engine)
}

fn user(name: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": name,
        "data": {"schemas": [uri::USER], "userName": name, "displayName": name,
            "emails": [{"value": format!("{name}@corp.example"), "type": "work"}]}})
}

fn users(count: usize) -> Vec<Value> {
    (0..count).map(|at| user(&format!("u{at}"))).collect()
}

fn group(name: &str, members: &[String]) -> Value {
    let members = members
        .iter()
        .map(|name| json!({"value": format!("bulkId:{name}")}));
    json!({"method": "POST", "path": "/Groups", "bulkId": name, "data": {"schemas": [uri::GROUP],
        "displayName": name, "members": members.collect::<Vec<_>>()}})
}

fn title(path: &str, text: &str) -> Value {
    json!({"method": "PATCH", "path": path, "data": {"schemas": [uri::PATCH_OP],
        "Operations": [{"op": "replace", "path": "title", "value": text}]}})
}

/// The results of a bulk request, and the statements and commits that it took.
fn bulk(house: &House, operations: &[Value], errors: Option<u64>) -> (Vec<Value>, u64, u64) {
    let body = json!({"schemas": [uri::BULK_REQUEST], "failOnErrors": errors,
        "Operations": operations});
    let before = (Database::statements(), COMMITS.load(Ordering::SeqCst));
    let answer = house.request(Method::Post, "/Bulk", &body);
    let statements = Database::statements() - before.0;
    let commits = COMMITS.load(Ordering::SeqCst) - before.1;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let results = answer.body.unwrap()["Operations"]
        .as_array()
        .unwrap()
        .clone();
    (results, statements, commits)
}

fn statuses(results: &[Value]) -> Vec<&str> {
    let statuses = results.iter().map(|result| result["status"].as_str());
    statuses.map(Option::unwrap).collect()
}

fn path_of(result: &Value) -> String {
    let location = result["location"].as_str().unwrap();
    location.strip_prefix(common::BASE).unwrap().to_owned()
}

fn a_hundred_creates_are_one_commit(engine: &Engine) {
    let house = house(engine);
    let (results, statements, commits) = bulk(&house, &users(100), None);
    assert_eq!(statuses(&results), ["201"; 100]);
    assert_eq!(commits, 1);
    assert_eq!(statements / 100, 6, "{statements} statements");
    let (results, _, commits) = bulk(&house, &users(101)[100..], None);
    assert_eq!((statuses(&results), commits), (vec!["201"], 1));
    assert_eq!(house.get("/Users?count=0")["totalResults"], 101);
    let entries = found(&house, EventQuery::default());
    assert_eq!(entries.len(), 100, "each has an entry of its own");
}

fn a_hundred_updates_are_one_commit(engine: &Engine) {
    let house = house(engine);
    let (created, _, _) = bulk(&house, &users(50), None);
    let changes = created.iter().flat_map(|result| {
        let path = path_of(result);
        [title(&path, "one"), title(&path, "two")]
    });
    let (results, _, commits) = bulk(&house, &changes.collect::<Vec<_>>(), None);
    assert_eq!((statuses(&results), commits), (vec!["200"; 100], 1));
    // The second of a pair is of what the first one made, and not of what was there before.
    let path = path_of(&created[0]);
    assert_eq!(house.get(&path)["title"], "two");
    assert_eq!(results[1]["version"], "W/\"3\"");
    let leave = created
        .iter()
        .map(|result| json!({"method": "DELETE", "path": path_of(result)}));
    let (results, _, commits) = bulk(&house, &leave.collect::<Vec<_>>(), None);
    assert_eq!((statuses(&results), commits), (vec!["204"; 50], 1));
}

/// That each group is a member of the next costs a statement each, and the log a few for all of them.
fn a_chain_of_groups_costs_what_its_memberships_do(engine: &Engine) {
    let house = house(engine);
    let alone: Vec<Value> = (0..100).map(|at| group(&format!("a{at}"), &[])).collect();
    let (results, statements, _) = bulk(&house, &alone, None);
    assert_eq!(statuses(&results), ["201"; 100]);
    assert_eq!(statements / 100, 2, "{statements} statements");
    let chain = (0..100).map(|at| match at {
        99 => group("c99", &[]),
        at => group(&format!("c{at}"), &[format!("c{}", at + 1)]),
    });
    let (results, statements, _) = bulk(&house, &chain.collect::<Vec<_>>(), None);
    assert_eq!(statuses(&results), ["201"; 100]);
    assert_eq!(statements / 100, 3, "{statements} statements");
    let members = house.get(&path_of(&results[7]))["members"].clone();
    assert_eq!(members[0]["$ref"], results[8]["location"]);
    assert_eq!(members[0]["type"], "Group");
}

/// What was told before is counted where the guard counts, and told still if it refuses.
fn what_the_guard_refuses_takes_no_entry_of_others_along(engine: &Engine) {
    let mut house = house(engine);
    let mut caller = house.caller.clone();
    let configuration = Arc::make_mut(&mut caller.configuration);
    let guard = &mut configuration.policies.guard;
    (guard.count, guard.percent, guard.action) = (1, 0, GuardAction::Reject);
    house.caller = caller;
    let delete = |name: &str| json!({"method": "DELETE", "path": format!("/Users/bulkId:{name}")});
    let operations = [user("a"), user("b"), delete("a"), delete("b"), user("c")];
    let (results, _, _) = bulk(&house, &operations, None);
    assert_eq!(statuses(&results), ["201", "201", "204", "403", "201"]);
    let entries = found(&house, EventQuery::default());
    let done = |entry: &&LoggedEvent| entry.outcome != Outcome::Failure;
    let mut done: Vec<_> = entries.iter().filter(done).map(|one| one.status).collect();
    done.sort_unstable();
    assert_eq!(done, [201, 201, 201, 204], "{entries:?}");
    assert_eq!(entries.len(), 5);
}

fn references_reach_across_pieces(engine: &Engine) {
    let house = house(engine);
    let mut operations = users(150);
    let everybody: Vec<String> = (0..150).map(|at| format!("u{at}")).collect();
    operations.insert(0, group("all", &everybody));
    // A chain, of which the first is created last.
    operations.extend((0..120).map(|at| match at {
        119 => group("g119", &[]),
        at => group(&format!("g{at}"), &[format!("g{}", at + 1)]),
    }));
    let (results, _, commits) = bulk(&house, &operations, None);
    assert_eq!(statuses(&results), vec!["201"; 271]);
    assert_eq!(commits, 3, "pieces of a hundred");
    let all = house.get(&path_of(&results[0]));
    assert_eq!(all["members"].as_array().unwrap().len(), 150);
    for at in 151..270 {
        let members = house.get(&path_of(&results[at]))["members"].clone();
        let next = path_of(&results[at + 1]);
        assert_eq!(members[0]["value"], next.rsplit('/').next().unwrap());
    }
}

fn an_operation_that_is_refused_is_undone_alone(engine: &Engine) {
    let house = house(engine);
    house.create("/Users", &user("there")["data"]);
    let mut nameless = user("nameless");
    nameless["data"]["userName"] = json!("");
    let operations = [
        user("there"),
        user("ada"),
        nameless,
        // Its member is gone when the store finds out that its name is taken.
        group("ops", &["ada".to_owned()]),
        group("ops", &["ada".to_owned()]),
        title("/Users/bulkId:ada", "Boss"),
        title("/Users/bulkId:there", "Boss"),
        json!({"method": "GET", "path": "/Users"}),
        json!({"method": "DELETE", "path": "/Users/nobody"}),
        user("bo"),
    ];
    let mut operations = operations.to_vec();
    operations[4]["bulkId"] = json!("ops again");
    let (results, _, _) = bulk(&house, &operations, None);
    assert_eq!(
        statuses(&results),
        [
            "409", "201", "400", "201", "409", "200", "400", "400", "404", "201"
        ]
    );
    let groups = house.get("/Groups");
    assert_eq!(groups["totalResults"], 1, "{groups}");
    assert_eq!(
        groups["Resources"][0]["members"].as_array().unwrap().len(),
        1
    );
    assert_eq!(house.get("/Users?count=0")["totalResults"], 3);
    assert_eq!(house.get(&path_of(&results[1]))["title"], "Boss");
    let entries = found(&house, EventQuery::default());
    let failed = entries
        .iter()
        .filter(|entry| entry.outcome == Outcome::Failure);
    let mut failed: Vec<_> = failed.map(|entry| entry.status).collect();
    failed.sort_unstable();
    assert_eq!(failed, [400, 404, 409, 409]);
    // Five of this request, and the one who was there.
    let done = entries.len() - failed.len();
    assert_eq!(done, 5, "{entries:?}");
}

fn errors_end_it_where_they_would_one_by_one(engine: &Engine) {
    let house = house(engine);
    let taken = |name: &str, at: usize| {
        let mut taken = user(name);
        taken["bulkId"] = json!(format!("again {at}"));
        taken
    };
    let operations = [
        user("a"),
        taken("a", 1),
        user("b"),
        taken("b", 2),
        user("c"),
    ];
    let (results, _, _) = bulk(&house, &operations, Some(2));
    assert_eq!(statuses(&results), ["201", "409", "201", "409"]);
    assert_eq!(house.get("/Users?count=0")["totalResults"], 2);
}

fn what_a_store_fails_is_told_and_the_others_are_kept(engine: &Engine) {
    let house = house(engine);
    house.tamper(match engine {
        Engine::Sqlite => {
            "CREATE TRIGGER poison BEFORE INSERT ON users WHEN NEW.user_name = 'u2' \
             BEGIN SELECT RAISE(ABORT, 'poison'); END"
        }
        Engine::Postgres(_) => {
            "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'poison'; END $$; \
             CREATE TRIGGER poison BEFORE INSERT ON users FOR EACH ROW \
             WHEN (NEW.user_name = 'u2') EXECUTE FUNCTION poison()"
        }
    });
    let (results, _, _) = bulk(&house, &users(5), None);
    assert_eq!(statuses(&results), ["201", "201", "503", "201", "201"]);
    assert_eq!(house.get("/Users?count=0")["totalResults"], 4);
    assert_eq!(found(&house, EventQuery::default()).len(), 4);
}

/// What was refused before its turn says nothing of the store, which has no part in it.
fn a_refusal_keeps_its_reason_when_the_store_fails_the_next_one(engine: &Engine) {
    let house = house(engine);
    let there = house.create("/Users", &user("there")["data"]);
    house.tamper(match engine {
        Engine::Sqlite => {
            "CREATE TRIGGER poison BEFORE UPDATE ON users \
             BEGIN SELECT RAISE(ABORT, 'poison'); END"
        }
        Engine::Postgres(_) => {
            "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'poison'; END $$; \
             CREATE TRIGGER poison BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION poison()"
        }
    });
    let mut nameless = user("nameless");
    nameless["data"]["userName"] = json!("");
    let leave = json!({"method": "DELETE", "path": format!("/Users/{there}")});
    let (results, _, _) = bulk(&house, &[nameless, leave, user("ada")], None);
    assert_eq!(statuses(&results), ["400", "503", "201"]);
}

/// SQLite ends the transaction by itself, so that nothing of the piece is there: each is carried out
/// alone, and the one that made it do so fails.
fn what_was_lost_with_a_transaction_is_carried_out_without_its_cause(engine: &Engine) {
    let house = house(engine);
    house.tamper(
        "CREATE TRIGGER poison BEFORE INSERT ON users WHEN NEW.user_name = 'u2' \
         BEGIN SELECT RAISE(ROLLBACK, 'poison'); END",
    );
    let (results, _, _) = bulk(&house, &users(5), None);
    assert_eq!(statuses(&results), ["201", "201", "503", "201", "201"]);
    assert_eq!(house.get("/Users?count=0")["totalResults"], 4);
}

fn on_sqlite_what_was_lost_with_a_transaction_is_carried_out_without_its_cause() {
    what_was_lost_with_a_transaction_is_carried_out_without_its_cause(&Engine::Sqlite);
}

/// A clock that panics in the writer's thread, each third time of the first six.
struct Panics(AtomicU64);

impl Environment for Panics {
    fn now(&self) -> DateTime<Utc> {
        let writes = std::thread::current().name() == Some("writer");
        if writes {
            let count = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            assert!(!count.is_multiple_of(3) || count > 6, "the third one");
        }
        SystemEnvironment.now()
    }
}

fn an_operation_that_panics_fails_alone() {
    let mut house = house(&Engine::Sqlite);
    house.provider = house
        .provider
        .with_environment(Arc::new(Panics(AtomicU64::new(0))));
    let (results, _, _) = bulk(&house, &users(5), None);
    assert_eq!(statuses(&results), ["201", "201", "503", "201", "201"]);
    assert_eq!(house.get("/Users?count=0")["totalResults"], 4);
}

/// The second one's filter is evaluated again of what the first one left, and not while others wait.
fn a_big_group_is_edited_twice_in_one_request(engine: &Engine) {
    let crowd = Crowd {
        users: 60_000,
        groups: 1,
        large: 60_000,
        events: 1,
    };
    let house = crowd::filled(engine, crowd);
    let path = format!("/Groups/{}", crowd::id('g', 1));
    let remove = |number: usize| {
        let name = format!("{} Doe", crowd::name(number));
        let filter = format!("members[display eq \"{name}\" and type eq \"User\"]");
        json!({"method": "PATCH", "path": path, "data": {"schemas": [uri::PATCH_OP],
            "Operations": [{"op": "remove", "path": filter}]}})
    };
    let (results, _, _) = bulk(&house, &[remove(7), remove(8)], None);
    for result in &results {
        let status = result["status"].as_str().unwrap();
        assert!(["200", "204"].contains(&status), "{result}");
    }
    let left = |number: usize| {
        let id = crowd::id('u', number);
        let found = format!("/Groups?count=0&filter=members.value%20eq%20%22{id}%22");
        house.get(&found)["totalResults"].clone()
    };
    assert_eq!([6, 7, 8, 9].map(left), [1, 0, 0, 1]);
}

/// Whether a session of the server waits for a lock of another one.
fn somebody_waits(house: &House) -> bool {
    #[derive(diesel::QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        count: i64,
    }
    let mut watch = diesel::PgConnection::establish(&house.settings.url).unwrap();
    let count = "SELECT count(*) AS count FROM pg_stat_activity \
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting: Waiting = diesel::sql_query(count).get_result(&mut watch).unwrap();
    waiting.count > 0
}

/// What the guard counts is of all who leave, hence of those whom another transaction sends away.
fn who_counts_departures_is_waited_for(engine: &Engine) {
    let house = Arc::new(house(engine));
    let there = house.create("/Users", &user("there")["data"]);
    let (scope, beside) = (house.scope(), Arc::clone(&house));
    let waited = house.database.transact(move |transaction| {
        transaction.departures(scope, Utc::now(), 1)?;
        let (house, path) = (Arc::clone(&beside), format!("/Users/{there}"));
        let leaves =
            std::thread::spawn(move || house.request(Method::Delete, &path, &Value::Null).status);
        while !leaves.is_finished() && !somebody_waits(&beside) {
            std::thread::yield_now();
        }
        Ok::<_, StoreError>((!leaves.is_finished(), leaves))
    });
    let (waited, leaves) = waited.unwrap();
    assert!(waited, "it was counted as if nobody else left");
    assert_eq!(leaves.join().unwrap(), 204);
}

/// PostgreSQL asks that a transaction be run again: the operation that met another one is.
fn an_operation_is_run_again_when_the_database_asks_for_it(engine: &Engine) {
    let house = house(engine);
    house.tamper(
        "CREATE SEQUENCE met; \
         CREATE FUNCTION collide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF nextval('met') < 4 THEN RAISE EXCEPTION 'met' USING ERRCODE = '40001'; END IF; \
         RETURN NEW; END $$; \
         CREATE TRIGGER collide BEFORE INSERT ON users FOR EACH ROW \
         WHEN (NEW.user_name = 'u2') EXECUTE FUNCTION collide()",
    );
    let (results, _, commits) = bulk(&house, &users(5), None);
    assert_eq!(statuses(&results), ["201"; 5]);
    assert_eq!(commits, 2, "those before it, and it with those behind it");
}

engines::tests! {
    in_turn;
    on_both(Engine::clone):
        a_hundred_creates_are_one_commit,
        a_hundred_updates_are_one_commit,
        a_chain_of_groups_costs_what_its_memberships_do,
        what_the_guard_refuses_takes_no_entry_of_others_along,
        references_reach_across_pieces,
        an_operation_that_is_refused_is_undone_alone,
        errors_end_it_where_they_would_one_by_one,
        what_a_store_fails_is_told_and_the_others_are_kept,
        a_refusal_keeps_its_reason_when_the_store_fails_the_next_one,
        a_big_group_is_edited_twice_in_one_request;
    on_postgres(Engine::clone):
        an_operation_is_run_again_when_the_database_asks_for_it,
        who_counts_departures_is_waited_for;
    once:
        on_sqlite_what_was_lost_with_a_transaction_is_carried_out_without_its_cause,
        an_operation_that_panics_fails_alone;
}
