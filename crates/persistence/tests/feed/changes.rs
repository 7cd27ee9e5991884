//! What changes tell, and in which order they come.

use super::*;

pub(super) fn what_is_written_behind_the_back_of_the_program_is_in_the_feed_too(house: &House) {
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

pub(super) fn a_change_says_who_did_it_and_what_nobody_sees_is_none(house: &House) {
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
    assert_eq!(reapplied[0].run.as_deref(), Some(&*job.id.to_string()));
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

pub(super) fn whoever_writes_is_told_by_the_name_as_it_is(house: &House) {
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

pub(super) fn what_is_rolled_back_leaves_neither_a_change_nor_its_author(house: &House) {
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

pub(super) fn what_is_forgotten_asks_for_a_snapshot_and_streams_hold_back(house: &House) {
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

pub(super) fn large_records_end_a_page_and_none_is_lost(house: &House) {
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

pub(super) fn a_time_is_the_position_before_what_was_written_since(house: &House) {
    house.create("/Users", &user("ava"));
    let head = extent(house).head;
    let now = Utc::now() + Duration::seconds(1);
    assert_eq!(house.database.position_at(now).unwrap(), head);
    let epoch = extent(house).epoch;
    let before = now - Duration::days(1);
    assert_eq!(house.database.position_at(before).unwrap(), epoch);
}

pub(super) fn what_is_committed_later_is_not_skipped(engine: &Engine) {
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

pub(super) fn changes_of_one_resource_come_in_their_order_whatever_stays_open(engine: &Engine) {
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
