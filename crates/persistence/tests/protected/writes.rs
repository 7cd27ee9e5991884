//! Every write that could reach an account.

use super::*;

/// Runs `work` on a transaction, whatever comes of it.
fn transact(
    house: &House,
    work: impl Fn(&mut dyn DirectoryTransaction) -> Result<(), StoreError> + Send + 'static,
) -> Result<(), StoreError> {
    house
        .database
        .transact(move |transaction| work(transaction))
}

fn write() -> UserWrite {
    let record = [(
        Field::UserName,
        scim_mapping::FieldValue::Text("other".to_owned()),
    )];
    UserWrite {
        record: record.into_iter().collect(),
        status: Status::Archived,
        document: json!({"userName": "other"}).as_object().unwrap().clone(),
        search: json!({"userName": "other"}),
        external_id: None,
    }
}

pub(super) fn no_write_of_an_administrator_reaches_a_protected_account(house: &House) {
    let (chief, _group) = admin(house);
    let before = stored(house, &chief);
    for change in [
        PersonChange::Block,
        PersonChange::Unblock,
        PersonChange::Archive,
        PersonChange::Convert(UserType::Technician),
        PersonChange::Unlink,
    ] {
        let refused = house.admin.change_person(&actor(), &chief, change);
        assert!(
            matches!(refused, Err(AdminError::Protected { kind: "user", .. })),
            "{change:?}: {refused:?}"
        );
        assert_eq!(stored(house, &chief), before, "{change:?}");
    }
    // Whatever a rule above decides, a write of the store leaves the account alone.
    let id = chief.clone();
    let store = &*house.database;
    let done = scim_admin::AdminStoreExt::write(store, move |rows| {
        let update = PersonUpdate::Status(Status::Blocked);
        let changed = rows.update_person(&id, update, Utc::now())?;
        Ok(Written::Unchanged(changed))
    });
    assert!(!done.unwrap());
    assert_eq!(stored(house, &chief), before);
}

pub(super) fn no_write_of_the_directory_reaches_a_protected_account(house: &House) {
    let (chief, group) = admin(house);
    let before = stored(house, &chief);
    let (scope, now) = (house.scope(), Utc::now());
    let id = ResourceId::parse(&chief).unwrap();
    let group = ResourceId::parse(&group).unwrap();
    let departure = Departure {
        status: Status::Archived,
        purge: Some(now),
        held: false,
    };
    let held = HeldAction {
        deleted: true,
        status: Status::Archived,
        purge: None,
    };
    type Attempt = (
        &'static str,
        Box<dyn Fn(&mut dyn DirectoryTransaction) -> Result<(), StoreError> + Send>,
    );
    let attempts: Vec<Attempt> = vec![
        (
            "update",
            Box::new(move |t| {
                let version = scim_protocol::Version(1);
                t.update_user(scope, id, version, &write(), now).map(drop)
            }),
        ),
        (
            "link",
            Box::new(move |t| t.link_user(scope, id, &write(), now).map(drop)),
        ),
        (
            "release",
            Box::new(move |t| t.release_user(scope, id, &departure, now)),
        ),
        ("hold", Box::new(move |t| t.hold(scope, id, held, now))),
        ("withdraw", Box::new(move |t| t.withdraw(id, now))),
        (
            "remove",
            Box::new(move |t| t.remove_members(scope, group, &[id], now).map(drop)),
        ),
    ];
    for (name, attempt) in attempts {
        let _refused = transact(house, attempt);
        assert_eq!(stored(house, &chief), before, "{name}");
    }
    // The manager for whom the account waits arrives, and somebody else is linked to it.
    house.create("/Users", &user("boss"));
    house.tamper("UPDATE users SET purge_at = 1, left_at = 1 WHERE user_name = 'boss'");
    house.admin.purge_people(now, 100).unwrap();
    assert_eq!(stored(house, &chief), before, "managers");
    house.tamper(&format!(
        "UPDATE users SET purge_at = 1, left_at = 1 WHERE id = '{chief}'"
    ));
    let left = stored(house, &chief);
    house.admin.purge_people(now, 100).unwrap();
    assert_eq!(stored(house, &chief), left, "purge");
}

pub(super) fn no_request_and_no_job_reaches_a_protected_account(house: &House) {
    let (chief, group) = admin(house);
    let before = stored(house, &chief);
    let path = format!("/Users/{chief}");
    let patch = json!({"schemas": [uri::PATCH_OP],
        "Operations": [{"op": "replace", "path": "active", "value": false}]});
    let members = json!({"schemas": [uri::GROUP], "displayName": "Board", "members": []});
    let clear = json!({"schemas": [uri::PATCH_OP],
        "Operations": [{"op": "remove", "path": "members"}]});
    for (method, path, body) in [
        (Method::Put, path.as_str(), user("other")),
        (Method::Patch, &path, patch.clone()),
        (Method::Delete, &path, Value::Null),
        (Method::Post, "/Users", user("CHIEF")),
        (Method::Put, &format!("/Groups/{group}"), members),
        (Method::Patch, &format!("/Groups/{group}"), clear),
        (Method::Delete, &format!("/Groups/{group}"), Value::Null),
    ] {
        house.request(method, path, &body);
        assert_eq!(stored(house, &chief), before, "{method:?} {path}");
    }
    let field: scim_mapping::CustomField =
        serde_json::from_value(json!({"key": "badge", "label": "Badge", "type": "longText"}))
            .unwrap();
    house.admin.add_custom_field(&actor(), &field).unwrap();
    house.tamper("UPDATE users SET custom_fields = '{\"badge\":\"7\"}'");
    let before = stored(house, &chief);
    house.admin.delete_custom_field(&actor(), "badge").unwrap();
    assert_eq!(stored(house, &chief), before, "a field is deleted");
    house
        .admin
        .begin_reapply(&actor(), house.id_of("Test"))
        .unwrap();
    let job = house.admin.claim_job(None).unwrap().unwrap();
    house
        .provider
        .reapply(&house.caller.configuration, &job)
        .unwrap();
    assert_eq!(stored(house, &chief), before, "applied again");
    // What failed before the account was protected is not sent again either.
    let kept = found(house, EventQuery::default());
    let failed = kept
        .iter()
        .filter(|event| event.outcome.as_str() != "success");
    for event in failed {
        if let Ok(replay) = house.admin.to_replay(&actor(), event.id) {
            house.provider.replay(&replay.caller, &replay.kept);
        }
        assert_eq!(stored(house, &chief), before, "entry {}", event.id);
    }
}

pub(super) fn what_is_held_of_an_account_waits_while_it_is_protected(house: &House) {
    let seen = house.admin.find_configuration("Test").unwrap();
    let mut input = ConfigurationInput::of(&seen);
    (input.policies.guard.count, input.policies.guard.percent) = (1, 1);
    let guarded = house.admin.edit_configuration(&actor(), &seen, &input);
    let caller = common::caller(guarded.unwrap().to_provisioning());
    let ids = ["a", "b", "c"].map(|name| house.create("/Users", &user(name)));
    for id in &ids {
        let request = scim_provisioning::Request {
            method: Method::Delete,
            path: &format!("/Users/{id}"),
            query: "",
            body: b"",
            if_match: None,
            if_none_match: None,
        };
        assert_eq!(house.provider.answer(&caller, &request).status, 204);
    }
    let held = house.admin.held(house.id_of("Test"), None, 10).unwrap();
    assert_eq!(held.len(), 2);
    protect(house, &held[0].user);
    let before = stored(house, &held[0].user);
    let left = house.admin.held(house.id_of("Test"), None, 10).unwrap();
    assert_eq!(left.len(), 1, "it is out of sight");
    assert_eq!(house.admin.held_end(house.id_of("Test")).unwrap().0, 1);
    for allow in [false, true] {
        let which = Which::Users(vec![held[0].id.clone()]);
        let refused = house
            .admin
            .decide_held(&actor(), house.id_of("Test"), which, allow);
        assert!(matches!(refused, Err(AdminError::NotFound { .. })));
    }
    let decided = house
        .admin
        .decide_held(&actor(), house.id_of("Test"), Which::All, true);
    assert_eq!(decided.unwrap().len(), 1);
    assert_eq!(stored(house, &held[0].user), before);
    house.tamper("UPDATE users SET is_tenant_admin = 0");
    assert_eq!(
        house
            .admin
            .held(house.id_of("Test"), None, 10)
            .unwrap()
            .len(),
        1
    );
    let decided = house
        .admin
        .decide_held(&actor(), house.id_of("Test"), Which::All, true);
    assert_eq!(decided.unwrap().len(), 1, "and back in it afterwards");
}

pub(super) fn a_configuration_that_is_deleted_changes_nothing_of_a_protected_account_but_who_manages_it(
    house: &House,
) {
    let (chief, _group) = admin(house);
    let before = house.admin.person(&chief).unwrap();
    house
        .admin
        .delete_configuration(&actor(), house.id_of("Test"))
        .unwrap();
    let after = house.admin.person(&chief).unwrap();
    assert_eq!(after.person.managed_by, None);
    let same = |detail: &scim_admin::people::PersonDetail| {
        let mut person = detail.person.clone();
        person.managed_by = None;
        (person, detail.document.clone(), detail.groups.clone())
    };
    assert_eq!(same(&after), same(&before));
}

pub(super) fn a_link_that_waits_does_not_reach_an_account_that_is_protected(house: &House) {
    let input = PersonInput {
        user_name: "hand".to_owned(),
        email: None,
        tenant_admin: false,
        role: None,
    };
    let hand = house.admin.add_person(&actor(), &input).unwrap();
    let asked = house.request(Method::Post, "/Users", &user("hand"));
    assert_eq!(asked.status, 409);
    let query = LinksQuery::default();
    let waiting = house
        .admin
        .link_requests(house.id_of("Test"), &query)
        .unwrap();
    assert_eq!(waiting.len(), 1);
    protect(house, &hand);
    let before = stored(house, &hand);
    let link = &waiting[0];
    let refused = house
        .admin
        .approve_link(&actor(), &house.provider, house.id_of("Test"), link);
    assert!(refused.is_err());
    assert_eq!(stored(house, &hand), before);
    let waiting = house
        .admin
        .link_requests(house.id_of("Test"), &query)
        .unwrap();
    assert!(waiting.is_empty(), "nobody is asked");
}

pub(super) fn the_numbers_and_addresses_of_a_protected_account_are_taken_however_they_are_written(
    house: &House,
) {
    let mut said = user("chief");
    said["emails"] = json!([{"value": "chief@corp.example", "type": "work"},
        {"value": "chief@home.example", "type": "home"}]);
    let chief = house.create("/Users", &said);
    house.tamper(&format!(
        "UPDATE users SET is_tenant_admin = 1, contact_no = '+49 30 1234', \
         alt_contact_no1 = '0049 (0)30 / 55-66', alt_contact_no2 = 'none', \
         employee_id = 'E-10 42' WHERE id = '{chief}'"
    ));
    let other = configuration(&house.admin, "Other");
    let callers = [house.caller.clone(), common::caller(other)];
    let number = |value: &str| json!({"phoneNumbers": [{"value": value, "type": "other"}]});
    let taken = [
        number("+49-30-1234"),
        number("tel:+49-30-12-34"),
        number("0049 30 1234"),
        number("\u{ff14}\u{ff19}301234"),
        number("+49 30 5566"),
        json!({uri::ENTERPRISE_USER: {"employeeNumber": "e1042"}}),
        json!({"emails": [{"value": "CHIEF@home.example"}]}),
        json!({"userName": "chief@home.example"}),
    ];
    for (at, more) in taken.into_iter().enumerate() {
        for (caller, name) in callers.iter().zip(["x", "y"]) {
            let mut body = user(&format!("{name}{at}"));
            for (key, value) in more.as_object().unwrap() {
                body[key] = value.clone();
            }
            let text = body.to_string();
            let request = scim_provisioning::Request {
                method: Method::Post,
                path: "/Users",
                query: "",
                body: text.as_bytes(),
                if_match: None,
                if_none_match: None,
            };
            let answer = house.provider.answer(caller, &request);
            assert_eq!(answer.status, 409, "{body}");
        }
    }
    for (at, more) in [number("+49 30 9999"), number("none"), json!({})]
        .into_iter()
        .enumerate()
    {
        let mut body = user(&format!("free{at}"));
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        let free = house.create("/Users", &body);
        let patch = json!({"schemas": [uri::PATCH_OP], "Operations": [
            {"op": "add", "value": {"phoneNumbers": [{"value": "+49 30 1234", "type": "work"}]}}]});
        let answer = house.request(Method::Patch, &format!("/Users/{free}"), &patch);
        assert_eq!(answer.status, 409, "{at}");
    }
}

/// Only one module may write statements that change people: it is where the rule stands.
pub(super) fn statements_that_change_people_are_made_in_one_place() {
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![sources];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            for words in ["UPDATE users", "DELETE FROM users"] {
                let here = text.to_lowercase().contains(&words.to_lowercase());
                if path.ends_with("people.rs") {
                    seen += usize::from(here);
                } else {
                    assert!(!here, "{} says {words}", path.display());
                }
            }
        }
    }
    assert_eq!(seen, 2);
}
