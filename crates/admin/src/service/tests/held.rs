//! Decisions about what the guard holds, and links.

use chrono::Duration;
use scim_mapping::FieldChange;
use scim_provisioning::ResourceId;
use scim_provisioning::directory::{Author, HeldAction, Status};
use serde_json::json;

use super::{House, actor, now};
use crate::configuration::ProvisioningConfiguration;
use crate::error::AdminError;
use crate::event::EventQuery;
use crate::people::{GroupInput, PersonInput};
use crate::policy::{HeldComparison, HeldMember, HeldUser, LinkRequest, Which};

fn person(house: &House, of: &ProvisioningConfiguration, name: &str) -> String {
    let input = PersonInput {
        user_name: name.to_owned(),
        email: None,
        tenant_admin: false,
        role: None,
    };
    let id = house.admin.add_person(&actor(), &input).unwrap();
    let mut rows = house.store.rows();
    rows.people.last_mut().unwrap().managed_by = Some(of.id);
    id
}

/// Holds a change of a person.
fn hold(house: &House, of: &ProvisioningConfiguration, person: &str, action: HeldAction) {
    let mut rows = house.store.rows();
    let stored = rows
        .people
        .iter_mut()
        .find(|known| known.id == person)
        .unwrap();
    stored.left = action.deleted;
    let held = HeldUser {
        id: format!("held {}", stored.user_name),
        user: ResourceId::parse(person).unwrap(),
        user_name: stored.user_name.clone(),
        action,
        at: now(),
    };
    rows.held_users.push((of.id, held));
}

fn block() -> HeldAction {
    HeldAction {
        deleted: false,
        status: Status::Blocked,
        purge: None,
    }
}

fn decide(house: &House, which: Which, allow: bool) -> Result<usize, AdminError> {
    let decided = house
        .admin
        .decide_held(&actor(), house.id_of("Okta"), which, allow);
    decided.map(|changes| changes.len())
}

fn events(house: &House) -> Vec<(String, String, Option<String>)> {
    let query = EventQuery {
        limit: 100,
        ..EventQuery::default()
    };
    let events = house.admin.events(&query).unwrap().into_iter();
    let told = events.map(|event| {
        let (action, outcome) = (event.action.as_str(), event.outcome.as_str());
        (action.to_owned(), outcome.to_owned(), event.reason)
    });
    told.collect()
}

fn event(action: &str, outcome: &str, reason: &str) -> (String, String, Option<String>) {
    (
        action.to_owned(),
        outcome.to_owned(),
        Some(reason.to_owned()),
    )
}

#[test]
fn what_is_allowed_is_carried_out_told_and_not_counted_against_the_next() {
    let house = House::new();
    let okta = house.configuration("Okta");
    let (ava, bo) = (person(&house, &okta, "ava"), person(&house, &okta, "bo"));
    hold(&house, &okta, &ava, block());
    let leaving = HeldAction {
        deleted: true,
        status: Status::Archived,
        purge: Some(now() + Duration::days(30)),
    };
    hold(&house, &okta, &bo, leaving);
    assert_eq!(
        house.admin.held_end(house.id_of("Okta")).unwrap(),
        (2, Some("held bo".to_owned()))
    );
    let before = now();
    assert_eq!(decide(&house, Which::All, true).unwrap(), 2);
    let status = |id: &str| house.admin.person(id).unwrap().person.status;
    assert_eq!((&*status(&ava), &*status(&bo)), ("blocked", "archived"));
    let allowed = "Allowed by test.";
    assert_eq!(
        events(&house),
        [
            event("block", "success", allowed),
            event("delete", "success", allowed)
        ]
    );
    let rows = house.store.rows();
    let author = rows.authors.last().unwrap();
    let administrator = Author::administrator("test");
    assert_eq!(
        author.actor, administrator.actor,
        "the feed says who allowed it"
    );
    assert_eq!(rows.runs.last().map(|run| &run.id), author.run.as_ref());
    let purged = rows.people.iter().find(|one| one.id == bo).unwrap().purge;
    assert_eq!(purged, leaving.purge);
    drop(rows);
    let reset = house.admin.find_configuration("Okta").unwrap().guard_reset;
    assert!(reset.unwrap() > before, "the guard counts from then on");
    let audit = house.audit().pop().unwrap();
    assert_eq!(
        (&*audit.event, audit.configuration),
        ("held.allowed", Some(okta.id))
    );
    assert_eq!(
        house.admin.held_end(house.id_of("Okta")).unwrap(),
        (0, None)
    );
}

#[test]
fn what_is_held_is_shown_beside_what_it_would_become() {
    let house = House::new();
    let okta = house.configuration("Okta");
    let names = ["ava", "bo", "cy"];
    let [ava, bo, cy] = names.map(|name| person(&house, &okta, name));
    for (group, managed) in [("Crew", Some(okta.id)), ("Own", None)] {
        let input = GroupInput {
            name: group.to_owned(),
            confers_admin: false,
        };
        house.admin.add_group(&actor(), &input).unwrap();
        let mut rows = house.store.rows();
        let stored = rows.groups.last_mut().unwrap();
        stored.managed_by = managed;
        stored.members.extend([bo.clone(), cy.clone()]);
        stored.grants = vec![
            ("roles".to_owned(), format!("{group} Role")),
            ("user_type".to_owned(), "technician".to_owned()),
        ];
    }
    let purge = Some(now() + Duration::days(30));
    let leaving = HeldAction {
        deleted: true,
        status: Status::Archived,
        purge,
    };
    hold(&house, &okta, &ava, block());
    hold(&house, &okta, &bo, leaving);
    let group = house.store.rows().groups[0].id.clone();
    house.store.rows().held_members.push((
        okta.id,
        HeldMember {
            id: "held cy".to_owned(),
            group: ResourceId::parse(&group).unwrap(),
            group_name: "Crew".to_owned(),
            member: cy,
            member_name: Some("cy".to_owned()),
            at: now(),
        },
    ));
    let held = house.admin.held(okta.id, None, 10).unwrap();
    assert_eq!(held[1].purge, purge);
    let compared = house.admin.compare_held(okta.id, &held).unwrap();
    let change = |field: &str, old, new| FieldChange {
        field: field.to_owned(),
        old: Some(old),
        new: Some(new),
    };
    let roles = change(
        "roles",
        json!(["Crew Role", "Own Role"]),
        json!(["Own Role"]),
    );
    let wanted = [
        HeldComparison {
            changes: vec![change("status", json!("active"), json!("blocked"))],
            leaves: Vec::new(),
        },
        HeldComparison {
            // What a group of nobody gave stays.
            changes: vec![
                change("status", json!("active"), json!("archived")),
                roles.clone(),
            ],
            leaves: vec!["Crew".to_owned()],
        },
        HeldComparison {
            changes: vec![roles],
            leaves: vec!["Crew".to_owned()],
        },
    ];
    assert_eq!(compared, wanted);
    let groups = house.admin.held_groups(okta.id).unwrap();
    let groups: Vec<_> = groups
        .iter()
        .map(|group| (&*group.name, group.members, group.leaving))
        .collect();
    assert_eq!(groups, [("Crew", 2, 1)]);
}

#[test]
fn what_is_rejected_leaves_everybody_as_they_were() {
    let house = House::new();
    let okta = house.configuration("Okta");
    let (ava, bo) = (person(&house, &okta, "ava"), person(&house, &okta, "bo"));
    hold(&house, &okta, &ava, block());
    let leaving = HeldAction {
        deleted: true,
        ..block()
    };
    hold(&house, &okta, &bo, leaving);
    // By the name without regard to case, and by the id.
    let which = Which::Users(vec!["AVA".to_owned(), bo.clone()]);
    assert_eq!(decide(&house, which, false).unwrap(), 2);
    let rows = house.store.rows();
    let stays = |id: &str| {
        let person = rows.people.iter().find(|one| one.id == id).unwrap();
        (person.status, person.left)
    };
    assert_eq!(stays(&ava), (Status::Active, false));
    assert_eq!(
        stays(&bo),
        (Status::Active, false),
        "the identity provider sees bo again"
    );
    drop(rows);
    let rejected = event("block", "skipped", "Rejected by test.");
    assert_eq!(events(&house), [rejected.clone(), rejected]);
    assert_eq!(
        house.admin.find_configuration("Okta").unwrap().guard_reset,
        None
    );
    let query = EventQuery {
        limit: 1,
        ..EventQuery::default()
    };
    assert_eq!(
        house.admin.events(&query).unwrap()[0].cause,
        None,
        "nobody is protected"
    );
}

#[test]
fn who_became_a_tenant_admin_waits_and_the_log_says_so() {
    let house = House::new();
    let okta = house.configuration("Okta");
    let ava = person(&house, &okta, "ava");
    hold(&house, &okta, &ava, block());
    house.store.rows().people[0].tenant_admin = true;
    assert_eq!(
        house.admin.held_end(house.id_of("Okta")).unwrap().0,
        0,
        "nobody is shown a tenant admin"
    );
    let before = house.audited();
    let decided = decide(&house, Which::All, true);
    assert!(
        matches!(decided, Err(AdminError::NotFound { .. })),
        "{decided:?}"
    );
    assert_eq!(house.audited(), before);
    assert_eq!(
        events(&house),
        [event(
            "block",
            "skipped",
            "Nothing was done: the account is protected."
        )]
    );
    assert_eq!(house.store.rows().held_users.len(), 1);
    assert_eq!(
        house.admin.find_configuration("Okta").unwrap().guard_reset,
        None
    );
}

#[test]
fn whoever_was_archived_by_hand_meanwhile_stays_so() {
    let house = House::new();
    let okta = house.configuration("Okta");
    let ava = person(&house, &okta, "ava");
    hold(&house, &okta, &ava, block());
    let archive = crate::people::PersonChange::Archive;
    house.admin.change_person(&actor(), &ava, archive).unwrap();
    assert_eq!(decide(&house, Which::All, true).unwrap(), 1);
    assert_eq!(house.admin.person(&ava).unwrap().person.status, "archived");
}

#[test]
fn the_memberships_of_a_group_are_told_together() {
    let house = House::new();
    let okta = house.configuration("Okta");
    let (ava, bo) = (person(&house, &okta, "ava"), person(&house, &okta, "bo"));
    let crew = GroupInput {
        name: "Crew".to_owned(),
        confers_admin: false,
    };
    let crew = house.admin.add_group(&actor(), &crew).unwrap();
    let group = ResourceId::parse(&crew).unwrap();
    for id in [&ava, &bo] {
        house.admin.add_member(&actor(), &crew, id).unwrap();
        let held = HeldMember {
            id: format!("held {id}"),
            group,
            group_name: "Crew".to_owned(),
            member: id.clone(),
            member_name: None,
            at: now(),
        };
        house.store.rows().held_members.push((okta.id, held));
    }
    let held = house.admin.held(house.id_of("Okta"), None, 1).unwrap();
    assert_eq!((held.len(), held[0].action), (1, "leave"));
    let keep = Which::Users(vec![ava.clone()]);
    assert_eq!(decide(&house, keep, false).unwrap(), 1);
    assert_eq!(house.admin.group(&crew).unwrap().group.members, 2);
    assert_eq!(decide(&house, Which::All, true).unwrap(), 1);
    let left = house.admin.members(&crew, None, 10).unwrap();
    let left: Vec<_> = left.into_iter().map(|member| member.id).collect();
    assert_eq!(left, [ava]);
    let rows = house.store.rows();
    let author = rows.authors.last().unwrap();
    assert_eq!(author.actor, Author::administrator("test").actor);
    assert!(author.run.is_some(), "a decision is a run");
}

#[test]
fn a_link_is_dismissed_once() {
    let house = House::new();
    let okta = house.configuration("Okta");
    let link = LinkRequest {
        id: "link".to_owned(),
        person: "ava".to_owned(),
        person_name: "ava".to_owned(),
        person_version: scim_protocol::Version(1),
        attribute: "userName".to_owned(),
        document: json!({ "userName": "ava" }),
        at: now(),
        dismissed: None,
    };
    house.store.rows().links.push((okta.id, link));
    let chosen = house
        .admin
        .chosen_link(house.id_of("Okta"), "ava", None)
        .unwrap();
    house
        .admin
        .dismiss_link(&actor(), house.id_of("Okta"), &chosen)
        .unwrap();
    let again = house
        .admin
        .dismiss_link(&actor(), house.id_of("Okta"), &chosen);
    assert!(
        matches!(again, Err(AdminError::NotFound { .. })),
        "{again:?}"
    );
    assert_eq!(
        house
            .audited()
            .iter()
            .filter(|event| *event == "link.dismissed")
            .count(),
        1
    );
    // It is found among the dismissed ones, and put back once.
    let found = house
        .admin
        .dismissed_link(house.id_of("Okta"), &chosen.id)
        .unwrap();
    let restore = || {
        house
            .admin
            .restore_link(&actor(), house.id_of("Okta"), &found)
    };
    restore().unwrap();
    let restored = restore();
    assert!(
        matches!(restored, Err(AdminError::NotFound { .. })),
        "{restored:?}"
    );
    house
        .admin
        .chosen_link(house.id_of("Okta"), "ava", None)
        .unwrap();
    let told = house.audited();
    assert!(
        told.iter().any(|event| event == "link.restored"),
        "{told:?}"
    );
}
