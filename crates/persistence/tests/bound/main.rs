//! A console account ends with the person to whom it is bound, in the transaction in which the person
//! does, and with nobody else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod binding;
#[path = "../common/mod.rs"]
mod common;
mod leaving;

use chrono::Utc;
use common::{Engine, House, actor};
use scim_admin::account::{Account, OpenIdSubject, PasswordHash, Role};
use scim_admin::api_key::ApiKeyInput;
use scim_admin::event::{AuditEntry, AuditQuery};
use scim_admin::people::{PersonChange, PersonInput};
use scim_admin::policy::{LinksQuery, Which};
use scim_admin::session::{Session, SignedIn};
use scim_admin::store::{AdminStoreExt, Written};
use scim_admin::{Actor, AdminError, Attempt, ConfigurationInput};
use scim_protocol::schema::uri;
use scim_provisioning::{Caller, Method, Request};
use scim_provisioning::{ExistingUsers, SystemEnvironment};
use serde_json::{Value, json};
use std::sync::LazyLock;

use binding::*;
use leaving::*;

const PASSWORD: &str = "four random words suffice";

fn user(name: &str, active: bool) -> Value {
    json!({"schemas": [uri::USER], "userName": name, "active": active})
}

/// What an account holds.
struct Held {
    session: String,
    key: String,
    /// A key that the key made.
    made: String,
}

impl Held {
    /// How much of it still works.
    fn works(&self, house: &House) -> [bool; 3] {
        let key = |value: &str| house.admin.authenticate_key(value).unwrap().is_some();
        let session = house.admin.signed_in(&self.session, true).unwrap();
        [session.is_some(), key(&self.key), key(&self.made)]
    }
}

/// Computed once: it takes long.
static HASH: LazyLock<PasswordHash> =
    LazyLock::new(|| PasswordHash::new(PASSWORD, &SystemEnvironment).unwrap());

fn entry(event: &'static str) -> AuditEntry {
    AuditEntry {
        at: Utc::now(),
        actor: "test".to_owned(),
        source: None,
        event: event.into(),
        object: "test".to_owned(),
        configuration: None,
        details: json!({}),
    }
}

fn who(house: &House, session: &str) -> SignedIn {
    house.admin.signed_in(session, true).unwrap().unwrap()
}

fn add_key(house: &House, actor: &Actor, name: &str) -> (scim_admin::api_key::ApiKey, String) {
    let input = ApiKeyInput {
        name,
        role: Role::Administrator,
        scopes: None,
        days: 90,
    };
    let issued = house.admin.add_api_key(actor, &input).unwrap();
    (issued.key, issued.value.reveal().to_owned())
}

fn add_account(house: &House, name: &str, role: Role) -> String {
    let account = Account {
        id: uuid::Uuid::now_v7().to_string(),
        name: name.to_owned(),
        role,
        password: HASH.clone(),
        created: Utc::now(),
        failures: 0,
        failed: None,
        openid: None,
        person: None,
    };
    let told = entry("created");
    let id = account.id.clone();
    house
        .database
        .write(move |rows| {
            rows.insert_account(&account)?;
            Ok(Written::changed((), told.clone()))
        })
        .unwrap();
    id
}

/// An administrator who is signed in and has keys; somebody else administers as well.
fn account(house: &House, name: &str) -> Held {
    if house.admin.accounts().unwrap().is_empty() {
        add_account(house, "root", Role::Administrator);
    }
    let id = add_account(house, name, Role::Administrator);
    let (value, now) = (format!("session of {name}"), Utc::now());
    let session = Session {
        hash: scim_admin::api_key::hash(&value),
        account: id,
        created: now,
        last_used: now,
        confirmed: now,
    };
    let told = entry("signed in");
    house
        .database
        .write(move |rows| {
            rows.insert_session(&session)?;
            Ok(Written::changed((), told.clone()))
        })
        .unwrap();
    let own = Actor::signed_in(&who(house, &value), None);
    let (key, own_key) = add_key(house, &own, &format!("key of {name}"));
    let of_key = Actor::of_key(&key, None);
    let (_, made) = add_key(house, &of_key, &format!("made for {name}"));
    Held {
        session: value,
        key: own_key,
        made,
    }
}

/// What the audit says of an event, the oldest first: about what, with what details.
fn told(house: &House, event: &str) -> Vec<(String, Value)> {
    let query = AuditQuery {
        event: Some(event.to_owned()),
        limit: 100,
        ..AuditQuery::default()
    };
    let entries = house.admin.audit(&query).unwrap().into_iter().rev();
    entries
        .map(|(_, entry)| (entry.object, entry.details))
        .collect()
}

fn requested(house: &House, method: Method, path: &str, body: &Value) {
    let answer = house.request(method, path, body);
    assert!(answer.status < 300, "{path}: {:?}", answer.body);
}

/// The caller of the configuration after a change of its policies.
fn with_policies(house: &House, change: fn(&mut scim_provisioning::Policies)) -> Caller {
    let seen = house.admin.find_configuration("Test").unwrap();
    let mut input = ConfigurationInput::of(&seen);
    change(&mut input.policies);
    let edited = house.admin.edit_configuration(&actor(), &seen, &input);
    common::caller(edited.unwrap().to_provisioning())
}

fn answered(house: &House, caller: &Caller, method: Method, path: &str, body: &Value) -> u16 {
    let body = body.to_string();
    let request = Request {
        method,
        path,
        query: "",
        body: body.as_bytes(),
        if_match: None,
        if_none_match: None,
    };
    house.provider.answer(caller, &request).status
}

engines::tests! {
    on_both(House::new):
        an_account_opens_again_when_its_person_comes_back_and_its_keys_do_not,
        a_provider_signs_nobody_in_whose_person_is_not_active,
        a_configuration_that_is_deleted_opens_no_account_and_ends_none,
        what_the_keys_of_an_account_made_ends_with_them,
        one_administrator_stays_who_is_bound_to_nobody,
        nobody_is_bound_to_somebody_who_is_not_there_or_not_active,
        no_request_takes_over_somebody_with_a_console_account,
        nothing_begins_beside_a_person_who_leaves;
    on_both(Engine::clone):
        an_account_ends_with_its_person_in_whatever_way_the_person_leaves;
}
