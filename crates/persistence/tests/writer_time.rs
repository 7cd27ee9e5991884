//! What the transaction that writes does while others wait for it. Statements are counted by
//! process, so that one test runs at a time.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use common::crowd::{self, Crowd};
use common::{BASE, Engine, House, actor};
use scim_persistence::Database;
use scim_protocol::Limits;
use scim_protocol::schema::uri;
use scim_provisioning::directory::{PendingLink, Work};
use scim_provisioning::model::{ModelSource, ModelVersion};
use scim_provisioning::{
    Answer, ConfigurationId, Directory, DirectoryView, Event, Method, Request, Rollback,
    ServiceProvider, StoreError,
};
use serde_json::{Value, json};

const MEMBERS: usize = 3_000;
const CROWD: Crowd = Crowd {
    users: MEMBERS,
    groups: 1,
    large: MEMBERS,
    events: 1,
};

/// A directory that counts the statements of the transactions that write; what is listed there is
/// read there.
struct Watched {
    database: Arc<Database>,
    statements: Arc<AtomicU64>,
    /// How often the work of transactions was run.
    runs: Arc<AtomicU64>,
    /// Whether somebody else changes the members of the large group before every transaction.
    disturbed: AtomicBool,
    /// Whether the directory cannot be read any more as soon as something was written.
    vanishes: AtomicBool,
    written: AtomicBool,
    /// Whom an administrator puts into the large group before the next transaction.
    joins: Mutex<Option<String>>,
    house: Arc<House>,
}

impl Directory for Watched {
    fn model(
        &self,
        configuration: ConfigurationId,
        version: ModelVersion,
    ) -> Result<ModelSource, StoreError> {
        self.database.model(configuration, version)
    }

    fn read(
        &self,
        work: &mut dyn FnMut(&mut dyn DirectoryView) -> Result<(), Rollback>,
    ) -> Result<(), Rollback> {
        if self.vanishes.load(Ordering::Relaxed) && self.written.load(Ordering::Relaxed) {
            let away = std::io::Error::other("the database is away");
            return Err(StoreError::Unavailable(Arc::new(away)).into());
        }
        self.database.read(work)
    }

    fn write(&self, mut work: Work) -> Result<(), Rollback> {
        if self.disturbed.load(Ordering::Relaxed) {
            let group = crowd::id('g', 1);
            self.house.tamper(&format!(
                "UPDATE groups SET version = version + 1 WHERE id = '{group}'"
            ));
        }
        let joins = self.joins.lock().unwrap().take();
        if let Some(person) = joins {
            let group = crowd::id('g', 1);
            self.house
                .admin
                .add_member(&actor(), &group, &person)
                .unwrap();
        }
        let statements = Arc::clone(&self.statements);
        let runs = Arc::clone(&self.runs);
        let written = self.database.write(Box::new(move |transaction| {
            runs.fetch_add(1, Ordering::Relaxed);
            let before = Database::statements();
            let done = work(transaction);
            statements.fetch_add(Database::statements() - before, Ordering::Relaxed);
            done
        }));
        self.written.store(written.is_ok(), Ordering::Relaxed);
        written
    }

    fn log(&self, event: Event, pending: Vec<PendingLink>) -> Result<(), StoreError> {
        self.database.log(event, pending)
    }
}

struct Bench {
    _alone: MutexGuard<'static, ()>,
    house: Arc<House>,
    watched: Arc<Watched>,
    provider: ServiceProvider,
}

/// How a request was answered, and what the transactions did that it needed.
#[derive(Debug, Clone, Copy)]
struct Cost {
    status: u16,
    statements: u64,
    runs: u64,
}

impl Bench {
    fn new(engine: &Engine) -> Self {
        static ONE: Mutex<()> = Mutex::new(());
        let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let house = Arc::new(crowd::filled(engine, CROWD));
        let watched = Arc::new(Watched {
            database: house.database.clone(),
            statements: Arc::default(),
            runs: Arc::default(),
            disturbed: AtomicBool::new(false),
            vanishes: AtomicBool::new(false),
            written: AtomicBool::new(false),
            joins: Mutex::default(),
            house: house.clone(),
        });
        let provider =
            ServiceProvider::new(watched.clone(), house.keys.clone(), BASE, Limits::default());
        Self {
            _alone: alone,
            house,
            watched,
            provider,
        }
    }

    fn sent(&self, method: Method, query: &str, body: &Value) -> (Cost, Answer) {
        let path = format!("/Groups/{}", crowd::id('g', 1));
        self.sent_to(method, &path, query, body)
    }

    fn sent_to(&self, method: Method, path: &str, query: &str, body: &Value) -> (Cost, Answer) {
        let watched = &self.watched;
        watched.statements.store(0, Ordering::Relaxed);
        watched.runs.store(0, Ordering::Relaxed);
        watched.written.store(false, Ordering::Relaxed);
        let body = body.to_string();
        let request = Request {
            method,
            path,
            query,
            body: body.as_bytes(),
            if_match: None,
            if_none_match: None,
        };
        let answer = self.provider.answer(&self.house.caller, &request);
        let cost = Cost {
            status: answer.status,
            statements: watched.statements.load(Ordering::Relaxed),
            runs: watched.runs.load(Ordering::Relaxed),
        };
        (cost, answer)
    }

    fn patched(&self, operations: &[Value]) -> Cost {
        let body = json!({"schemas": [uri::PATCH_OP], "Operations": operations});
        self.sent(Method::Patch, "", &body).0
    }

    fn members(&self) -> usize {
        let group = self.house.get(&format!("/Groups/{}", crowd::id('g', 1)));
        group["members"].as_array().map_or(0, Vec::len)
    }
}

/// A PUT of the large group with these of the crowd as its members.
fn replacement(members: impl Iterator<Item = usize>) -> Value {
    let members: Vec<_> = members
        .map(|at| json!({"value": crowd::id('u', at)}))
        .collect();
    json!({"schemas": [uri::GROUP], "displayName": crowd::name(1),
        "externalId": format!("ext-{}", crowd::name(1)), "members": members})
}

fn removal(filter: &str) -> Value {
    json!({"op": "remove", "path": format!("members[{filter}]")})
}

fn members_are_looked_at_and_listed_while_nobody_waits_for_the_writer(engine: &Engine) {
    let bench = Bench::new(engine);
    let idle = bench.patched(&[json!({"op": "add", "path": "members", "value": []})]);
    assert_eq!(idle.status, 204, "{engine:?}");
    // However many filters look at however many members, the transaction is that of none.
    let hostile: Vec<_> = (0..100)
        .map(|at| removal(&format!("value eq \"a{at}\" or display co \"nobody {at}\"")))
        .collect();
    let cost = bench.patched(&hostile);
    assert_eq!(
        (cost.status, cost.statements),
        (204, idle.statements),
        "{engine:?}"
    );
    let wide = vec![removal("display co \"nobody\""); 1_000];
    let cost = bench.patched(&wide);
    assert_eq!(
        (cost.status, cost.statements),
        (204, idle.statements),
        "{engine:?}"
    );
    // Nor is a list of members written out there.
    let body = replacement(1..=MEMBERS);
    let (cost, answer) = bench.sent(Method::Put, "", &body);
    assert_eq!(cost.status, 200, "{engine:?}");
    assert!(cost.statements <= idle.statements + 1, "{cost:?} {idle:?}");
    let listed = answer.document().unwrap();
    assert_eq!(listed["members"].as_array().unwrap().len(), MEMBERS);
    let unlisted = bench.patched(&[removal("display eq \"zz8 Doe\"")]);
    let (cost, answer) = bench.sent(
        Method::Patch,
        "attributes=members.value",
        &json!({"schemas": [uri::PATCH_OP], "Operations": [removal("display eq \"zz7 Doe\"")]}),
    );
    let wanted = (200, unlisted.statements);
    assert_eq!((cost.status, cost.statements), wanted, "{engine:?}");
    let listed = answer.document().unwrap();
    assert_eq!(listed["members"].as_array().unwrap().len(), MEMBERS - 2);
}

fn filters_see_what_the_operations_before_them_did(engine: &Engine) {
    let bench = Bench::new(engine);
    let named = |at: usize| json!([{"value": crowd::id('u', at)}]);
    let add = |at: usize| json!({"op": "add", "path": "members", "value": named(at)});
    let of = |at: usize| format!("display eq \"zz{at} Doe\"");
    let cost = bench.patched(&[removal("display co \"Doe\""), add(5)]);
    assert_eq!((cost.status, bench.members()), (200, 1), "{engine:?}");
    // Who joins is selected by what comes after, and not by what came before.
    let cost = bench.patched(&[removal(&of(6)), add(6), add(7), removal(&of(7)), add(8)]);
    assert_eq!(
        (cost.status, bench.members()),
        (200, 3),
        "5, 6 and 8; {engine:?}"
    );
    let cost = bench.patched(&[removal(&of(6)), add(6), removal(&of(6)), removal(&of(6))]);
    assert_eq!((cost.status, bench.members()), (200, 2), "{engine:?}");
    // A filter that selects nobody any more has no target; one that selects again has one.
    let swap = |at: usize, by: usize| {
        json!({"op": "replace", "path": format!("members[{}]", of(at)),
            "value": {"value": crowd::id('u', by)}})
    };
    let cost = bench.patched(&[swap(5, 9), swap(5, 10)]);
    assert_eq!((cost.status, bench.members()), (400, 2), "{engine:?}");
    let cost = bench.patched(&[swap(5, 9), swap(9, 5), swap(5, 10)]);
    assert_eq!(
        (cost.status, bench.members()),
        (200, 2),
        "8 and 10; {engine:?}"
    );
    let replace = json!({"op": "replace", "path": "members", "value": named(11)});
    let cost = bench.patched(&[replace, removal(&of(8)), removal(&of(11)), add(12)]);
    assert_eq!((cost.status, bench.members()), (200, 1), "{engine:?}");
}

fn a_member_who_is_added_by_hand_meanwhile_is_no_exception_from_a_whole_list(engine: &Engine) {
    let bench = Bench::new(engine);
    let late = crowd::id('u', 9);
    bench.patched(&[removal(&format!("value eq \"{late}\""))]);
    let id = crowd::id('u', 1);
    let body = json!({"schemas": [uri::GROUP], "displayName": crowd::name(1),
        "externalId": format!("ext-{}", crowd::name(1)), "members": [{"value": id}]});
    *bench.watched.joins.lock().unwrap() = Some(late);
    let (cost, answer) = bench.sent(Method::Put, "", &body);
    assert_eq!(cost.status, 200, "{engine:?}: {:?}", answer.document());
    assert_eq!(bench.members(), 1, "{engine:?}");
}

fn members_who_change_without_end_make_nobody_wait(engine: &Engine) {
    let bench = Bench::new(engine);
    bench.watched.disturbed.store(true, Ordering::Relaxed);
    let cost = bench.patched(&[removal("display eq \"zz7 Doe\"")]);
    // What is small enough to be looked at in the transaction is done there in the end.
    assert_eq!(cost.status, 204, "{engine:?}");
    bench.watched.disturbed.store(false, Ordering::Relaxed);
    assert_eq!(bench.members(), MEMBERS - 1, "{engine:?}");
    bench.watched.disturbed.store(true, Ordering::Relaxed);
    let many: Vec<_> = (0..100)
        .map(|at| removal(&format!("display eq \"zz{at} Doe\"")))
        .collect();
    let (cost, answer) = {
        let body = json!({"schemas": [uri::PATCH_OP], "Operations": many});
        bench.sent(Method::Patch, "", &body)
    };
    // What is not is to be sent again, and held nobody up: it was tried there once.
    assert_eq!(
        (cost.status, answer.retry_after, cost.runs),
        (503, Some(1), 5),
        "{engine:?}"
    );
    bench.watched.disturbed.store(false, Ordering::Relaxed);
    assert_eq!(bench.members(), MEMBERS - 1, "{engine:?}");
    // Nor does a member who joins meanwhile stand in the way of one who is named.
    bench.watched.disturbed.store(true, Ordering::Relaxed);
    let before = bench.provider.planned();
    let id = crowd::id('u', 9);
    assert_eq!(
        bench
            .patched(&[removal(&format!("value eq \"{id}\""))])
            .status,
        204
    );
    let after = bench.provider.planned();
    assert_eq!(
        (after.0 - before.0, after.1 - before.1),
        (1, 0),
        "{engine:?}"
    );
}

fn a_list_of_members_is_replaced_in_the_end_however_many_there_are(engine: &Engine) {
    let bench = Bench::new(engine);
    bench.watched.disturbed.store(true, Ordering::Relaxed);
    let (cost, _) = bench.sent(Method::Put, "", &replacement(6..=MEMBERS));
    assert_eq!((cost.status, cost.runs), (200, 5), "{engine:?}");
    assert_eq!(bench.members(), MEMBERS - 5, "{engine:?}");
    let list = replacement(1..=MEMBERS - 7)["members"].clone();
    let cost = bench.patched(&[json!({"op": "replace", "path": "members", "value": list})]);
    assert_eq!((cost.status, cost.runs), (204, 5), "{engine:?}");
    assert_eq!(bench.members(), MEMBERS - 7, "{engine:?}");
}

fn what_is_written_is_answered_so_if_it_cannot_be_read_any_more(engine: &Engine) {
    let bench = Bench::new(engine);
    bench.watched.vanishes.store(true, Ordering::Relaxed);
    let (cost, answer) = bench.sent(Method::Put, "", &replacement(6..=MEMBERS));
    let told = (cost.status, answer.retry_after, answer.document());
    assert_eq!(told, (204, None, None), "{engine:?}");
    let group = format!("/Groups/{}", crowd::id('g', 1));
    let shown = bench.house.get(&group);
    let tag = answer.version.map(|version| version.to_string());
    assert_eq!(shown["meta"]["version"], json!(tag), "{engine:?}");
    assert_eq!(shown["meta"]["location"], json!(answer.location));
    assert_eq!(bench.members(), MEMBERS - 5, "{engine:?}");
    let mut body = replacement(1..=200);
    body["displayName"] = "New".into();
    let (cost, answer) = bench.sent_to(Method::Post, "/Groups", "", &body);
    let told = (cost.status, answer.retry_after, answer.document());
    assert_eq!(told, (201, None, None), "{engine:?}");
    let location = answer.location.unwrap();
    let shown = bench.house.get(location.strip_prefix(BASE).unwrap());
    let tag = answer.version.map(|version| version.to_string());
    assert_eq!(shown["meta"]["version"], json!(tag), "{engine:?}");
}

engines::tests! {
    in_turn;
    on_both(Engine::clone):
        members_are_looked_at_and_listed_while_nobody_waits_for_the_writer,
        filters_see_what_the_operations_before_them_did,
        a_member_who_is_added_by_hand_meanwhile_is_no_exception_from_a_whole_list,
        members_who_change_without_end_make_nobody_wait,
        a_list_of_members_is_replaced_in_the_end_however_many_there_are,
        what_is_written_is_answered_so_if_it_cannot_be_read_any_more;
}
