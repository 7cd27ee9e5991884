//! What operations cost as people come: the same operations over a configuration of a thousand users
//! and over one of fifty thousand, in turns, and how the times compare.
//!
//! `cargo bench -p scim-persistence --bench growth`; with `SERVICEOPS_SCIM_TEST_POSTGRES` on
//! PostgreSQL as well. It decides nothing by itself: docs/performance.md says what is expected.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::{Duration, Instant};

use common::crowd::{self, Crowd};
use common::{Engine, House};
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use serde_json::{Value, json};

const FEW: usize = 1_000;
const MANY: usize = 50_000;
/// How often each operation runs over each of the two.
const ROUNDS: usize = 150;

/// An operation: by its number it takes another user each time.
type Operation = (&'static str, fn(&House, usize, usize));

const OPERATIONS: [Operation; 13] = [
    ("GET a user", |house, users, at| {
        house.get(&format!("/Users/{}", crowd::id('u', 1 + at * 7 % users)));
    }),
    ("match userName", |house, users, at| {
        matched(house, &format!("userName eq \"{}\"", name(users, at)));
    }),
    ("match externalId", |house, users, at| {
        matched(house, &format!("externalId eq \"ext-{}\"", name(users, at)));
    }),
    ("match work e-mail", |house, users, at| {
        let address = format!("{}@example.com", name(users, at));
        matched(
            house,
            &format!("emails[type eq \"work\" and value eq \"{address}\"]"),
        );
    }),
    ("match member", |house, users, at| {
        let filter = format!("members.value eq \"{}\"", crowd::id('u', 1 + at % users));
        let filter = filter.replace(' ', "%20");
        house.get(&format!(
            "/Groups?filter={filter}&excludedAttributes=members"
        ));
    }),
    ("create", |house, _, at| {
        house.create("/Users", &crowd::user(&format!("new{at}")));
    }),
    ("PATCH displayName", |house, users, at| {
        let user = format!("/Users/{}", crowd::id('u', 1 + at * 7 % users));
        change(house, &user, "displayName", &json!(format!("Doe {at}")));
    }),
    ("deactivate, guard counting", |house, users, at| {
        let user = format!("/Users/{}", crowd::id('u', users - at));
        change(house, &user, "active", &json!(false));
    }),
    ("GET a group of 5", |house, _, at| {
        house.get(&format!("/Groups/{}", crowd::id('g', 2 + at % 100)));
    }),
    ("add a member to 5", |house, users, at| {
        let group = format!("/Groups/{}", crowd::id('g', 2 + at));
        let member = json!([{"value": crowd::id('u', users - 200)}]);
        let add = json!([{"op": "add", "path": "members", "value": member}]);
        patch(house, &group, &add);
    }),
    ("page of 100, the first", |house, _, _| {
        house.get("/Users?count=100");
    }),
    ("page of 100 by userName", |house, _, _| {
        house.get("/Users?count=100&sortBy=userName");
    }),
    ("total", |house, _, _| {
        house.get("/Users?count=0");
    }),
];

fn name(users: usize, at: usize) -> String {
    crowd::name(1 + at * 7 % users)
}

fn matched(house: &House, filter: &str) {
    let filter = filter.replace(' ', "%20");
    let found = house.get(&format!("/Users?filter={filter}"));
    assert_eq!(found["totalResults"], 1, "{filter}");
}

fn change(house: &House, path: &str, attribute: &str, value: &Value) {
    let replace = json!([{"op": "replace", "path": attribute, "value": value}]);
    patch(house, path, &replace);
}

fn patch(house: &House, path: &str, operations: &Value) {
    let body = json!({"schemas": [uri::PATCH_OP], "Operations": operations});
    let answer = house.request(Method::Patch, path, &body);
    assert!(answer.status < 300, "{path}: {:?}", answer.body);
}

fn filled(engine: &Engine, users: usize) -> House {
    let mut house = crowd::filled(
        engine,
        Crowd {
            users,
            // Both have the same groups, and the same size of the largest.
            groups: 200,
            large: 500,
            events: users,
        },
    );
    // The guard counts at every deactivation, and holds none.
    let mut configuration = (*house.caller.configuration).clone();
    configuration.policies.guard.count = 1;
    configuration.policies.guard.percent = 100;
    house.caller.configuration = configuration.into();
    house
}

/// What is measured of an operation on an engine.
#[derive(Clone, Copy)]
enum Clock {
    /// The time of the processor, of all threads of this process: all that SQLite does.
    Processor,
    /// The time that passes, also in the server.
    Wall,
}

impl Clock {
    fn now(self, began: Instant) -> Duration {
        match self {
            Self::Wall => began.elapsed(),
            Self::Processor => {
                let threads = std::fs::read_dir("/proc/self/task").unwrap();
                let nanos = threads.filter_map(|thread| {
                    let path = thread.ok()?.path().join("schedstat");
                    let spent = std::fs::read_to_string(path).ok()?;
                    spent.split(' ').next()?.parse::<u64>().ok()
                });
                Duration::from_nanos(nanos.sum())
            }
        }
    }
}

fn timed(clock: Clock, operation: Operation, house: &House, users: usize, at: usize) -> Duration {
    let start = Instant::now();
    let began = clock.now(start);
    operation.1(house, users, at);
    clock.now(start).saturating_sub(began)
}

/// In microseconds. The processor's time of a thread is told in steps, so that only its mean says
/// something; of the time that passes, what is slower than most met something else that the machine
/// did.
fn typical(clock: Clock, mut times: Vec<Duration>) -> f64 {
    times.sort();
    let typical = match clock {
        Clock::Processor => times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap(),
        Clock::Wall => times[times.len() / 4],
    };
    typical.as_secs_f64() * 1e6
}

fn main() {
    for engine in Engine::all() {
        let (heading, clock) = match engine {
            Engine::Sqlite => ("SQLite, processor", Clock::Processor),
            Engine::Postgres(_) => ("PostgreSQL, elapsed", Clock::Wall),
        };
        let (few, many) = (filled(&engine, FEW), filled(&engine, MANY));
        println!("| {heading}, microseconds | {FEW} users | {MANY} users | ratio |");
        println!("|---|---|---|---|");
        for operation in OPERATIONS {
            let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
            // In turns, so that whatever else the machine does is felt by both.
            for at in 0..ROUNDS {
                of_few.push(timed(clock, operation, &few, FEW, at));
                of_many.push(timed(clock, operation, &many, MANY, at));
            }
            let (of_few, of_many) = (typical(clock, of_few), typical(clock, of_many));
            let ratio = of_many / of_few;
            println!(
                "| {} | {of_few:.0} | {of_many:.0} | {ratio:.2} |",
                operation.0
            );
        }
        println!();
    }
}
