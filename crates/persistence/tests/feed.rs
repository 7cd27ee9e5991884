//! The feed: a receiver that has nothing but what is recorded ends with exactly the directory,
//! whoever wrote it and however.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{Duration, Utc};
use common::{Engine, House, actor, caller, configuration};
use diesel::connection::SimpleConnection;
use scim_admin::people::{GroupInput, ManagedBy, PeopleQuery, PersonChange, PersonInput, UserType};
use scim_admin::policy::Which;
use scim_admin::{Actor, AdminService};
use scim_feed::{
    Change, Extent, Feed, FeedError, FeedStore, PAGE_BYTES, Position, SnapshotRow, Subject, Topic,
};
use scim_persistence::Database;
use scim_protocol::schema::uri;
use scim_provisioning::policy::Deletion;
use scim_provisioning::{Method, Policies, Request};
use serde_json::{Map, Value, json};

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn of<'a, T>(&mut self, among: &'a [T]) -> Option<&'a T> {
        match among.len() {
            0 => None,
            some => among.get(self.below(some)),
        }
    }
}

type Rows = BTreeMap<(Subject, String), Map<String, Value>>;

/// What a receiver makes of the changes.
fn apply(copy: &mut Rows, change: &Change) {
    let (subject, id) = (change.resource.subject, change.resource.id.clone());
    match &change.record {
        Some(record) => {
            copy.insert((subject, id), record.clone());
        }
        None => {
            copy.remove(&(subject, id.clone()));
            let field = match subject {
                Subject::User => ["member", "user"],
                Subject::Group => ["group", "group"],
                _ => return,
            };
            // With a person or a group go memberships and grants.
            copy.retain(|(kind, _), record| {
                let of = match kind {
                    Subject::Membership => record.get(field[0]),
                    Subject::Grant => record.get(field[1]),
                    _ => None,
                };
                of != Some(&json!(id))
            });
        }
    }
}

fn extent(house: &House) -> Extent {
    house.database.extent().unwrap()
}

/// Everything behind a position, in pages.
fn follow(house: &House, mut after: Position) -> (Vec<Change>, Position) {
    let feed = Feed::new(house.database.clone());
    let mut all = Vec::new();
    loop {
        let page = feed.changes(None, after, 7).unwrap();
        if page.items.is_empty() {
            return (all, after);
        }
        after = page.next;
        all.extend(page.items);
    }
}

fn snapshot(house: &House) -> Vec<SnapshotRow> {
    let mut all: Vec<SnapshotRow> = Vec::new();
    loop {
        let after = all.last().map(SnapshotRow::key);
        let page = house
            .database
            .snapshot(Subject::ALL, after.as_ref(), 5)
            .unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn ids(house: &House, subject: Subject) -> Vec<String> {
    let rows = snapshot(house).into_iter();
    let of = rows.filter(|row| row.subject == subject);
    of.map(|row| row.id).collect()
}

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": name, "active": true,
        "displayName": format!("{name} Doe"),
        "emails": [{"value": format!("{name}@corp.example"), "type": "work", "primary": true}]})
}

fn patch(operations: &Value) -> Value {
    json!({"schemas": [uri::PATCH_OP], "Operations": operations})
}

/// One operation of one of the interfaces; what is refused is refused.
fn operate(house: &House, dice: &mut Dice, number: usize) {
    let (users, groups) = (ids(house, Subject::User), ids(house, Subject::Group));
    let (one, other) = (dice.of(&users).cloned(), dice.of(&users).cloned());
    let (one, other) = (one.unwrap_or_default(), other.unwrap_or_default());
    let (group, inner) = (dice.of(&groups).cloned(), dice.of(&groups).cloned());
    let (group, inner) = (group.unwrap_or_default(), inner.unwrap_or_default());
    let (user_path, group_path) = (format!("/Users/{one}"), format!("/Groups/{group}"));
    let name = format!("p{number}");
    let ask = |method, path: &str, body: &Value| house.request(method, path, body).status;
    match dice.below(22) {
        0 | 1 => {
            let mut body = user(&name);
            body[uri::ENTERPRISE_USER] = json!({"manager": {"value": format!("p{}", number + 3)},
                "department": format!("D{}", dice.below(3))});
            ask(Method::Post, "/Users", &body);
        }
        2 => {
            let title = json!([{"op": "replace", "path": "title", "value": name}]);
            ask(Method::Patch, &user_path, &patch(&title));
        }
        3 => {
            let active = json!([{"op": "replace", "path": "active", "value": dice.below(2) == 0}]);
            ask(Method::Patch, &user_path, &patch(&active));
        }
        4 => {
            ask(Method::Put, &user_path, &user(&name));
        }
        5 => {
            ask(Method::Delete, &user_path, &Value::Null);
        }
        6 => {
            let body = json!({"schemas": [uri::GROUP], "displayName": format!("g{number}"),
                "members": [{"value": one}, {"value": other}]});
            if ask(Method::Post, "/Groups", &body) != 201 {
                let body = json!({"schemas": [uri::GROUP], "displayName": format!("g{number}")});
                ask(Method::Post, "/Groups", &body);
            }
        }
        7 | 8 => {
            let op = ["add", "remove"][dice.below(2)];
            let member = [&one, &inner][dice.below(2)];
            let members = json!([{"op": op, "path": "members", "value": [{"value": member}]}]);
            ask(Method::Patch, &group_path, &patch(&members));
        }
        9 => {
            let body = json!({"schemas": [uri::GROUP], "displayName": format!("g{number}"),
                "members": [{"value": one}]});
            ask(Method::Put, &group_path, &body);
        }
        10 => {
            ask(Method::Delete, &group_path, &Value::Null);
        }
        11 => {
            let body = json!({"schemas": [uri::BULK_REQUEST], "Operations": [
                {"method": "POST", "path": "/Users", "bulkId": "a", "data": user(&name)},
                {"method": "POST", "path": "/Groups", "bulkId": "b", "data":
                    {"schemas": [uri::GROUP], "displayName": format!("g{number}"),
                     "members": [{"value": "bulkId:a"}]}},
                {"method": "DELETE", "path": user_path},
            ]});
            ask(Method::Post, "/Bulk", &body);
        }
        12 => {
            let role = [None, Some("Junior Technician"), Some("Super Admin")][dice.below(3)];
            let input = PersonInput {
                user_name: name,
                email: None,
                tenant_admin: dice.below(4) == 0,
                role: role.map(str::to_owned),
            };
            house.admin.add_person(&actor(), &input).unwrap();
        }
        13 => {
            let input = GroupInput {
                name: format!("g{number}"),
                confers_admin: dice.below(4) == 0,
            };
            house.admin.add_group(&actor(), &input).unwrap();
        }
        14 => drop(house.admin.add_member(&actor(), &group, &one)),
        15 | 16 => {
            let change = [
                PersonChange::Block,
                PersonChange::Unblock,
                PersonChange::Archive,
                PersonChange::Unlink,
                PersonChange::Convert(UserType::Technician),
            ][dice.below(5)];
            drop(house.admin.change_person(&actor(), &one, change));
        }
        17 => drop(house.admin.unlink_group(&actor(), &group)),
        18 => fields(house, dice),
        19 => {
            let mut job = house
                .admin
                .begin_reapply(&actor(), house.scope().configuration())
                .unwrap();
            while !job.finished {
                job = house
                    .provider
                    .reapply(&house.caller.configuration, &job)
                    .unwrap();
            }
            let which = Which::All;
            drop(house.admin.decide_held(
                &actor(),
                house.scope().configuration(),
                which,
                dice.below(2) == 0,
            ));
        }
        20 => {
            house
                .admin
                .purge_people(Utc::now() + Duration::days(400), 10)
                .unwrap();
        }
        _ => other_configuration(house, number),
    }
}

/// Custom fields come, change and go, and their values with them.
fn fields(house: &House, dice: &mut Dice) {
    let field = |label: &str| {
        serde_json::from_value(
            json!({"key": "desk", "label": label, "type": {"text": {"max": 100}}}),
        )
        .unwrap()
    };
    let admin = &house.admin;
    match dice.below(3) {
        0 => {
            drop(admin.add_custom_field(&actor(), &field("Desk")));
            drop(admin.edit_custom_field(&actor(), &field("Where")));
        }
        1 => drop(admin.add_custom_field(&actor(), &field("Desk"))),
        _ => drop(admin.delete_custom_field(&actor(), "desk")),
    }
}

/// Another configuration makes somebody and is deleted.
fn other_configuration(house: &House, number: usize) {
    let name = format!("Other {number}");
    let other = caller(configuration(&house.admin, &name));
    let body = user(&format!("o{number}")).to_string();
    let request = Request {
        method: Method::Post,
        path: "/Users",
        query: "",
        body: body.as_bytes(),
        if_match: None,
        if_none_match: None,
    };
    assert_eq!(house.provider.answer(&other, &request).status, 201);
    house
        .admin
        .delete_configuration(&actor(), other.configuration.id)
        .unwrap();
}

fn deleting(house: &mut House) {
    let mut configuration = (*house.caller.configuration).clone();
    configuration.policies = Policies {
        deletion: Deletion::Delete { after_days: 1 },
        ..configuration.policies
    };
    house.caller.configuration = Arc::new(configuration);
}

/// Copies that are kept by the feed alone, from the beginning and from a snapshot in the middle.
fn check_copies(house: &House, dice: &mut Dice, seen: &mut BTreeSet<Topic>) {
    let mut copy = Rows::new();
    let mut later: Option<Rows> = None;
    let mut after = extent(house).epoch;
    for number in 0..150 {
        operate(house, dice, number);
        if number == 60 {
            // What is read of a snapshot may be newer than where it says to go on from.
            let head = extent(house).head;
            let (changes, next) = follow(house, after);
            changes.iter().for_each(|change| apply(&mut copy, change));
            assert_eq!(next, head);
            after = next;
            let rows = snapshot(house).into_iter();
            later = Some(
                rows.map(|row| ((row.subject, row.id), row.record))
                    .collect(),
            );
        }
        if number % 40 == 0 || number == 149 {
            let (changes, next) = follow(house, after);
            for change in &changes {
                seen.insert(change.topic);
                apply(&mut copy, change);
                later.iter_mut().for_each(|later| apply(later, change));
            }
            assert!(
                changes
                    .windows(2)
                    .all(|two| two[0].position + 1 == two[1].position)
            );
            after = next;
            compare(house, &copy);
            later.iter().for_each(|later| compare(house, later));
        }
    }
    check_interfaces(house, &copy);
}

fn compare(house: &House, copy: &Rows) {
    let rows = snapshot(house).into_iter();
    let there: Rows = rows
        .map(|row| ((row.subject, row.id), row.record))
        .collect();
    for key in there.keys().chain(copy.keys()) {
        assert_eq!(copy.get(key), there.get(key), "{key:?}");
    }
}

/// What administrators see is what a copy holds.
fn check_interfaces(house: &House, copy: &Rows) {
    let query = PeopleQuery {
        search: None,
        status: None,
        user_type: None,
        managed_by: ManagedBy::default(),
        after: None,
        limit: 1_000,
    };
    let people = house.admin.people(&query).unwrap();
    let copied = copy.keys().filter(|(subject, _)| *subject == Subject::User);
    assert_eq!(people.len(), copied.count());
    for person in people {
        let record = &copy[&(Subject::User, person.id.clone())];
        assert_eq!(record["userName"], json!(person.user_name));
        assert_eq!(record["status"], json!(person.status));
    }
    for group in ids(house, Subject::Group) {
        for member in house.admin.members(&group, None, 1_000).unwrap() {
            let id = format!("{group}/{}", member.id);
            assert!(copy.contains_key(&(Subject::Membership, id)));
        }
    }
}

fn a_copy_kept_by_the_feed_alone_is_the_directory(engine: &Engine) {
    let mut seen = BTreeSet::new();
    for seed in [1, 20_251, 777] {
        let mut house = House::new(engine);
        deleting(&mut house);
        check_copies(&house, &mut Dice(seed), &mut seen);
    }
    // What a group gives is taken away by rules; here it is done by a statement.
    let missing: Vec<_> = Topic::ALL
        .iter()
        .filter(|topic| !seen.contains(topic))
        .collect();
    assert_eq!(missing, [&Topic::GrantRemoved], "{engine:?}");
}

fn what_is_written_behind_the_back_of_the_program_is_in_the_feed_too(house: &House) {
    let input = PersonInput {
        user_name: "ava".to_owned(),
        email: None,
        tenant_admin: false,
        role: Some("Junior Technician".to_owned()),
    };
    let id = house.admin.add_person(&actor(), &input).unwrap();
    let head = extent(house).head;
    house.tamper("DELETE FROM manual_grants; UPDATE users SET user_name = 'eve'");
    let (changes, _) = follow(house, head);
    let told: Vec<_> = changes.iter().map(|change| change.topic).collect();
    assert_eq!(told, [Topic::GrantRemoved, Topic::UserUpdated]);
    assert_eq!(changes[1].resource.id, id);
    assert_eq!(
        json!(changes[1].changes),
        json!([{"field": "userName", "old": "ava", "new": "eve"}])
    );
    assert_eq!(changes[1].actor, None);
}

fn a_change_says_who_did_it_and_what_nobody_sees_is_none(house: &House) {
    let id = house.create("/Users", &user("ava"));
    house
        .admin
        .change_person(&actor(), &id, PersonChange::Block)
        .unwrap();
    let mut job = house
        .admin
        .begin_reapply(&actor(), house.scope().configuration())
        .unwrap();
    house.tamper("UPDATE users SET display_name = 'Other'");
    let (_, after) = follow(house, extent(house).epoch);
    job = house
        .provider
        .reapply(&house.caller.configuration, &job)
        .unwrap();
    let (reapplied, after) = follow(house, after);
    assert_eq!(reapplied.len(), 1);
    assert_eq!(reapplied[0].actor.as_deref(), Some("administrator:test"));
    assert_eq!(reapplied[0].run.as_deref(), Some(&*job.id));
    let nothing = json!([{"op": "replace", "path": "displayName", "value": "ava Doe"}]);
    house.request(Method::Patch, &format!("/Users/{id}"), &patch(&nothing));
    assert!(follow(house, after).0.is_empty());
    house.tamper("UPDATE users SET updated_at = updated_at + 1, version = version + 1");
    assert!(follow(house, after).0.is_empty());
    let (all, _) = follow(house, extent(house).epoch);
    let told: Vec<_> = all
        .iter()
        .map(|change| (change.topic, change.actor.as_deref()))
        .collect();
    assert_eq!(told[0], (Topic::UserCreated, Some("configuration:Test")));
    assert_eq!(told[1], (Topic::UserBlocked, Some("administrator:test")));
    assert_eq!(told[2], (Topic::UserUpdated, None));
    assert_eq!(all[0].record.as_ref().unwrap()["email"], "ava@corp.example");
    assert_eq!((all[0].version, all[1].version), (Some(1), Some(2)));
}

fn whoever_writes_is_told_by_the_name_as_it_is(house: &House) {
    let names = [
        r"a\'; --", r"\", r"\\", r"\'", "it's", "''", "\"q\"", r"E'\x41'", "$1 ? %s",
    ];
    // A server may be set up to read backslashes in any text.
    for strings in ["on", "off"] {
        if !house.settings.url.starts_with("sqlite:") {
            house.tamper(&format!(
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET standard_conforming_strings = \
                 {strings}', current_database()); END $$"
            ));
        }
        let head = extent(house).head;
        let database = Database::open(&house.settings).unwrap();
        let admin = AdminService::new(database, house.keys.clone());
        for (at, name) in names.iter().enumerate() {
            let input = PersonInput {
                user_name: format!("{strings}{at}"),
                email: None,
                tenant_admin: false,
                role: None,
            };
            admin.add_person(&Actor::new(*name, None), &input).unwrap();
        }
        let (changes, _) = follow(house, head);
        let told: Vec<_> = changes
            .iter()
            .map(|change| change.actor.as_deref().unwrap_or_default())
            .collect();
        assert_eq!(told, names.map(|name| format!("administrator:{name}")));
    }
}

fn what_is_rolled_back_leaves_neither_a_change_nor_its_author(house: &House) {
    let head = extent(house).head;
    house.create("/Users", &user("ava"));
    let again = house.request(Method::Post, "/Users", &user("ava"));
    assert_eq!(again.status, 409);
    house.tamper("UPDATE users SET is_vip = 1");
    let (changes, _) = follow(house, head);
    let actors: Vec<_> = changes
        .iter()
        .map(|change| change.actor.as_deref())
        .collect();
    assert_eq!(actors, [Some("configuration:Test"), None]);
}

fn what_is_forgotten_asks_for_a_snapshot_and_streams_hold_back(house: &House) {
    let feed = Feed::new(house.database.clone());
    let epoch = extent(house).epoch;
    for name in ["ava", "bo", "cy"] {
        house.create("/Users", &user(name));
    }
    let first = feed.changes(None, epoch, 1).unwrap().next;
    house.tamper(&format!(
        "INSERT INTO streams (id, name, name_key, kind, key_hash, state, position, version, \
         created_at) VALUES ('s', 'S', 's', 'read', 'h', 'active', {first}, 1, 0)"
    ));
    let (past, later) = (
        Utc::now() - Duration::days(30),
        Utc::now() + Duration::days(1),
    );
    assert_eq!(feed.forget_changes(past, past, 100).unwrap(), (vec![], 0));
    assert_eq!(feed.forget_changes(later, past, 100).unwrap(), (vec![], 1));
    assert_eq!(feed.check(0).unwrap(), first);
    assert_eq!(feed.check(first).unwrap(), first);
    for gone in [epoch, 1, feed.head().unwrap() + 1] {
        let refused = feed.check(gone);
        assert!(
            matches!(refused, Err(FeedError::SnapshotRequired)),
            "{gone}: {refused:?}"
        );
    }
    // It waits for what is too old by then.
    let broken = feed.forget_changes(later, later, 1).unwrap();
    assert_eq!(broken, (vec!["S".to_owned()], 1));
    let stream = feed.stream_of_key("h").unwrap().unwrap();
    let refused = feed.begin(&stream, Some(first + 1));
    assert!(matches!(refused, Err(FeedError::SnapshotRequired)));
    let position = feed.begin_snapshot(&stream).unwrap();
    let stream = feed.stream_of_key("h").unwrap().unwrap();
    assert_eq!(feed.begin(&stream, None).unwrap(), position);
    house.create("/Users", &user("di"));
    assert_eq!(
        feed.changes(Some(&stream), position, 10)
            .unwrap()
            .items
            .len(),
        1
    );
}

fn large_records_end_a_page_and_none_is_lost(house: &House) {
    let feed = Feed::new(house.database.clone());
    let start = extent(house).head;
    let large = "x".repeat(PAGE_BYTES / 4);
    let field = |number: usize| {
        let key = format!("large{number:02}");
        format!("INSERT INTO custom_fields VALUES ('{key}', '{{\"key\": \"{large}\"}}', 0);")
    };
    let fields: Vec<String> = (0..9).map(field).collect();
    house.tamper(&fields.concat());
    let (mut from, mut sizes) = (start, Vec::new());
    loop {
        let page = feed.changes(None, from, 100).unwrap();
        if page.items.is_empty() {
            break;
        }
        sizes.push(page.items.len());
        from = page.next;
    }
    assert_eq!(sizes, [4, 4, 1]);
    let (mut after, mut rows) = (None, Vec::new());
    loop {
        let page = house
            .database
            .snapshot(Subject::ALL, after.as_ref(), 100)
            .unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.key());
        let bytes: usize = page
            .iter()
            .map(|row| json!(row.record).to_string().len())
            .sum();
        assert!(bytes < PAGE_BYTES * 3 / 2, "{bytes}");
        rows.extend(page.into_iter().filter(|row| row.id.starts_with("large")));
    }
    assert_eq!(rows.len(), 9);
    // Whoever is told of groups alone gets no person.
    let page = house.database.snapshot(&[Subject::Group], None, 100);
    assert_eq!(page.unwrap(), []);
}

fn a_time_is_the_position_before_what_was_written_since(house: &House) {
    house.create("/Users", &user("ava"));
    let head = extent(house).head;
    let now = Utc::now() + Duration::seconds(1);
    assert_eq!(house.database.position_at(now).unwrap(), head);
    let epoch = extent(house).epoch;
    let before = now - Duration::days(1);
    assert_eq!(house.database.position_at(before).unwrap(), epoch);
}

fn what_is_committed_later_is_not_skipped(engine: &Engine) {
    let house = House::new(engine);
    let connect =
        || -> diesel::PgConnection { diesel::Connection::establish(&house.settings.url).unwrap() };
    let (mut first, mut second) = (connect(), connect());
    let field = |key: &str| {
        format!("INSERT INTO custom_fields VALUES ('{key}', '{{\"key\": \"{key}\"}}', 0)")
    };
    let named = |changes: &[Change]| -> Vec<String> {
        let ids = changes.iter().map(|change| change.resource.id.clone());
        ids.collect()
    };
    let start = extent(&house).head;
    // The second one takes the lower id and is committed later, and has the higher transaction.
    first
        .batch_execute("BEGIN; SELECT pg_current_xact_id()")
        .unwrap();
    second
        .batch_execute(&format!("BEGIN; {}", field("second")))
        .unwrap();
    first
        .batch_execute(&format!("{}; COMMIT", field("first")))
        .unwrap();
    let (early, next) = follow(&house, start);
    second.batch_execute("COMMIT").unwrap();
    let (late, start) = follow(&house, next);
    assert_eq!([named(&early), named(&late)].concat(), ["first", "second"]);
    // The first one began earlier and stays open: nobody waits for it.
    first
        .batch_execute(&format!("BEGIN; {}", field("open")))
        .unwrap();
    second.batch_execute(&field("closed")).unwrap();
    let (early, next) = follow(&house, start);
    assert_eq!(named(&early), ["closed"]);
    first.batch_execute("COMMIT").unwrap();
    assert_eq!(named(&follow(&house, next).0), ["open"]);
}

fn changes_of_one_resource_come_in_their_order_whatever_stays_open(engine: &Engine) {
    let house = House::new(engine);
    for name in ["ava", "bo", "cy"] {
        house.create("/Users", &user(name));
    }
    let start = extent(&house).head;
    let connect =
        || -> diesel::PgConnection { diesel::Connection::establish(&house.settings.url).unwrap() };
    let (mut other, mut first, mut second) = (connect(), connect(), connect());
    let update = |name: &str, title: &str| {
        format!("UPDATE users SET job_title = '{title}' WHERE user_name = '{name}'")
    };
    let told = |changes: &[Change]| -> Vec<Value> {
        let records = changes.iter().flat_map(|change| change.record.clone());
        records.map(|record| record["jobTitle"].clone()).collect()
    };
    // The second one has the lowest number of a transaction, and one between them stays open.
    second
        .batch_execute(&format!("BEGIN; {}", update("bo", "Other")))
        .unwrap();
    other
        .batch_execute(&format!("BEGIN; {}", update("cy", "Open")))
        .unwrap();
    first.batch_execute(&update("ava", "First")).unwrap();
    second
        .batch_execute(&format!("{}; COMMIT", update("ava", "Second")))
        .unwrap();
    let (early, next) = follow(&house, start);
    assert_eq!(told(&early), ["Other", "First", "Second"]);
    other.batch_execute("COMMIT").unwrap();
    assert_eq!(told(&follow(&house, next).0), ["Open"]);
}

engines::tests! {
    on_both(Engine::clone): a_copy_kept_by_the_feed_alone_is_the_directory;
    on_both(House::new): what_is_written_behind_the_back_of_the_program_is_in_the_feed_too,
        a_change_says_who_did_it_and_what_nobody_sees_is_none,
        whoever_writes_is_told_by_the_name_as_it_is,
        what_is_rolled_back_leaves_neither_a_change_nor_its_author,
        what_is_forgotten_asks_for_a_snapshot_and_streams_hold_back,
        large_records_end_a_page_and_none_is_lost,
        a_time_is_the_position_before_what_was_written_since;
    on_postgres(Engine::clone): what_is_committed_later_is_not_skipped,
        changes_of_one_resource_come_in_their_order_whatever_stays_open;
}
