//! A protected account stays as it is, whatever is asked of the store.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use chrono::Utc;
use common::{actor, configuration, found};
use diesel::QueryableByName;
use diesel::sql_types::Text;
use scim_admin::event::EventQuery;
use scim_admin::people::PersonUpdate;
use scim_admin::people::{GroupInput, PersonChange, PersonInput, UserType};
use scim_admin::policy::{LinksQuery, Which};
use scim_admin::store::Written;
use scim_admin::{AdminError, ConfigurationInput};
use scim_mapping::Field;
use scim_protocol::schema::uri;
use scim_provisioning::directory::{Departure, HeldAction, Status, UserWrite};
use scim_provisioning::event::Outcome;
use scim_provisioning::{DirectoryExt, DirectoryTransaction, Method, ResourceId, StoreError};
use serde_json::{Value, json};

use common::House;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Every row of a table that a condition names, with every column, as one text.
fn rows(house: &House, table: &str, condition: &str) -> Vec<String> {
    let url = &house.settings.url;
    let rows: Vec<Row> = match url.strip_prefix("sqlite:") {
        Some(path) => {
            let mut connection: diesel::SqliteConnection =
                diesel::Connection::establish(path).unwrap();
            let columns = diesel::sql_query(format!(
                "SELECT group_concat('\"' || name || '\"') AS text FROM pragma_table_info('{table}')"
            ));
            let columns: Vec<Row> = diesel::RunQueryDsl::load(columns, &mut connection).unwrap();
            let sql = format!(
                "SELECT json_array({}) AS text FROM {table} WHERE {condition} ORDER BY 1",
                columns[0].text
            );
            diesel::RunQueryDsl::load(diesel::sql_query(sql), &mut connection).unwrap()
        }
        None => {
            let mut connection: diesel::PgConnection = diesel::Connection::establish(url).unwrap();
            let sql = format!(
                "SELECT CAST(row_to_json(t) AS text) AS text FROM {table} t WHERE {condition} \
                 ORDER BY 1"
            );
            diesel::RunQueryDsl::load(diesel::sql_query(sql), &mut connection).unwrap()
        }
    };
    rows.into_iter().map(|row| row.text).collect()
}

/// What is stored of a person: the row, addresses, memberships and what was given by hand.
fn stored(house: &House, id: &str) -> Vec<Vec<String>> {
    [
        ("users", "id"),
        ("user_emails", "user_id"),
        ("group_members", "member_id"),
        ("manual_grants", "user_id"),
    ]
    .map(|(table, column)| rows(house, table, &format!("{column} = '{id}'")))
    .to_vec()
}

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name, "active": true,
        "emails": [{"value": format!("{name}@corp.example"), "primary": true}]})
}

fn protect(house: &House, id: &str) {
    house.tamper(&format!(
        "UPDATE users SET is_tenant_admin = 1 WHERE id = '{id}'"
    ));
}

/// A person whom the configuration manages, in a group, with a manager who is not there yet; a
/// tenant admin from then on.
fn admin(house: &House) -> (String, String) {
    let mut said = user("chief");
    said[uri::ENTERPRISE_USER] = json!({"manager": {"value": "boss"}});
    let chief = house.create("/Users", &said);
    let group =
        json!({"schemas": [uri::GROUP], "displayName": "Board", "members": [{"value": chief}]});
    let group = house.create("/Groups", &group);
    protect(house, &chief);
    (chief, group)
}

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

fn no_write_of_an_administrator_reaches_a_protected_account(house: &House) {
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

fn no_write_of_the_directory_reaches_a_protected_account(house: &House) {
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
            Box::new(move |t| t.remove_members(scope, group, &[id]).map(drop)),
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

fn no_request_and_no_job_reaches_a_protected_account(house: &House) {
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

fn what_is_held_of_an_account_waits_while_it_is_protected(house: &House) {
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

fn a_configuration_that_is_deleted_changes_nothing_of_a_protected_account_but_who_manages_it(
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

fn a_group_that_is_deleted_is_released_with_the_members_whom_others_put_there(house: &House) {
    let ava = house.create("/Users", &user("ava"));
    let group = json!({"schemas": [uri::GROUP], "displayName": "Ops",
        "members": [{"value": ava}]});
    let crew = house.create("/Groups", &group);
    let person = |name: &str, tenant_admin| {
        let input = PersonInput {
            user_name: name.to_owned(),
            email: None,
            tenant_admin,
            role: None,
        };
        house.admin.add_person(&actor(), &input).unwrap()
    };
    let (root, hand) = (person("root", true), person("hand", false));
    for joins in [&root, &hand] {
        house.admin.add_member(&actor(), &crew, joins).unwrap();
    }
    let path = format!("/Groups/{crew}");
    let members = |id: &str| -> Vec<String> {
        let members = house.admin.members(id, None, 10).unwrap().into_iter();
        members.filter_map(|member| member.name).collect()
    };
    let empty = json!({"schemas": [uri::GROUP], "displayName": "Ops"});
    assert_eq!(house.request(Method::Put, &path, &empty).status, 200);
    assert_eq!(members(&crew), ["root", "hand"]);
    assert_eq!(house.get(&path).get("members"), None);
    house.request(Method::Put, &path, &group);
    let before = stored(house, &root);
    let answer = house.request(Method::Delete, &path, &Value::Null);
    assert_eq!(answer.status, 204);
    assert_eq!(house.request(Method::Get, &path, &Value::Null).status, 404);
    assert_eq!(stored(house, &root), before);
    let released = house.admin.group(&crew).unwrap();
    assert_eq!(
        (released.configuration, members(&crew)),
        (None, vec!["root".to_owned(), "hand".to_owned()])
    );
    assert_eq!(released.document, json!({}));
    let warned = EventQuery {
        outcome: Outcome::parse("warning"),
        ..EventQuery::default()
    };
    let told = found(house, warned);
    assert!(told[0].reason.as_deref().unwrap().contains("made by hand"));
    // Its name is free, and nobody is in the group that has it now.
    let again = house.create("/Groups", &empty);
    assert_ne!(again, crew);
    assert_eq!(members(&again), Vec::<String>::new());
    // A group in which nobody else is goes as ever.
    house.request(Method::Delete, &format!("/Groups/{again}"), &Value::Null);
    assert!(house.admin.group(&again).is_err());
}

fn a_group_that_confers_an_administrative_right_is_out_of_sight(house: &House) {
    let input = GroupInput {
        name: "Owners".to_owned(),
        confers_admin: true,
    };
    let owners = house.admin.add_group(&actor(), &input).unwrap();
    let unknown = ResourceId::new().to_string();
    let taken = house.request(
        Method::Post,
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": "OWNERS"}),
    );
    let other = house.create(
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": "Ops"}),
    );
    let ordinary = house.request(
        Method::Post,
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": "ops"}),
    );
    assert_eq!((taken.status, &taken.body), (409, &ordinary.body));
    let rename = json!({"schemas": [uri::GROUP], "displayName": "owners"});
    let renamed = house.request(Method::Put, &format!("/Groups/{other}"), &rename);
    assert_eq!(renamed.status, 409);
    for id in [&owners, &unknown] {
        let path = format!("/Groups/{id}");
        for method in [Method::Get, Method::Put, Method::Delete] {
            let answer = house.request(method, &path, &rename);
            assert_eq!(answer.status, 404, "{method:?}");
        }
        let nested = json!({"schemas": [uri::GROUP], "displayName": "x",
            "members": [{"value": id}]});
        assert_eq!(house.request(Method::Post, "/Groups", &nested).status, 400);
    }
    assert_eq!(house.get("/Groups")["totalResults"], 1);
    // Even where a configuration managed it.
    let configuration = house.caller.configuration.id;
    let managed = format!("UPDATE groups SET managed_by = '{configuration}'");
    house.tamper(&managed);
    let before = rows(house, "groups", &format!("id = '{owners}'"));
    assert_eq!(house.get("/Groups")["totalResults"], 1);
    for method in [Method::Get, Method::Put, Method::Delete] {
        let answer = house.request(method, &format!("/Groups/{owners}"), &rename);
        assert_eq!(answer.status, 404, "{method:?}");
    }
    assert!(matches!(
        house.admin.unlink_group(&actor(), &owners),
        Err(AdminError::Protected { kind: "group", .. })
    ));
    assert_eq!(rows(house, "groups", &format!("id = '{owners}'")), before);
    let ava = house.create("/Users", &user("ava"));
    house.admin.add_member(&actor(), &owners, &ava).unwrap();
    let answer = house.request(Method::Get, &format!("/Users/{ava}"), &Value::Null);
    assert_eq!(answer.status, 404, "whoever joins is a tenant admin");
}

/// Whether a group rule that takes groups over by name took one over.
fn adopted(house: &House, name: &str) -> (String, String) {
    let rules = json!({"resource": "group", "rules": house.admin
        .model(house.id_of("Test"), scim_mapping::ResourceKind::Group, scim_admin::VersionChoice::Active)
        .unwrap().groups.rules, "groupRules": [
        {"key": "a", "when": "any", "link": "existingByName"}]});
    let any = scim_admin::mapping::DraftSeen::Any;
    house
        .admin
        .draft_mapping(&actor(), house.id_of("Test"), &rules, "", &any)
        .unwrap();
    let resource = scim_mapping::ResourceKind::Group;
    house
        .admin
        .activate_mapping(&actor(), house.id_of("Test"), resource, &any)
        .unwrap();
    let configuration = house.admin.find_configuration("Test").unwrap();
    let caller = common::caller(configuration.to_provisioning());
    let body = json!({"schemas": [uri::GROUP], "displayName": name}).to_string();
    let request = scim_provisioning::Request {
        method: Method::Post,
        path: "/Groups",
        query: "",
        body: body.as_bytes(),
        if_match: None,
        if_none_match: None,
    };
    let answer = house.provider.answer(&caller, &request);
    let id = answer.document().unwrap()["id"].as_str().map(str::to_owned);
    let outcome = found(house, EventQuery::default())[0].outcome.clone();
    (id.unwrap_or_default(), outcome.as_str().to_owned())
}

fn no_rule_takes_over_a_group_with_a_protected_account_in_it(house: &House) {
    let group = |name: &str, confers_admin| {
        let input = GroupInput {
            name: name.to_owned(),
            confers_admin,
        };
        house.admin.add_group(&actor(), &input).unwrap()
    };
    let (plain, mixed, owners) = (
        group("Plain", false),
        group("Mixed", false),
        group("Owners", true),
    );
    let input = PersonInput {
        user_name: "root".to_owned(),
        email: None,
        tenant_admin: true,
        role: None,
    };
    let root = house.admin.add_person(&actor(), &input).unwrap();
    house.admin.add_member(&actor(), &mixed, &root).unwrap();
    let before = [&mixed, &owners].map(|id| rows(house, "groups", &format!("id = '{id}'")));
    assert_eq!(adopted(house, "plain"), (plain, "success".to_owned()));
    let (made, outcome) = adopted(house, "mixed");
    assert!(made != mixed && !made.is_empty());
    assert_eq!(outcome, "warning");
    assert_eq!(
        adopted(house, "owners"),
        (String::new(), "skipped".to_owned())
    );
    let after = [&mixed, &owners].map(|id| rows(house, "groups", &format!("id = '{id}'")));
    assert_eq!(after, before);
}

fn a_link_that_waits_does_not_reach_an_account_that_is_protected(house: &House) {
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

fn the_numbers_and_addresses_of_a_protected_account_are_taken_however_they_are_written(
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
fn statements_that_change_people_are_made_in_one_place() {
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

engines::tests! {
    on_both(House::new):
        no_write_of_an_administrator_reaches_a_protected_account,
        no_write_of_the_directory_reaches_a_protected_account,
        no_request_and_no_job_reaches_a_protected_account,
        what_is_held_of_an_account_waits_while_it_is_protected,
        a_configuration_that_is_deleted_changes_nothing_of_a_protected_account_but_who_manages_it,
        a_group_that_is_deleted_is_released_with_the_members_whom_others_put_there,
        a_group_that_confers_an_administrative_right_is_out_of_sight,
        no_rule_takes_over_a_group_with_a_protected_account_in_it,
        a_link_that_waits_does_not_reach_an_account_that_is_protected,
        the_numbers_and_addresses_of_a_protected_account_are_taken_however_they_are_written;
    once:
        statements_that_change_people_are_made_in_one_place;
}
