//! Random requests are answered by a database and by the directory in memory alike, to the letter,
//! and leave the same people, groups and entries of the log.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use scim_admin::event::EventQuery;
use scim_protocol::Limits;
use scim_protocol::schema::uri;
use scim_provisioning::memory::{Group, MemoryDirectory, Person};
use scim_provisioning::policy::{
    Deactivation, Deletion, Guard, GuardAction, MemberGuard, MemberGuardAction,
    RepeatedExternalIds, UnknownMembers,
};
use scim_provisioning::testing::{PersonByHand, Subject};
use scim_provisioning::{
    Answer, Caller, Directory, DirectoryExt, ExistingUsers, FixedEnvironment, Method, Policies,
    Request, ResourceId, ServiceProvider, StoreError,
};
use scim_service::cursor::SecretKey;
use serde_json::{Value, json};

use super::Database;
use crate::common::{BASE, Engine, House, caller};

/// Drawn from a seed, which a failure names.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut drawn = self.0;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((drawn ^ (drawn >> 31)) % most as u64).unwrap()
    }

    fn of<'a, T>(&mut self, some: &'a [T]) -> &'a T {
        &some[self.below(some.len())]
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// A service provider that takes time and ids from an environment of its own.
struct World {
    provider: ServiceProvider,
    environment: Arc<FixedEnvironment>,
    cursor: Option<String>,
}

impl World {
    fn new(directory: Arc<dyn Directory>) -> Self {
        let begin = DateTime::from_timestamp(1_900_000_000, 0).unwrap();
        let environment = Arc::new(FixedEnvironment::at(begin));
        let cursors = Arc::new(SecretKey::new(b"secret"));
        let provider = ServiceProvider::new(directory, cursors, BASE, Limits::default());
        Self {
            provider: provider.with_environment(environment.clone()),
            environment,
            cursor: None,
        }
    }

    fn ask(&mut self, caller: &Caller, asked: &Asked) -> Answer {
        self.environment.advance(TimeDelta::seconds(7));
        let mut query = asked.query.clone();
        if asked.by_cursor {
            let cursor = self.cursor.as_deref().unwrap_or_default();
            write!(query, "&cursor={cursor}").unwrap();
        }
        let body = asked.body.to_string();
        let request = Request {
            query: &query,
            body: body.as_bytes(),
            if_match: asked.if_match.as_deref(),
            ..Request::new(asked.method, &asked.path)
        };
        let mut answer = self.provider.answer(caller, &request);
        answer.body = answer.document();
        answer.written = None;
        // Where a page goes on is each store's own word.
        let next = answer.body.as_mut().and_then(Value::as_object_mut);
        let next = next.and_then(|body| body.get_mut("nextCursor").map(Value::take));
        self.cursor = next.and_then(|next| next.as_str().map(str::to_owned));
        answer
    }
}

/// A request.
#[derive(Debug)]
struct Asked {
    method: Method,
    path: String,
    query: String,
    body: Value,
    if_match: Option<String>,
    by_cursor: bool,
}

const NAMES: [&str; 8] = [
    "ava", "Bo", "CY", "Ärzte", "straße", "hand", "role", "chief",
];
const TITLES: [&str; 4] = ["Boss", "boss", "Clerk", ""];
const GROUPS: [&str; 6] = ["Ops", "OPS", "Dev", "By Hand", "Admins", "Straße"];
const FILTERS: [&str; 14] = [
    "userName eq \"AVA\"",
    "userName sw \"b\"",
    "title pr",
    "not (title eq \"boss\")",
    "active eq false",
    "externalId eq \"E-1\"",
    "emails.value eq \"one@x.example\"",
    "emails[type eq \"work\" and value co \"x.\"]",
    "groups.display co \"o\"",
    "groups pr and title pr",
    "meta.lastModified gt \"2030-03-17T17:50:00Z\"",
    "userName gt \"b\" or title sw \"c\"",
    "not (groups.display eq \"ops\")",
    "meta.version eq \"W/\\\"2\\\"\"",
];
const GROUP_FILTERS: [&str; 5] = [
    "displayName eq \"OPS\"",
    "members pr",
    "members.display co \"a\"",
    "externalId eq \"E-1\"",
    "not (members[type eq \"User\"])",
];
const ORDERS: &str =
    "userName title id displayName meta.lastModified meta.created externalId emails";

/// What is drawn of a request, and whom it may be about.
struct Draw {
    dice: Dice,
    ids: Vec<String>,
    /// Who was created, by the endpoint.
    created: Vec<(&'static str, String)>,
    /// The filter and order of the list that a cursor goes on with.
    list: Option<(String, String)>,
}

impl Draw {
    fn id(&mut self) -> String {
        match self.ids.is_empty() {
            true => "0199abcd-0000-7000-8000-000000000000".to_owned(),
            false => self.dice.of(&self.ids).clone(),
        }
    }

    fn user(&mut self) -> Value {
        let mut user = json!({"schemas": [uri::USER], "userName": self.dice.of(&NAMES)});
        if self.dice.coin() {
            user["title"] = json!(self.dice.of(&TITLES));
        }
        if self.dice.below(4) == 0 {
            user["externalId"] = json!(self.dice.of(&["E-1", "E-2", "e-1"]));
        }
        if self.dice.coin() {
            let emails = ["one@x.example", "TWO@x.example", "hand@corp.example"];
            user["emails"] = json!([
                {"value": self.dice.of(&emails), "type": self.dice.of(&["work", "home"])}
            ]);
        }
        if self.dice.below(4) == 0 {
            user["active"] = json!(self.dice.coin());
        }
        if self.dice.below(3) == 0 {
            user["schemas"] = json!([uri::USER, uri::ENTERPRISE_USER]);
            let manager = match self.dice.coin() {
                true => self.id(),
                false => (*self.dice.of(&["E-1", "AVA", "one@x.example"])).to_owned(),
            };
            user[uri::ENTERPRISE_USER] = json!({"manager": {"value": manager},
                "department": self.dice.of(&["Works", "WORKS", "Mines"])});
        }
        user
    }

    fn members(&mut self) -> Value {
        let count = self.dice.below(5);
        (0..count).map(|_| json!({"value": self.id()})).collect()
    }

    fn group(&mut self) -> Value {
        let mut group = json!({"schemas": [uri::GROUP], "displayName": self.dice.of(&GROUPS),
            "members": self.members()});
        if self.dice.below(3) == 0 {
            group["externalId"] = json!(self.dice.of(&["E-1", "E-2"]));
        }
        group
    }

    fn operation(&mut self) -> Value {
        let id = self.id();
        match self.dice.below(12) {
            0 | 1 => json!({"op": "replace", "path": "active", "value": self.dice.coin()}),
            2 => json!({"op": "replace", "path": "title", "value": self.dice.of(&TITLES)}),
            3 => json!({"op": "replace", "path": "userName", "value": self.dice.of(&NAMES)}),
            4 => json!({"op": "remove", "path": "title"}),
            5 => json!({"op": "add", "path": "emails", "value": [{"value": "more@x.example"}]}),
            6 | 7 => json!({"op": "add", "path": "members", "value": self.members()}),
            8 => json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")}),
            9 => json!({"op": "replace", "path": "members", "value": self.members()}),
            10 => json!({"op": "remove", "path": "members[display co \"a\"]"}),
            _ => json!({"op": "replace", "path": "displayName", "value": self.dice.of(&GROUPS)}),
        }
    }

    fn list(&mut self) -> Asked {
        let (kind, by_cursor) = match (self.list.take(), self.dice.below(3)) {
            (Some(list), 0..=1) => (list, true),
            _ => {
                let users = self.dice.coin();
                let filters: &[&str] = if users { &FILTERS } else { &GROUP_FILTERS };
                let mut query = format!("count={}", 1 + self.dice.below(4));
                if self.dice.coin() {
                    let filter = self.dice.of(filters);
                    write!(query, "&filter={}", filter.replace(' ', "%20")).unwrap();
                }
                if self.dice.coin() {
                    let orders: Vec<&str> = ORDERS.split(' ').collect();
                    write!(query, "&sortBy={}", self.dice.of(&orders)).unwrap();
                }
                if self.dice.coin() {
                    query.push_str("&sortOrder=descending");
                }
                let path = if users { "/Users" } else { "/Groups" };
                ((path.to_owned(), query), false)
            }
        };
        let (path, mut query) = kind.clone();
        if !by_cursor && self.dice.coin() {
            query.push_str("&cursor=");
            self.list = Some(kind);
        } else if !by_cursor {
            write!(query, "&startIndex={}", self.dice.below(4)).unwrap();
        } else {
            self.list = Some(kind);
        }
        asked(Method::Get, path, query, Value::Null, by_cursor)
    }

    fn request(&mut self) -> Asked {
        let kind = *self.dice.of(&["Users", "Groups"]);
        let created = self.created.iter().filter(|(of, _)| *of == kind);
        let created: Vec<&String> = created.map(|(_, id)| id).collect();
        // Mostly somebody who was there, of whatever became of them.
        let id = match created.is_empty() || self.dice.below(8) == 0 {
            true => self.id(),
            false => (*self.dice.of(&created)).clone(),
        };
        let one = format!("/{kind}/{id}");
        let body = match kind {
            "Users" => self.user(),
            _ => self.group(),
        };
        let ask = |method, path, body| asked(method, path, String::new(), body, false);
        let mut asked = match self.dice.below(12) {
            0..=2 => ask(Method::Post, format!("/{kind}"), body),
            3 => ask(Method::Put, one, body),
            4..=7 => {
                let count = 1 + self.dice.below(2);
                let operations: Vec<Value> = (0..count).map(|_| self.operation()).collect();
                let body = json!({"schemas": [uri::PATCH_OP], "Operations": operations});
                ask(Method::Patch, one, body)
            }
            8 => ask(Method::Delete, one, Value::Null),
            9 => ask(Method::Get, one, Value::Null),
            _ => return self.list(),
        };
        if self.dice.below(10) == 0 {
            asked.if_match = Some(format!("W/\"{}\"", 1 + self.dice.below(3)));
        }
        asked
    }
}

fn asked(method: Method, path: String, query: String, body: Value, by_cursor: bool) -> Asked {
    Asked {
        method,
        path,
        query,
        body,
        if_match: None,
        by_cursor,
    }
}

fn policies(dice: &mut Dice) -> Policies {
    use MemberGuardAction::{Hold, Reject, Warn};
    Policies {
        existing_users: *dice.of(&[
            ExistingUsers::Ask,
            ExistingUsers::Link,
            ExistingUsers::Refuse,
        ]),
        deactivation: *dice.of(&[Deactivation::Block, Deactivation::Archive]),
        deletion: *dice.of(&[
            Deletion::Archive,
            Deletion::Block,
            Deletion::Delete { after_days: 3 },
        ]),
        guard: Guard {
            count: *dice.of(&[0, 1, 2]),
            percent: 20,
            minutes: 5,
            action: *dice.of(&[GuardAction::Hold, GuardAction::Reject]),
        },
        member_guard: MemberGuard {
            count: *dice.of(&[0, 1]),
            percent: 20,
            action: *dice.of(&[Hold, Reject, Warn]),
        },
        unknown_members: *dice.of(&[UnknownMembers::Refuse, UnknownMembers::Skip]),
        external_ids: *dice.of(&[RepeatedExternalIds::Accept, RepeatedExternalIds::Refuse]),
    }
}

/// Puts people and groups into both, as others than an identity provider do; answers their ids.
fn furnish(database: &Database, memory: &MemoryDirectory) -> Vec<String> {
    let mut ids = Vec::new();
    for (name, protected, role) in [
        ("hand", false, None),
        ("role", false, Some("Account Administrator")),
        ("chief", true, None),
    ] {
        let email = format!("{name}@corp.example");
        let id = database.add_person(PersonByHand {
            user_name: name,
            email: Some(&email),
            protected,
            role,
        });
        let stored: Result<_, StoreError> = database.directory().view(|view| view.by_hand(id));
        let at = stored
            .unwrap()
            .map(|person| person.created)
            .unwrap_or_default();
        let person = Person {
            protected,
            role: role.map(str::to_owned),
            ..Person::by_hand(id, name, Some(&email), at)
        };
        memory.put_person(person).unwrap();
        ids.push(id.to_string());
    }
    for (name, confers_admin) in [("By Hand", false), ("Admins", true)] {
        let id = database.add_group(name, confers_admin);
        let group = Group {
            confers_admin,
            ..Group::by_hand(id, name, DateTime::UNIX_EPOCH)
        };
        memory.put_group(group).unwrap();
        ids.push(id.to_string());
    }
    ids
}

/// The changes of an entry, with the ids of members in order: they came in any.
fn in_order(changes: &Value) -> Value {
    let mut changes = changes.clone();
    for change in changes.as_array_mut().into_iter().flatten() {
        for side in ["new", "old"] {
            let members = change.get_mut(side).and_then(Value::as_array_mut);
            let members = members.filter(|members| members.iter().all(Value::is_string));
            members
                .into_iter()
                .for_each(|members| members.sort_by_key(Value::to_string));
        }
    }
    changes
}

/// The log as both tell it.
fn logs(house: &House, memory: &MemoryDirectory) -> [Vec<Value>; 2] {
    let query = EventQuery {
        limit: 10_000,
        before: Some(i64::MAX),
        ..EventQuery::default()
    };
    let mut kept = house.admin.events(&query).unwrap();
    kept.reverse();
    let kept = kept.iter().map(|entry| {
        json!([
            entry.action.as_str(),
            entry.outcome.as_str(),
            entry.status,
            entry.resource_name,
            entry.reason,
            entry.detail,
            in_order(&entry.changes),
            entry.deviations,
            entry.resolved_at.is_some(),
        ])
    });
    let told = memory.log_entries();
    let told = told.iter().map(|(entry, open)| {
        let failed = entry.outcome.as_str() == "failure";
        json!([
            entry.action.as_str(),
            entry.outcome.as_str(),
            entry.status,
            entry.resource_name,
            entry.reason,
            entry.detail,
            in_order(&entry.changes),
            entry.deviations,
            failed && !open,
        ])
    });
    [kept.collect(), told.collect()]
}

/// Answers how many of the requests succeeded.
fn compare(engine: &Engine, seed: u64, requests: usize) -> usize {
    let database = Database(House::new(engine));
    let memory = Arc::new(MemoryDirectory::new(BASE));
    let mut dice = Dice(seed);
    let callers = ["One", "Other"].map(|name| {
        let mut configuration = database.configuration(name);
        configuration.policies = policies(&mut dice);
        caller(configuration)
    });
    let ids = furnish(&database, &memory);
    let mut worlds = [
        World::new(database.0.database.clone()),
        World::new(memory.clone()),
    ];
    let mut draw = Draw {
        dice,
        ids,
        created: Vec::new(),
        list: None,
    };
    let mut succeeded = 0;
    for step in 0..requests {
        // Mostly one of them speaks, and now and then the other.
        let who = usize::from(draw.dice.below(6) == 0);
        if who == 1 {
            draw.list = None;
        }
        let asked = draw.request();
        let [kept, told] = worlds
            .each_mut()
            .map(|world| world.ask(&callers[who], &asked));
        assert_eq!(kept, told, "seed {seed}, request {step}: {asked:#?}");
        succeeded += usize::from(kept.status < 300);
        let id = kept.body.as_ref().and_then(|body| body["id"].as_str());
        if let (201, Some(id)) = (kept.status, id) {
            let of = ["Users", "Groups"].map(|kind| (kind, format!("/{kind}")));
            let of = of.into_iter().filter(|(_, path)| *path == asked.path);
            draw.created
                .extend(of.map(|(kind, _)| (kind, id.to_owned())));
            draw.ids.push(id.to_owned());
        }
    }
    let [kept, told] = logs(&database.0, &memory);
    for (at, (kept, told)) in kept.iter().zip(&told).enumerate() {
        assert_eq!(kept, told, "seed {seed}, entry {at}");
    }
    assert_eq!(kept.len(), told.len());
    for caller in &callers {
        let configuration = caller.configuration.id;
        let waiting = |waits: Vec<(ResourceId, String)>| {
            let mut waits: Vec<_> = waits.into_iter().collect();
            waits.sort();
            waits
        };
        let links = memory.links().into_iter();
        let links = links.filter(|link| link.configuration == configuration);
        let links = links.map(|link| (link.person, link.attribute.to_owned()));
        let links =
            links.filter(|(person, _)| memory.person(*person).unwrap().managed_by.is_none());
        assert_eq!(
            waiting(database.waiting_links(configuration)),
            waiting(links.collect()),
            "seed {seed}"
        );
    }
    succeeded
}

/// A database and the directory in memory answer alike.
pub(super) fn a_database_answers_as_the_directory_in_memory_does(engine: &Engine) {
    let mut succeeded = 0;
    for seed in 0..SEEDS {
        succeeded += compare(engine, seed, REQUESTS);
    }
    // Where nothing can be done, all answer alike.
    let all = REQUESTS * SEEDS as usize;
    assert!((all / 4..all).contains(&succeeded), "{succeeded} of {all}");
}

const SEEDS: u64 = 6;
const REQUESTS: usize = 250;
