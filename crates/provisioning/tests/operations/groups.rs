//! Groups: created, taken over, changed and deleted, and what they give.

use scim_mapping::{MappingSet, ReferenceKind};
use scim_protocol::Version;
use scim_provisioning::memory::Group;
use scim_provisioning::policy::RepeatedExternalIds;
use scim_provisioning::{Cause, Method, Outcome, ResourceId, ResourceKind};
use serde_json::{Value, json};

use crate::house::{House, group, path_of, user};

fn by_hand(house: &House, name: &str, change: impl FnOnce(&mut Group)) -> ResourceId {
    let id = ResourceId::new();
    let mut group = Group::by_hand(id, name, house.now());
    change(&mut group);
    house.directory.put_group(group).unwrap();
    id
}

/// Rules by which groups give a role and take over those that are there.
fn with_rules(house: &mut House) {
    let rule = json!({"key": "ops", "when": {"nameStartsWith": "Ops"}, "kind": "technicianGroup",
        "link": "existingByName", "grants": {"roles": ["Service Desk", "Root", "Nobody's"]}});
    house
        .directory
        .add_reference(ReferenceKind::Role, "Service Desk", false);
    house
        .directory
        .add_reference(ReferenceKind::Role, "Root", true);
    house.map(|model| {
        let mut rules = serde_json::to_value(&model.groups).unwrap();
        rules["groupRules"] = json!([rule]);
        model.groups = serde_json::from_value::<MappingSet>(rules).unwrap();
    });
}

#[test]
fn a_group_is_created_changed_and_deleted() {
    let house = House::new();
    let ava = house.create("/Users", &user("ava"));
    let ops = house.create("/Groups", &group("Ops", &[ava]));
    assert_eq!(house.told(), ("create", Outcome::Success));
    let path = path_of("Groups", ops);
    assert_eq!(house.get(&path)["members"][0]["value"], ava.to_string());
    house.done(Method::Put, &path, &group("Ops 2", &[ava]));
    let stored = house.directory.group(ops).unwrap().group;
    assert_eq!((&*stored.name, stored.version), ("Ops 2", Version(2)));
    assert_eq!(
        house.get(&path_of("Users", ava))["groups"][0]["display"],
        "Ops 2"
    );
    house.done(Method::Delete, &path, &Value::Null);
    assert_eq!(house.directory.group(ops), None);
    assert_eq!(house.told(), ("archive", Outcome::Success));
    assert_eq!(house.get(&path_of("Users", ava)).get("groups"), None);
    assert_eq!(
        house.refused(Method::Get, &path, &Value::Null),
        (404, Cause::ResourceUnknown)
    );
}

#[test]
fn a_name_that_is_taken_is_refused_in_the_words_of_any_collision() {
    let house = House::new();
    house.create("/Groups", &group("Ops", &[]));
    by_hand(&house, "Admins", |group| group.confers_admin = true);
    let dev = house.create("/Groups", &group("Dev", &[]));
    let mut details = Vec::new();
    for (name, cause) in [
        ("OPS", Cause::UniquenessRaced),
        ("ADMINS", Cause::UniquenessProtected),
    ] {
        for (method, path) in [
            (Method::Post, "/Groups".to_owned()),
            (Method::Put, path_of("Groups", dev)),
        ] {
            let answer = house.ask(method, &path, &group(name, &[]));
            assert_eq!(
                (answer.status, house.last().cause),
                (409, Some(cause)),
                "{name}"
            );
            details.push(answer.document().unwrap()["detail"].clone());
        }
    }
    assert!(details.windows(2).all(|pair| pair[0] == pair[1]));
    let blank = house.refused(Method::Post, "/Groups", &group(" ", &[]));
    assert_eq!(blank, (400, Cause::ValueInvalid));
}

#[test]
fn a_repeated_external_id_of_a_group_is_told_or_refused() {
    let mut house = House::new();
    let with_id = |name: &str| {
        let mut group = group(name, &[]);
        group["externalId"] = json!("7");
        group
    };
    house.create("/Groups", &with_id("one"));
    house.create("/Groups", &with_id("two"));
    assert_eq!(house.told(), ("create", Outcome::Warning));
    house.configure(|policies| policies.external_ids = RepeatedExternalIds::Refuse);
    let refused = house.refused(Method::Post, "/Groups", &with_id("three"));
    assert_eq!(refused, (409, Cause::UniquenessOwn));
    assert_eq!(
        house.get("/Groups")["totalResults"],
        2,
        "nothing of it stays"
    );
}

#[test]
fn rules_give_roles_and_take_over_by_name() {
    let mut house = House::new();
    with_rules(&mut house);
    let there = by_hand(&house, "Ops West", |_| {});
    let taken = house.create("/Groups", &group("OPS WEST", &[]));
    assert_eq!((taken, house.told().0), (there, "link"));
    let stored = house.directory.group(taken).unwrap();
    assert_eq!(stored.managed_by, Some(house.caller.configuration.id));
    assert_eq!(
        stored.grants,
        [("roles".to_owned(), "Service Desk".to_owned())]
    );
    assert_eq!(stored.rule.as_deref(), Some("ops"));
    assert_eq!(
        house.last().outcome,
        Outcome::Warning,
        "two of the roles cannot be given"
    );
    // One in which a protected account is stays as it is.
    let chief = house.by_hand("chief", |person| person.protected = true);
    let guarded = by_hand(&house, "Ops East", |_| {});
    join(&house, guarded, chief);
    let made = house.create("/Groups", &group("Ops East", &[]));
    assert_ne!(made, guarded);
    assert_eq!(house.directory.group(guarded).unwrap().managed_by, None);
    house.done(Method::Put, &path_of("Groups", taken), &group("West", &[]));
    assert_eq!(
        house.directory.group(taken).unwrap().grants,
        [],
        "no rule, no role"
    );
}

#[test]
fn a_group_that_is_deleted_stays_with_those_whom_others_put_there() {
    let house = House::new();
    let ava = house.create("/Users", &user("ava"));
    let eve = house.by_hand("eve", |_| {});
    let ops = house.create("/Groups", &group("Ops", &[ava]));
    join(&house, ops, eve);
    house.done(Method::Delete, &path_of("Groups", ops), &Value::Null);
    assert_eq!(house.told(), ("archive", Outcome::Warning));
    let stored = house.directory.group(ops).unwrap();
    assert_eq!((stored.managed_by, &*stored.group.name), (None, "Ops"));
    let members: Vec<_> = house
        .directory
        .members(ops)
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    assert_eq!(members, [eve]);
}

/// Puts somebody into a group by hand.
fn join(house: &House, group: ResourceId, member: ResourceId) {
    use scim_provisioning::{DirectoryExt, StoreError};
    let now = house.now();
    let joined: Result<_, StoreError> = house.directory.transact(move |transaction| {
        transaction.add_members(group, &[(member, ResourceKind::User)], now)
    });
    assert_eq!(joined.unwrap(), [member]);
}
