//! Who shares values with a user, and the records that fields name.

use scim_mapping::ReferenceKind;
use serde_json::json;

use super::subject::{PersonByHand, Subject, now};
use super::writes::{add, done, insert, keys, named, scope, user};
use crate::configuration::Configuration;
use crate::directory::{Departure, Relation, Sharer, Status, UserWrite};
use crate::id::ResourceId;

fn sharers(
    subject: &dyn Subject,
    of: &Configuration,
    user: &UserWrite,
    except: Option<ResourceId>,
) -> Vec<Sharer> {
    let (sight, keys) = (scope(of), keys(user));
    let mut found = done(subject, move |tx| tx.sharers(sight, &keys, except));
    found.sort_by(|left, right| left.name.cmp(&right.name));
    found
}

pub(super) fn whoever_has_a_value_is_found_once_with_what_is_shared(subject: &dyn Subject) {
    let (okta, other) = (
        subject.configuration("Okta"),
        subject.configuration("Other"),
    );
    let by_hand = |name: &'static str, email| PersonByHand {
        user_name: name,
        email: Some(email),
        ..PersonByHand::default()
    };
    let own = insert(
        subject,
        &okta,
        user(json!({
            "userName": "a-own", "externalId": "7", "emails": [{"value": "ava@corp.example"}],
        })),
    );
    let own = own.expect("a user");
    let other_id = insert(
        subject,
        &okta,
        user(json!({"userName": "b-own", "externalId": "8"})),
    );
    other_id.expect("a user");
    let foreign = insert(
        subject,
        &other,
        user(json!({
            "userName": "c-foreign", "externalId": "7", "emails": [{"value": "ava@corp.example"}],
        })),
    );
    foreign.expect("a user");
    let hand = subject.add_person(by_hand("d-hand", "ava@corp.example"));
    let role = subject.add_person(PersonByHand {
        role: Some("Account Administrator"),
        ..by_hand("e-role", "ava@corp.example")
    });
    let bound = subject.add_person(by_hand("f-bound", "ava@corp.example"));
    subject.add_account(bound);
    subject.add_person(by_hand("g-nobody", "nobody@corp.example"));
    let looked = user(json!({
        "userName": "C-Foreign", "externalId": "7",
        "emails": [{"value": "x@corp.example"}, {"value": "AVA@corp.example"}],
    }));
    let found = sharers(subject, &okta, &looked, None);
    let told: Vec<_> = found
        .iter()
        .map(|one| {
            let shared = one.shared;
            (
                &*one.name,
                one.relation,
                shared.user_name,
                shared.external_id,
                shared.email,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("a-own", Relation::Own, false, Some(true), true),
            ("c-foreign", Relation::Foreign, true, Some(true), true),
            ("d-hand", Relation::ByHand, false, None, true),
            ("e-role", Relation::Privileged, false, None, true),
            ("f-bound", Relation::Privileged, false, None, true),
        ]
    );
    assert_eq!((found[0].id, found[2].id, found[3].id), (own, hand, role));
    let without = sharers(subject, &okta, &looked, Some(own));
    assert!(without.iter().all(|one| one.id != own) && without.len() == 4);
    // Who left is told from those who are there, and gives everything back when archived.
    for (name, status, found) in [
        ("blocked", Status::Blocked, true),
        ("archived", Status::Archived, false),
    ] {
        let left = add(subject, &okta, name);
        let sight = scope(&okta);
        let departure = Departure {
            status,
            purge: None,
            held: false,
        };
        done(subject, move |tx| {
            tx.release_user(sight, left, &departure, now())
        });
        let met = sharers(subject, &okta, &named(name), None);
        let wanted: &[_] = match found {
            true => &[(left, Relation::Left, status)],
            false => &[],
        };
        let told: Vec<_> = met
            .iter()
            .map(|one| (one.id, one.relation, one.status))
            .collect();
        assert_eq!(told, wanted, "{name}");
    }
}

pub(super) fn a_protected_account_is_found_by_everything_that_recovers_it(subject: &dyn Subject) {
    let okta = subject.configuration("Okta");
    let chief = insert(
        subject,
        &okta,
        user(json!({
            "userName": "chief",
            "emails": [{"value": "chief@corp.example", "type": "work"}, {"value": "old@home.example"}],
            "phoneNumbers": [{"value": "+49 30 123-4", "type": "work"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "E-10 42"},
        })),
    );
    let chief = chief.expect("a user");
    subject.protect(chief);
    let met = |document| {
        let found = sharers(subject, &okta, &user(document), None);
        let protected = |one: &Sharer| (one.id, one.relation) == (chief, Relation::Protected);
        assert!(found.iter().all(protected), "{found:?}");
        found.first().map(|one| one.shared)
    };
    let shared = met(json!({"userName": "CHIEF"})).expect("the name");
    assert!(shared.user_name && shared.name_or_address);
    let shared = met(json!({"userName": "Chief@corp.example"})).expect("an address as a name");
    assert!(shared.name_or_address && !shared.user_name);
    let shared = met(json!({"userName": "x", "emails": [{"value": "chief"}]}));
    assert!(shared.expect("a name as an address").name_or_address);
    let shared = met(json!({"userName": "x", "emails": [{"value": "OLD@home.example"}]}));
    let shared = shared.expect("any address");
    assert!(shared.former_address && !shared.name_or_address);
    let shared = met(json!({"userName": "x", "phoneNumbers": [{"value": "0049 (0)30 1234"}]}));
    assert!(shared.expect("a number").recovery);
    let shared = met(json!({
        "userName": "x",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "e1042"},
    }));
    assert!(shared.expect("an employee number").recovery);
    assert_eq!(
        met(json!({"userName": "x", "emails": [{"value": "y@z.example"}]})),
        None
    );
}

pub(super) fn records_that_fields_name_are_found_by_name_or_id_and_made(subject: &dyn Subject) {
    let look = |kind, name: &'static str, create| {
        done(subject, move |tx| tx.reference(kind, name, create))
    };
    let (department, location) = (ReferenceKind::Department, ReferenceKind::Location);
    assert_eq!(look(department, "Check Works", false), None);
    assert_eq!(
        look(department, "Check Works", true).as_deref(),
        Some("Check Works")
    );
    assert_eq!(
        look(department, "CHECK WORKS", true).as_deref(),
        Some("Check Works")
    );
    assert_eq!(look(location, "Check Works", false), None, "another kind");
    subject.add_privileged_role("Check Administrator");
    let role = look(ReferenceKind::Role, "Check Administrator", false);
    assert_eq!(role, None, "nobody can be given it");
}
