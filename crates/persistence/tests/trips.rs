//! What an operation costs on PostgreSQL in round trips, and on both engines in statements, and how
//! many of them are prepared anew each time. All is counted by process or by connection, so that
//! nothing else runs in this one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use common::{Engine, House, actor};
use diesel::connection::{InstrumentationEvent, set_default_instrumentation};
use engines::{Proxy, Relay};
use scim_admin::Authenticator;
use scim_persistence::Database;
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use serde_json::{Value, json};

/// The statements that connections prepared to keep, and those that were executed since somebody asked.
#[derive(Default)]
struct Statements {
    kept: BTreeSet<String>,
    executed: Vec<String>,
}

static STATEMENTS: Mutex<Option<Statements>> = Mutex::new(None);

/// Has connections that are opened from now on tell of their statements.
fn listen() {
    *STATEMENTS.lock().unwrap() = Some(Statements::default());
    set_default_instrumentation(|| {
        Some(Box::new(|event: InstrumentationEvent<'_>| {
            let mut statements = STATEMENTS.lock().unwrap();
            let Some(statements) = statements.as_mut() else {
                return;
            };
            match event {
                InstrumentationEvent::CacheQuery { sql, .. } => {
                    statements.kept.insert(sql.trim().to_owned());
                }
                InstrumentationEvent::StartQuery { query, .. } => {
                    let text = query.to_string();
                    let text = text.split(" -- binds").next().unwrap_or_default();
                    statements.executed.push(text.trim().to_owned());
                }
                _ => {}
            }
        }))
    })
    .unwrap();
}

/// The statements that were executed since this was asked, and are prepared anew each time. Those
/// that begin and end a transaction have nothing to be prepared.
fn prepared_anew() -> Vec<String> {
    let mut statements = STATEMENTS.lock().unwrap();
    let statements = statements.as_mut().unwrap();
    let control = ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"];
    std::mem::take(&mut statements.executed)
        .into_iter()
        .filter(|text| !control.iter().any(|word| text.starts_with(word)))
        .filter(|text| !statements.kept.contains(text))
        .collect()
}

/// Counts how often a server says that it waits for what comes next (`ReadyForQuery`), which it says
/// once for each round trip. A message is a byte that says its kind, and its length with that of the
/// length.
#[derive(Default)]
struct Counter {
    pending: Vec<u8>,
    begun: bool,
}

impl Counter {
    /// How many of them are whole with what came.
    fn read(&mut self, bytes: &[u8]) -> u64 {
        self.pending.extend_from_slice(bytes);
        let mut found = 0;
        loop {
            // That there is no TLS is said in one byte, before anything else.
            if !self.begun && self.pending.first() == Some(&b'N') {
                self.pending.remove(0);
            }
            let Some(&[kind, a, b, c, d]) = self.pending.first_chunk() else {
                return found;
            };
            self.begun = true;
            let whole = 1 + usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap();
            if self.pending.len() < whole {
                return found;
            }
            self.pending.drain(..whole);
            found += u64::from(kind == b'Z');
        }
    }
}

/// A way to the server that counts round trips.
fn counted(engine: &Engine, trips: &Arc<AtomicU64>) -> Proxy {
    let trips = Arc::clone(trips);
    let relays = move || {
        let (trips, mut counter) = (Arc::clone(&trips), Counter::default());
        // Before it is passed on, so that whoever was answered finds it counted.
        let answered = move |bytes: &[u8]| {
            trips.fetch_add(counter.read(bytes), Ordering::SeqCst);
            true
        };
        Some([Box::new(|_: &[u8]| true) as Relay, Box::new(answered)])
    };
    Proxy::start(engine, relays).unwrap()
}

fn user(name: &str) -> Value {
    json!({
        "schemas": [uri::USER, uri::ENTERPRISE_USER],
        "userName": name,
        "displayName": name,
        "active": true,
        "emails": [{"value": format!("{name}@corp.example"), "type": "work", "primary": true}],
        uri::ENTERPRISE_USER: {"manager": {"value": "boss"}},
    })
}

fn title(text: &str) -> Value {
    json!({"schemas": [uri::PATCH_OP],
        "Operations": [{"op": "replace", "path": "title", "value": text}]})
}

/// A house over a counter, with somebody in it, and a token.
fn house(engine: &Engine) -> (House, Authenticator, String, String) {
    let house = House::new(engine);
    house.create("/Users", &user("boss"));
    let id = house.create("/Users", &user("ada"));
    let body = json!({"schemas": [uri::GROUP], "displayName": "Ops", "members": [{"value": id}]});
    house.create("/Groups", &body);
    let own = house.caller.configuration.id;
    let issued = house.admin.add_token(&actor(), own, None, None).unwrap();
    let header = format!("Bearer {}", issued.value.reveal());
    let authenticator = house.authenticator();
    (house, authenticator, header, id)
}

/// What one operation costs.
#[derive(Debug, PartialEq, Eq)]
struct Cost {
    name: &'static str,
    statements: u64,
    trips: u64,
    prepared_anew: usize,
}

/// The costs of the hot operations, each done before, so that what is prepared once is.
fn costs(engine: &Engine, trips: &AtomicU64) -> Vec<Cost> {
    let (house, authenticator, header, id) = house(engine);
    let authenticate = || {
        let headers = [header.as_bytes()];
        authenticator
            .authenticate(&headers, None, chrono::Utc::now())
            .unwrap();
    };
    let ask = |method, path: &str, body: &Value, status| {
        authenticate();
        let answer = house.request(method, path, body);
        assert_eq!(answer.status, status, "{path}: {:?}", answer.body);
    };
    let group = house.get("/Groups?filter=displayName%20eq%20%22Ops%22")["Resources"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/Users/{id}");
    let members = format!("/Groups/{group}?excludedAttributes=members");
    let member = |op: &str, id: &str| {
        json!({"schemas": [uri::PATCH_OP],
            "Operations": [{"op": op, "path": "members", "value": [{"value": id}]}]})
    };
    let found = "/Users?filter=userName%20eq%20%22ada%22";
    let nobody = "/Users?filter=userName%20eq%20%22nobody%22";
    let by_id = "/Users?filter=externalId%20eq%20%22none%22";
    let by_address =
        "/Users?filter=emails%5Btype%20eq%20%22work%22%5D.value%20eq%20%22ada%40corp.example%22";
    let page = "/Users?count=100";
    let none = Value::Null;
    let mut costs = Vec::new();
    let mut measure = |name, operation: &mut dyn FnMut(usize)| {
        for time in 0..3 {
            operation(time);
        }
        let before = (Database::statements(), trips.load(Ordering::SeqCst));
        drop(prepared_anew());
        operation(3);
        costs.push(Cost {
            name,
            statements: Database::statements() - before.0,
            trips: trips.load(Ordering::SeqCst) - before.1,
            prepared_anew: prepared_anew().len(),
        });
    };
    measure("GET", &mut |_| ask(Method::Get, &path, &none, 200));
    measure("match", &mut |_| ask(Method::Get, found, &none, 200));
    measure("match of nobody", &mut |_| {
        ask(Method::Get, nobody, &none, 200)
    });
    measure("match by externalId", &mut |_| {
        ask(Method::Get, by_id, &none, 200)
    });
    measure("match by work e-mail", &mut |_| {
        ask(Method::Get, by_address, &none, 200)
    });
    measure("page of users", &mut |_| ask(Method::Get, page, &none, 200));
    measure("GET of a group", &mut |_| {
        ask(Method::Get, &members, &none, 200)
    });
    measure("PATCH of one attribute", &mut |time| {
        ask(Method::Patch, &path, &title(&time.to_string()), 200);
    });
    measure("PATCH of nothing", &mut |_| {
        ask(Method::Patch, &path, &title("3"), 200);
    });
    measure("create", &mut |time| {
        ask(Method::Post, "/Users", &user(&format!("new{time}")), 201);
    });
    let people: Vec<String> = (0..4)
        .map(|at| house.create("/Users", &user(&format!("late{at}"))))
        .collect();
    measure("member added", &mut |time| {
        ask(Method::Patch, &members, &member("add", &people[time]), 200);
    });
    measure("member removed", &mut |time| {
        ask(
            Method::Patch,
            &members,
            &member("remove", &people[time]),
            200,
        );
    });
    costs
}

/// An operation with what it costs.
type Expected = (&'static str, u64, u64, u64, [usize; 2]);

/// What each operation costs with its authentication: statements on SQLite, statements on
/// PostgreSQL and round trips there, and how many statements are prepared anew on either. A
/// transaction is two round trips more. On SQLite whoever
/// speaks is forgotten by a statement of its own.
const COSTS: [Expected; 12] = [
    ("GET", 2, 2, 2, [0, 0]),
    ("match", 2, 2, 2, [0, 0]),
    ("match of nobody", 2, 2, 2, [0, 0]),
    ("match by externalId", 2, 2, 2, [0, 0]),
    ("match by work e-mail", 2, 2, 2, [0, 0]),
    ("page of users", 6, 6, 8, [0, 0]),
    ("GET of a group", 2, 2, 4, [0, 0]),
    ("PATCH of one attribute", 8, 6, 8, [0, 0]),
    ("PATCH of nothing", 5, 4, 6, [0, 0]),
    ("create", 10, 8, 10, [0, 0]),
    ("member added", 10, 8, 12, [0, 0]),
    ("member removed", 9, 7, 11, [0, 0]),
];

fn the_hot_operations_cost_what_they_must(engine: &Engine) {
    listen();
    let trips = Arc::default();
    let postgres = *engine != Engine::Sqlite;
    let measured = match postgres {
        true => costs(counted(engine, &trips).engine(), &trips),
        false => costs(engine, &trips),
    };
    let expected = COSTS.iter().map(|row| Cost {
        name: row.0,
        statements: if postgres { row.2 } else { row.1 },
        trips: if postgres { row.3 } else { 0 },
        prepared_anew: row.4[usize::from(postgres)],
    });
    assert_eq!(measured, expected.collect::<Vec<_>>());
}

engines::tests! {
    in_turn;
    on_both(Engine::clone): the_hot_operations_cost_what_they_must;
}
