//! People and groups that are changed by hand.

use scim_mapping::Role;
use scim_provisioning::directory::{Author, Status};
use serde_json::json;

use super::{House, actor, now};
use crate::error::AdminError;
use crate::people::{
    Grant, GroupInput, MappedPerson, Person, PersonChange, PersonInput, PersonState, PersonUpdate,
    UserType,
};

fn person(house: &House, name: &str, role: Option<&str>) -> String {
    let input = PersonInput {
        user_name: name.to_owned(),
        email: None,
        tenant_admin: false,
        role: role.map(str::to_owned),
    };
    house.admin.add_person(&actor(), &input).unwrap()
}

fn group(house: &House, name: &str, confers_admin: bool) -> String {
    let input = GroupInput {
        name: name.to_owned(),
        confers_admin,
    };
    house.admin.add_group(&actor(), &input).unwrap()
}

fn state(status: Status) -> PersonState {
    PersonState {
        status,
        user_type: UserType::Requester,
        managed: true,
        left: false,
        protected: false,
    }
}

#[test]
fn a_change_by_hand_is_for_those_whom_it_changes() {
    use PersonChange::{Archive, Block, Convert, Unblock, Unlink};
    use Status::{Active, Archived, Blocked};
    let to = |status| Some(PersonUpdate::Status(status));
    for (status, change, update) in [
        (Active, Block, to(Blocked)),
        (Blocked, Block, None),
        (Archived, Block, None),
        (Active, Unblock, None),
        (Blocked, Unblock, to(Active)),
        (Archived, Unblock, to(Active)),
        (Active, Archive, to(Archived)),
        (Blocked, Archive, to(Archived)),
        (Archived, Archive, None),
        (Active, Convert(UserType::Requester), None),
        (
            Archived,
            Convert(UserType::Technician),
            Some(PersonUpdate::UserType(UserType::Technician)),
        ),
        (Blocked, Unlink, Some(PersonUpdate::Release)),
    ] {
        assert_eq!(
            change.update_of(&state(status)),
            update,
            "{change:?} {status:?}"
        );
    }
}

#[test]
fn whom_scim_deleted_comes_back_by_scim_alone() {
    let left = PersonState {
        left: true,
        ..state(Status::Archived)
    };
    let convert = PersonChange::Convert(UserType::Technician);
    for change in [PersonChange::Unblock, PersonChange::Archive, convert] {
        assert_eq!(change.update_of(&left), None, "{change:?}");
    }
    assert_eq!(
        PersonChange::Unlink.update_of(&left),
        Some(PersonUpdate::Release)
    );
    let by_hand = PersonState {
        managed: false,
        ..state(Status::Active)
    };
    assert_eq!(PersonChange::Unlink.update_of(&by_hand), None);
}

#[test]
fn what_was_given_takes_the_place_of_a_mapped_value_and_adds_to_roles() {
    let grant = |field: &str, value: &str| Grant {
        field: field.to_owned(),
        value: value.to_owned(),
        group: Some("Group".to_owned()),
    };
    let fields = json!({ "user_type": "requester", "roles": ["Reader"], "title": "Chief" });
    let mapped = Person {
        id: "ava".to_owned(),
        user_name: "ava".to_owned(),
        display_name: None,
        email: None,
        status: Status::Active.as_str().to_owned(),
        tenant_admin: false,
        role: None,
        fields: fields.as_object().unwrap().clone(),
        grants: vec![
            grant("user_type", "technician"),
            grant("roles", "Reader"),
            grant("roles", "Approver"),
            grant("is_vip", "true"),
        ],
        manager: None,
        managed_by: None,
        created: now(),
        last_modified: now(),
    };
    let person = MappedPerson::new(mapped).effective(&scim_mapping::Catalog::default());
    let expected = json!({
        "user_type": "technician",
        "roles": ["Reader", "Approver"],
        "title": "Chief",
        "is_vip": true,
    });
    assert_eq!(json!(person.fields), expected);
    assert_eq!(person.user_type(), UserType::Technician);
}

#[test]
fn a_change_is_signed_and_audited_with_what_was_before() {
    let house = House::new();
    let ava = person(&house, "ava", None);
    let convert = PersonChange::Convert(UserType::Technician);
    house.admin.change_person(&actor(), &ava, convert).unwrap();
    let audit = house.audit().pop().unwrap();
    assert_eq!(audit.event, "person.converted");
    assert_eq!(audit.details["old"], json!({ "userType": "requester" }));
    let rows = house.store.rows();
    assert_eq!(rows.authors.last(), Some(&Author::administrator("test")));
    drop(rows);
    let before = house.audited();
    let again = house.admin.change_person(&actor(), &ava, convert);
    assert!(matches!(again, Err(AdminError::Invalid(_))), "{again:?}");
    assert_eq!(house.audited(), before);
}

#[test]
fn what_a_group_gives_is_not_taken_by_hand() {
    let house = House::new();
    let (ava, crew) = (person(&house, "ava", None), group(&house, "Crew", false));
    house.admin.add_member(&actor(), &crew, &ava).unwrap();
    house.store.rows().groups[0]
        .grants
        .push(("user_type".to_owned(), "technician".to_owned()));
    assert_eq!(
        house.admin.person(&ava).unwrap().person.user_type(),
        UserType::Technician
    );
    let convert = PersonChange::Convert(UserType::Requester);
    let refused = house.admin.change_person(&actor(), &ava, convert);
    assert!(
        matches!(refused, Err(AdminError::Invalid(_))),
        "{refused:?}"
    );
}

#[test]
fn a_group_counts_up_with_every_member_who_is_added_by_hand() {
    let house = House::new();
    let (ava, crew) = (person(&house, "ava", None), group(&house, "Crew", false));
    let version = || house.store.rows().groups[0].version;
    let before = version();
    house.admin.add_member(&actor(), &crew, &ava).unwrap();
    assert_eq!(version(), before + 1);
    house.admin.add_member(&actor(), &crew, &ava).unwrap_err();
    assert_eq!(version(), before + 1);
}

#[test]
fn whoever_comes_back_needs_a_free_name() {
    let house = House::new();
    let ava = person(&house, "ava", None);
    house
        .admin
        .change_person(&actor(), &ava, PersonChange::Archive)
        .unwrap();
    person(&house, "Ava", None);
    let back = house
        .admin
        .change_person(&actor(), &ava, PersonChange::Unblock);
    assert!(matches!(back, Err(AdminError::NameTaken(_))), "{back:?}");
}

#[test]
fn nothing_changes_a_tenant_admin_or_a_group_that_makes_them() {
    let house = House::new();
    let (ava, admins) = (person(&house, "ava", None), group(&house, "Admins", true));
    house.admin.add_member(&actor(), &admins, &ava).unwrap();
    assert!(house.admin.person(&ava).unwrap().person.tenant_admin);
    let before = house.audited();
    for change in [
        PersonChange::Block,
        PersonChange::Archive,
        PersonChange::Unlink,
    ] {
        let refused = house.admin.change_person(&actor(), &ava, change);
        assert!(matches!(
            refused,
            Err(AdminError::Protected { kind: "user", .. })
        ));
    }
    let refused = house.admin.unlink_group(&actor(), &admins);
    assert!(matches!(
        refused,
        Err(AdminError::Protected { kind: "group", .. })
    ));
    assert_eq!(house.audited(), before);
}

#[test]
fn a_privileged_role_is_an_administrative_one_and_another_is_given() {
    let house = House::new();
    house.store.rows().roles = [("Super Admin", true), ("Approver", false)]
        .map(|(name, privileged)| Role {
            id: name.to_lowercase(),
            name: name.to_owned(),
            privileged,
        })
        .to_vec();
    let boss = person(&house, "boss", Some("Super Admin"));
    let boss = house.admin.person(&boss).unwrap().person;
    assert_eq!(
        (boss.role.as_deref(), boss.grants.len()),
        (Some("Super Admin"), 0)
    );
    let ava = person(&house, "ava", Some("Approver"));
    let ava = house.admin.person(&ava).unwrap().person;
    assert_eq!(ava.role, None);
    assert_eq!(ava.fields["roles"], json!(["Approver"]));
}

#[test]
fn a_group_is_taken_out_of_management_once() {
    let house = House::new();
    let configuration = house.configuration("Okta");
    let (crew, outer) = (group(&house, "Crew", false), group(&house, "Outer", false));
    let mut rows = house.store.rows();
    for stored in &mut rows.groups {
        stored.managed_by = Some(configuration.id);
        if stored.id == outer {
            stored.members.insert(crew.clone());
        }
    }
    drop(rows);
    house.admin.unlink_group(&actor(), &crew).unwrap();
    assert_eq!(house.admin.group(&crew).unwrap().configuration, None);
    let rows = house.store.rows();
    let shown = rows.groups.iter().find(|group| group.id == outer).unwrap();
    assert_eq!(shown.version, 2, "it shows one member less");
    assert_eq!(rows.authors.last(), Some(&Author::administrator("test")));
    drop(rows);
    let again = house.admin.unlink_group(&actor(), &crew);
    assert!(matches!(again, Err(AdminError::Invalid(_))), "{again:?}");
}
