//! Random requests, live on one directory and rehearsed on another: both end alike to the letter.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use scim_protocol::Limits;
use scim_protocol::schema::uri;
use scim_provisioning::policy::{Deletion, UnknownMembers};
use scim_provisioning::{Caller, FixedEnvironment, Method, ServiceProvider};
use serde_json::{Value, json};

use super::common::{BASE, Engine, House};
use super::house::*;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn of(&mut self, among: &[String]) -> String {
        match among.len() {
            0 => String::new(),
            some => among[self.below(some)].clone(),
        }
    }
}

/// A request of an identity provider, which knows what it was told before.
fn draw(
    dice: &mut Dice,
    users: &[String],
    groups: &[String],
    number: usize,
) -> (Method, String, Value) {
    let (one, other, group) = (dice.of(users), dice.of(users), dice.of(groups));
    let (user_path, group_path) = (format!("/Users/{one}"), format!("/Groups/{group}"));
    // Few names, so that one is given up by one and taken by another.
    let name = format!("p{}", dice.below(10));
    let team = format!("g{}", dice.below(5));
    match dice.below(20) {
        0..=4 => {
            let mut body = user(&name);
            body[uri::ENTERPRISE_USER] =
                json!({"manager": {"value": format!("p{}", dice.below(10))}});
            (Method::Post, "/Users".to_owned(), body)
        }
        5 | 6 => (
            Method::Patch,
            user_path,
            replace("title", format!("T{number}")),
        ),
        7 => (Method::Patch, user_path, replace("userName", &*name)),
        8 => (
            Method::Patch,
            user_path,
            replace("active", dice.below(2) == 0),
        ),
        9 => (Method::Put, user_path, user(&name)),
        10 => (Method::Delete, user_path, Value::Null),
        11 | 12 => (Method::Post, "/Groups".to_owned(), group_of(&team, &[&one])),
        13 | 14 => {
            let op = ["add", "remove"][dice.below(2)];
            let members = json!([{"op": op, "path": "members", "value": [{"value": other}]}]);
            (Method::Patch, group_path, patch(&members))
        }
        15 => (Method::Put, group_path, group_of(&team, &[&one, &other])),
        16 => (Method::Patch, group_path, replace("displayName", team)),
        17 => (Method::Delete, group_path, Value::Null),
        18 => (Method::Get, user_path, Value::Null),
        _ => {
            let body = json!({"schemas": [uri::BULK_REQUEST], "Operations": [
                {"method": "POST", "path": "/Users", "bulkId": "a", "data": user(&name)},
                {"method": "POST", "path": "/Groups", "bulkId": "b",
                    "data": group_of(&team, &["bulkId:a"])},
            ]});
            (Method::Post, "/Bulk".to_owned(), body)
        }
    }
}

fn group_of(name: &str, members: &[&str]) -> Value {
    group(name, members)
}

/// A directory whose clock and ids are those of its twin.
pub(super) struct Twin {
    pub(super) house: House,
    environment: Arc<FixedEnvironment>,
}

impl Twin {
    pub(super) fn new(engine: &Engine, deletion: Deletion) -> Self {
        let mut house = House::new(engine);
        with_policies(&mut house, |policies| {
            policies.deletion = deletion;
            policies.unknown_members = UnknownMembers::Skip;
        });
        let begin = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let environment = Arc::new(FixedEnvironment::at(begin));
        let (directory, keys) = (house.database.clone(), house.keys.clone());
        house.provider = ServiceProvider::new(directory, keys, BASE, Limits::default())
            .with_environment(environment.clone());
        Self { house, environment }
    }

    pub(super) fn ask(
        &self,
        provider: &ServiceProvider,
        request: &(Method, String, Value),
    ) -> Option<Value> {
        self.environment.advance(TimeDelta::seconds(1));
        let (method, path, body) = request;
        let caller = Caller {
            request_id: "twin".to_owned(),
            ..self.house.caller.clone()
        };
        answered(provider, &caller, *method, path, body).body
    }

    /// The directory, but for what has names of its own.
    pub(super) fn dump(&self) -> Dump {
        let mut dump = dump(&self.house);
        dump.remove("mapping_versions");
        let configuration = self.house.caller.configuration.id.to_string();
        for rows in dump.values_mut().flatten() {
            *rows = rows.replace(&configuration, "CONFIGURATION");
        }
        // These ids nobody is told.
        for row in dump.get_mut("held_changes").unwrap() {
            let mut value: Value = serde_json::from_str(row).unwrap();
            value["id"] = Value::Null;
            *row = value.to_string();
        }
        dump
    }
}

fn ids(value: &Value, into: &mut Vec<String>) {
    if let Some(id) = value["id"].as_str() {
        into.push(id.to_owned());
    }
}

/// The promise: the same requests, rehearsed and let go live, end in the same directory.
pub(super) fn what_goes_live_is_what_a_live_run_comes_to(engine: &Engine) {
    let sequences = std::env::var("SERVICEOPS_SCIM_REHEARSALS");
    let sequences: u64 = sequences.map_or(8, |text| text.parse().unwrap());
    for seed in 1..=sequences {
        let deletion = [Deletion::Archive, Deletion::Block][usize::try_from(seed % 2).unwrap()];
        let (live, rehearsed) = (Twin::new(engine, deletion), Twin::new(engine, deletion));
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let (mut users, mut groups) = (Vec::new(), Vec::new());
        let mut step = |providers: [&ServiceProvider; 2], number: usize| {
            let request = draw(&mut dice, &users, &groups, number);
            let told = live.ask(providers[0], &request);
            let same = rehearsed.ask(providers[1], &request);
            let alike = |answer: &Option<Value>| {
                let text = answer.as_ref().map(Value::to_string).unwrap_or_default();
                text.replace(&live.house.caller.configuration.id.to_string(), "")
                    .replace(&rehearsed.house.caller.configuration.id.to_string(), "")
            };
            assert_eq!(alike(&told), alike(&same), "{seed} {number}: {request:?}");
            let Some(told) = told else { return };
            match (request.0, request.1.as_str()) {
                (Method::Post, "/Users") => ids(&told, &mut users),
                (Method::Post, "/Groups") => ids(&told, &mut groups),
                _ => {}
            }
        };
        for number in 0..12 {
            step([&live.house.provider, &rehearsed.house.provider], number);
        }
        let before = dump(&rehearsed.house);
        let (_, provider) = rehearse(&rehearsed.house);
        for number in 12..52 {
            step([&live.house.provider, &provider], number);
        }
        assert_eq!(differences(&before, &dump(&rehearsed.house)), "", "{seed}");
        go_live(&rehearsed.house, false);
        assert_eq!(
            differences(&live.dump(), &rehearsed.dump()),
            "",
            "sequence {seed} on {engine:?}"
        );
        // And both go on alike.
        for number in 52..60 {
            step([&live.house.provider, &rehearsed.house.provider], number);
        }
        assert_eq!(
            differences(&live.dump(), &rehearsed.dump()),
            "",
            "{seed} goes on"
        );
    }
}
