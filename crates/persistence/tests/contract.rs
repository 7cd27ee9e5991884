//! What the service relies on, of every engine: writes that fail leave nothing, keys are unique
//! as the product compares them, costs do not grow with what is not touched.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::thread;

use common::{Engine, House, actor, caller, configuration};
use scim_admin::account::Role;
use scim_admin::api_key::ApiKeyInput;
use scim_admin::event::{AuditFault, AuditQuery, EventQuery};
use scim_admin::people::PeopleQuery;
use scim_admin::{AdminError, ConfigurationInput, StreamInput};
use scim_mapping::CustomField;
use scim_persistence::{Database, OpenError};
use scim_protocol::schema::uri;
use scim_provisioning::directory::{GroupWrite, UserKeys};
use scim_provisioning::{
    Directory, DirectoryExt, Method, Request, ResourceId, Rollback, StoreError,
};
use serde_json::{Value, json};

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name})
}

fn field(key: &str) -> CustomField {
    let field = json!({ "key": key, "label": key, "type": "longText" });
    serde_json::from_value(field).unwrap()
}

fn group(name: &str) -> GroupWrite {
    let document = json!({"schemas": [uri::GROUP], "displayName": name});
    let Value::Object(document) = document else {
        panic!("no object");
    };
    GroupWrite {
        name: name.to_owned(),
        search: json!({}),
        document,
        external_id: None,
        kind: scim_mapping::GroupKind::default(),
        rule: None,
        grants: Vec::new(),
        adopt: false,
    }
}

/// Inserts a group in a transaction of its own.
fn insert(house: &House, group: &GroupWrite) -> Result<ResourceId, Rollback> {
    let (scope, group, id) = (house.scope(), group.clone(), ResourceId::new());
    house.database.write(Box::new(move |transaction| {
        transaction.insert_group(scope, id, &group, chrono::Utc::now())?;
        Ok(())
    }))?;
    Ok(id)
}

fn everything() -> EventQuery {
    EventQuery {
        limit: 1_000,
        ..EventQuery::default()
    }
}

engines::on_both_engines! {
    |engine: &Engine| House::new(engine);

    fn what_is_logged_with_a_write_stands_and_falls_with_it(house: &House) {
        let events = || {
            let all = house.admin.events(&everything());
            all.unwrap().len()
        };
        house.create("/Users", &user("ava"));
        assert_eq!(events(), 1);
        let refused = house.request(Method::Post, "/Users", &user("AVA"));
        assert_eq!(refused.status, 409);
        let all = house.admin.events(&everything()).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all.iter().filter(|e| e.outcome.as_str() == "failure").count(), 1);
    }

    fn names_are_unique_as_people_read_them(house: &House) {
        house.create("/Users", &user("Ärzte"));
        for name in ["ärzte", "ÄRZTE", "A\u{308}rzte", " Ärzte "] {
            let refused = house.request(Method::Post, "/Users", &user(name));
            assert_eq!(refused.status, 409, "{name}: {:?}", refused.body);
        }
        insert(house, &group("Straße")).unwrap();
        let refused = insert(house, &group("straße"));
        assert!(matches!(refused, Err(Rollback::Store(StoreError::Conflict { .. }))), "{refused:?}");
    }

    fn an_external_id_is_the_clients_and_may_be_repeated(house: &House) {
        let with_id = |name: &str, id: &str| {
            json!({"schemas": [uri::USER], "userName": name, "externalId": id})
        };
        // RFC 7643 section 3.1 leaves it to the client that there is one alone.
        house.create("/Users", &with_id("ava", "7"));
        house.create("/Users", &with_id("ann", "7"));
        // To the identity provider an externalId is opaque: letters of another case are another.
        house.create("/Users", &with_id("bob", "a"));
        house.create("/Users", &with_id("eve", "A"));
        let other = caller(configuration(&house.admin, "Other"));
        let body = with_id("joe", "7").to_string();
        let request = Request {
            method: Method::Post,
            path: "/Users",
            query: "",
            body: body.as_bytes(),
            if_match: None,
            if_none_match: None,
        };
        assert_eq!(house.provider.answer(&other, &request).status, 201);
    }

    fn whoever_has_a_value_is_found_once_behind_any_number_of_addresses(house: &House) {
        let by_hand = house.create("/Users", &json!({
            "schemas": [uri::USER], "userName": "ava", "emails": [{"value": "ava@example.com"}],
        }));
        house.tamper(&format!(
            "UPDATE users SET managed_by = NULL, external_id = NULL WHERE id = '{by_hand}'"
        ));
        let own = house.create("/Users", &json!({
            "schemas": [uri::USER], "userName": "bob", "externalId": "7",
        }));
        let mut emails: Vec<String> = (0..40_000).map(|at| format!("{at}@example.com")).collect();
        emails.push("ava@example.com".to_owned());
        let keys = UserKeys {
            user_name: "bob".to_owned(),
            scim_user_name: "bob".to_owned(),
            emails,
            recovery: Vec::new(),
            external_id: Some("7".to_owned()),
        };
        let scope = house.scope();
        house.database.write(Box::new(move |transaction| {
            let found = transaction.sharers(scope, &keys, None)?;
            let mut found: Vec<_> = found
                .iter()
                .map(|sharer| {
                    let shared = sharer.shared;
                    (sharer.id.to_string(), shared.user_name, shared.external_id, shared.email)
                })
                .collect();
            found.sort();
            assert_eq!(found, [
                (by_hand.clone(), false, None, true),
                (own.clone(), true, Some(true), false),
            ]);
            Ok(())
        })).unwrap();
    }

    fn a_person_who_cannot_be_read_keeps_nobody_from_the_others(house: &House) {
        let bo = house.create("/Users", &user("bo"));
        let id = house.create("/Users", &user("ava"));
        house.tamper("UPDATE users SET status = 'odd' WHERE user_name = 'ava'");
        let (scope, known) = (house.scope(), ResourceId::parse(&id).unwrap());
        let read = house.database.view(|view| view.user(scope, known));
        assert!(matches!(read, Err(StoreError::Unreadable(_))), "{read:?}");
        // To be sent again would help nobody.
        let own = format!("/Users/{id}");
        for (method, path) in [
            (Method::Get, own.as_str()),
            (Method::Get, "/Users"),
            (Method::Delete, own.as_str()),
        ] {
            let answer = house.request(method, path, &Value::Null);
            assert_eq!((answer.status, answer.retry_after), (500, None), "{path}");
        }
        house.get(&format!("/Users/{bo}"));
        house.create("/Users", &user("cy"));
        let query = PeopleQuery { limit: 10, ..PeopleQuery::default() };
        let people = house.admin.people(&query).unwrap();
        let shown: Vec<_> = people
            .iter()
            .map(|person| (person.user_name.as_str(), person.status.as_str(), person.fields.is_empty()))
            .collect();
        assert_eq!(shown, [
            ("bo", "active", false),
            ("ava", "odd", true),
            ("cy", "active", false),
        ]);
    }

    fn a_row_that_cannot_be_read_is_left_out_of_its_list(house: &House) {
        let (admin, actor) = (&house.admin, actor());
        let password = "a long enough pass phrase";
        admin.add_account(&actor, "root", Role::Administrator, password).unwrap();
        admin.add_account(&actor, "otto", Role::Auditor, password).unwrap();
        for name in ["one", "two"] {
            let input = ApiKeyInput { name, role: Role::Auditor, scopes: None, days: 7 };
            admin.add_api_key(&actor, &input).unwrap();
            let input = StreamInput { name: name.to_owned(), kind: scim_feed::StreamKind::Read, url: None, topics: None };
            admin.add_stream(&actor, input, 0).unwrap();
        }
        for table in ["accounts SET role", "api_keys SET role", "streams SET state"] {
            house.tamper(&format!("UPDATE {table} = 'odd' WHERE name IN ('otto', 'two')"));
        }
        let accounts = admin.accounts().unwrap();
        assert_eq!((accounts.len(), accounts[0].name.as_str()), (1, "root"));
        let keys = admin.api_keys().unwrap();
        assert_eq!((keys.len(), keys[0].name.as_str()), (1, "one"));
        let streams = admin.streams().unwrap();
        assert_eq!((streams.len(), streams[0].name.as_str()), (1, "one"));
        // Accounts that nobody can read are there all the same: nobody becomes the first one.
        house.tamper("UPDATE accounts SET role = 'odd'");
        assert!(admin.wants_setup().is_err());
        assert!(admin.set_up(None, "eve", password).is_err());
    }

    fn what_is_held_and_cannot_be_read_is_left_out_of_the_list(house: &House) {
        let seen = house.admin.find_configuration("Test").unwrap();
        let mut input = ConfigurationInput::of(&seen);
        (input.policies.guard.count, input.policies.guard.percent) = (1, 1);
        let guarded = house.admin.edit_configuration(&actor(), &seen, &input).unwrap();
        let caller = caller(guarded.to_provisioning());
        for name in ["a", "b", "c", "d"] {
            let path = format!("/Users/{}", house.create("/Users", &user(name)));
            let request = Request::new(Method::Delete, &path);
            assert_eq!(house.provider.answer(&caller, &request).status, 204);
        }
        let held = || house.admin.held(seen.id, None, 2).unwrap();
        let all = house.admin.held(seen.id, None, 10).unwrap();
        assert_eq!((held().len(), all.len()), (2, 3));
        let first = held()[0].id.clone();
        house.tamper(&format!("UPDATE held_changes SET status = 'odd' WHERE id = '{first}'"));
        let left: Vec<_> = held().into_iter().map(|held| held.id).collect();
        // A page that is short would be the last.
        assert_eq!(left, [&*all[1].id, &*all[2].id]);
    }

    fn whose_day_has_come_is_deleted_for_good(house: &House) {
        let policies = scim_provisioning::Policies {
            deletion: scim_provisioning::policy::Deletion::Delete { after_days: 30 },
            ..scim_provisioning::Policies::default()
        };
        let mut speaking = (*house.caller.configuration).clone();
        speaking.policies = policies;
        let speaking = caller(speaking);
        for name in ["ava", "bob"] {
            house.create("/Users", &user(name));
        }
        let id = house.get("/Users?filter=userName%20eq%20%22ava%22")["Resources"][0]["id"].clone();
        let path = format!("/Users/{}", id.as_str().unwrap());
        let request = Request {
            method: Method::Delete,
            path: &path,
            query: "",
            body: b"",
            if_match: None,
            if_none_match: None,
        };
        assert_eq!(house.provider.answer(&speaking, &request).status, 204);
        let people = || {
            let all = PeopleQuery {
                limit: 10,
                ..Default::default()
            };
            house.admin.people(&all).unwrap().len()
        };
        let days = |days| chrono::Utc::now() + chrono::Duration::days(days);
        assert_eq!((house.admin.purge_people(days(29), 10).unwrap(), people()), (0, 2));
        assert_eq!((house.admin.purge_people(days(31), 10).unwrap(), people()), (1, 1));
        assert_eq!(house.get("/Users")["totalResults"], 1);
    }

    fn a_database_is_opened_again_with_what_it_holds(house: &House) {
        let id = house.create("/Users", &user("ava"));
        let again = Database::open(&house.settings).unwrap();
        let scope = house.scope();
        let mut name = None;
        again.read(&mut |view| {
            let stored = view.user(scope, ResourceId::parse(&id).unwrap())?;
            name = stored.map(|user| user.document["userName"].clone());
            Ok(())
        }).unwrap();
        assert_eq!(name, Some(json!("ava")));
    }

    fn tables_are_made_once_by_whoever_comes_first(house: &House) {
        let fresh = match &house.settings.url {
            url if url.starts_with("sqlite:") => {
                format!("sqlite:{}", house.folder.path().join("fresh.db").display())
            }
            // The tables are there; opening again must find nothing to do.
            url => url.clone(),
        };
        let settings = scim_persistence::Settings { url: fresh, ..house.settings.clone() };
        thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| Database::open(&settings).unwrap());
            }
        });
    }

    fn the_audit_shows_what_was_changed_in_it(house: &House) {
        let add = |name: &str| house.admin.add_custom_field(&actor(), &field(name)).unwrap();
        thread::scope(|scope| {
            for name in ["one", "two", "three", "four"] {
                scope.spawn(move || add(name));
            }
        });
        let held = house.admin.verify_audit(None).unwrap();
        assert_eq!((held.head.length, held.fault), (5, None));
        let (last, _) = house.admin.audit(&AuditQuery { limit: 1, ..AuditQuery::default() }).unwrap().remove(0);
        let verdict = |passes| house.admin.verify_audit(passes).unwrap().fault;
        add("five");
        assert_eq!(verdict(Some(&held.head.hash)), None);
        assert_eq!(verdict(Some("another hash")), Some(AuditFault::Rewritten));

        house.tamper(&format!("UPDATE audit_events SET actor = 'x' WHERE id = {last}"));
        assert_eq!(verdict(None), Some(AuditFault::Entry(last)));
        house.tamper(&format!("UPDATE audit_events SET actor = 'test' WHERE id = {last}"));
        assert_eq!(verdict(None), None);
        // Entries that were put in: one that claims to be older than the chain, and one behind it.
        let own_id = match house.settings.url.starts_with("sqlite:") {
            true => "",
            false => "OVERRIDING SYSTEM VALUE",
        };
        let put_in = format!(
            "INSERT INTO audit_events (id, at, actor, event, object, details) {own_id} VALUES"
        );
        for id in [0, last + 1_000] {
            house.tamper(&format!("{put_in} ({id}, 1, 'x', 'x', 'x', '{{}}')"));
            assert_eq!(verdict(None), Some(AuditFault::Entry(id)), "{id}");
            house.tamper(&format!("DELETE FROM audit_events WHERE id = {id}"));
        }
        house.tamper(&format!("DELETE FROM audit_events WHERE id > {last}"));
        assert_eq!(verdict(None), Some(AuditFault::End));
        house.tamper(&format!("DELETE FROM audit_events WHERE id < {last}"));
        assert_eq!(verdict(None), Some(AuditFault::Entry(last)));
    }

    fn a_name_of_a_configuration_is_unique(house: &House) {
        let input = |name: &str| ConfigurationInput {
            name: name.to_owned(),
            description: String::new(),
            users: true,
            groups: false,
            identity_provider: scim_admin::IdentityProvider::default(),
            profile: scim_protocol::Profile::Tolerant,
            policies: scim_provisioning::Policies::default(),
            networks: Vec::new(),
        };
        for name in ["Test", "TEST", " test "] {
            let refused = house.admin.add_configuration(&actor(), &input(name), None);
            assert!(matches!(refused, Err(AdminError::NameTaken(_))), "{refused:?}");
        }
        assert_eq!(house.admin.configurations(None).unwrap().len(), 1);
    }

    once a_database_file_is_its_owners_alone, a_url_that_names_no_database_is_refused
}

fn a_database_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new(&Engine::Sqlite);
    house.create("/Users", &user("ava"));
    for entry in std::fs::read_dir(house.folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} has mode {mode:o}", entry.path());
    }
}

fn a_url_that_names_no_database_is_refused() {
    for url in ["", "sqlite:", "sqlite::memory:", "mysql://x", "sqlite:/"] {
        let settings = scim_persistence::Settings {
            url: url.to_owned(),
            base_url: common::BASE.to_owned(),
            connections: 1,
        };
        assert!(
            matches!(Database::open(&settings), Err(OpenError::Url(_))),
            "{url}"
        );
    }
}
