//! No statement of the service or of its administration reads what it does not need: each one that
//! a script of all operations has executed is explained by the engine that is linked, over a filled
//! database that was never analysed, and over one that was.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod administration;
#[path = "../common/mod.rs"]
mod common;
mod directory;
#[path = "../plan/mod.rs"]
mod plan;
mod provisioning;
mod runs;

use common::crowd::{self, Crowd};
use common::{Engine, House, actor, found};
use plan::{Fault, Indexes, judge};
use scim_admin::event::{AuditQuery, EventQuery, EventState};
use scim_admin::people::{
    GroupsQuery, ManagedBy, PeopleQuery, PersonChange, PersonInput, UserType,
};
use scim_admin::policy::{LinksQuery, Which};
use scim_admin::survey::SurveyKind;
use scim_admin::{VersionChoice, WhyQuery};
use scim_persistence::{Database, Explained};
use scim_protocol::schema::uri;
use scim_provisioning::event::{Action, Outcome};
use scim_provisioning::{Method, ResourceKind};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use administration::*;
use directory::*;
use provisioning::*;
use runs::*;

const CROWD: Crowd = Crowd {
    users: 12_000,
    groups: 600,
    large: 3_000,
    events: 6_000,
};

/// What the operations of a script executed.
#[derive(Default)]
struct Script {
    /// What reads too much, by operation.
    faults: BTreeMap<String, Vec<(Fault, Explained)>>,
    statements: usize,
    indexes: Indexes,
}

impl Script {
    /// Runs an operation whose statements must all be served by indexes.
    fn run<T>(&mut self, name: &str, work: impl FnOnce() -> T) -> T {
        let (result, explained) = Database::explaining(work);
        self.statements += explained.len();
        for explained in explained {
            if let Some(fault) = judge(&self.indexes, &explained) {
                let faults = self.faults.entry(name.to_owned()).or_default();
                faults.push((fault, explained));
            }
        }
        result
    }

    /// Runs an operation of which an index serves every statement but those that say something.
    fn run_but<T>(&mut self, name: &str, beside: &str, work: impl FnOnce() -> T) -> T {
        let before = self.faults.remove(name).unwrap_or_default();
        let result = self.run(name, work);
        let mut faults = self.faults.remove(name).unwrap_or_default();
        assert!(!faults.is_empty(), "{name} needs no exception");
        let unquoted = |statement: &str| statement.replace(['`', '"'], "");
        faults.retain(|(_, explained)| !unquoted(&explained.statement).contains(beside));
        faults.extend(before);
        if !faults.is_empty() {
            self.faults.insert(name.to_owned(), faults);
        }
        result
    }

    /// Runs an operation that no index serves, for a reason; it must be one.
    fn unserved<T>(&mut self, name: &str, reason: &str, work: impl FnOnce() -> T) -> T {
        let (result, explained) = Database::explaining(work);
        assert!(
            explained
                .iter()
                .any(|explained| judge(&self.indexes, explained).is_some()),
            "{name} is served by indexes, although {reason}: {explained:#?}"
        );
        result
    }

    fn assert(self, engine: &Engine, when: &str) {
        assert!(self.statements > 200, "{} statements", self.statements);
        let mut text = String::new();
        for (name, faults) in &self.faults {
            for (fault, explained) in faults {
                text += &format!(
                    "\n== {name}: {fault:?}\n{}\n    {}\n",
                    explained.statement,
                    explained.plan.join("\n    ")
                );
            }
        }
        assert!(text.is_empty(), "{engine:?}, {when}: {text}");
    }
}

fn patch(operations: Value) -> Value {
    json!({"schemas": [uri::PATCH_OP], "Operations": operations})
}

fn ok(house: &House, method: Method, path: &str, body: &Value) -> Value {
    let answer = house.request(method, path, body);
    assert!(answer.status < 300, "{method:?} {path}: {:?}", answer.body);
    answer.body.unwrap_or_default()
}

/// Leaving while the guard counts.
fn guarded(script: &mut Script, house: &mut House) {
    let mut configuration = (*house.caller.configuration).clone();
    configuration.policies.guard.count = 1;
    configuration.policies.guard.percent = 0;
    house.caller.configuration = configuration.into();
    let leave = patch(json!([{"op": "replace", "path": "active", "value": false}]));
    for number in 100..103 {
        let user = format!("/Users/{}", crowd::id('u', number));
        script.run("a deactivation that the guard looks at", || {
            ok(house, Method::Patch, &user, &leave)
        });
    }
    let user = format!("/Users/{}", crowd::id('u', 104));
    script.run("a deletion that the guard looks at", || {
        ok(house, Method::Delete, &user, &Value::Null)
    });
}

/// What runs while an operation is explained is explained as its own, whoever runs it.
static ALONE: Mutex<()> = Mutex::new(());

fn every_statement_takes_an_index(engine: &Engine, analysed: bool) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut house = crowd::filled(engine, CROWD);
    let run = large_run(&house);
    if analysed {
        crowd::analyse(&house);
    }
    let mut script = Script {
        indexes: plan::indexes(&house),
        ..Script::default()
    };
    provisioning(&mut script, &house);
    guarded(&mut script, &mut house);
    directory(&mut script, &house);
    runs(&mut script, &house, &run);
    administration(&mut script, &house);
    let when = if analysed {
        "analysed"
    } else {
        "never analysed"
    };
    script.assert(engine, when);
}

fn main() -> std::process::ExitCode {
    let mut suite = engines::Suite::new();
    suite.on_both("every_statement_takes_an_index_never_analysed", |engine| {
        every_statement_takes_an_index(engine, false);
    });
    suite.on_both("every_statement_takes_an_index_analysed", |engine| {
        every_statement_takes_an_index(engine, true);
    });
    suite.run()
}
