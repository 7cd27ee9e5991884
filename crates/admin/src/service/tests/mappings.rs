//! Versions of mappings, custom fields and what is done in the background.

use scim_mapping::{CustomField, MappingSet, ResourceKind};
use serde_json::{Value, json};

use super::{House, actor};
use crate::error::AdminError;
use crate::mapping::DraftSeen;
use crate::service::VersionChoice;

const USER: ResourceKind = ResourceKind::User;

fn rules() -> Value {
    serde_json::to_value(MappingSet::default_user()).unwrap()
}

fn draft(house: &House, note: &str, seen: &DraftSeen) -> Result<String, AdminError> {
    let drafted = house
        .admin
        .draft_mapping(&actor(), house.id_of("Okta"), &rules(), note, seen);
    drafted.map(|(draft, _)| draft.checksum)
}

fn versions(house: &House) -> Vec<i64> {
    let (_, versions) = house.admin.mappings(house.id_of("Okta"), USER).unwrap();
    versions.iter().map(|version| version.version).collect()
}

fn field(key: &str) -> CustomField {
    let field = json!({ "key": key, "label": key, "type": "longText" });
    serde_json::from_value(field).unwrap()
}

#[test]
fn a_draft_takes_the_place_of_the_one_that_was_seen() {
    let house = House::new();
    house.configuration("Okta");
    let checksum = draft(&house, "first", &DraftSeen::None).unwrap();
    let late = draft(&house, "second", &DraftSeen::None);
    assert!(matches!(late, Err(AdminError::Stale)), "{late:?}");
    let seen = DraftSeen::Checksum(checksum);
    draft(&house, "second", &seen).unwrap();
    assert_eq!(versions(&house), [1, 0]);
    let kept = house
        .admin
        .mapping(house.id_of("Okta"), USER, VersionChoice::Draft)
        .unwrap();
    assert_eq!(kept.note, "second");
    assert_eq!(
        house
            .audited()
            .iter()
            .filter(|event| *event == "mapping.drafted")
            .count(),
        2
    );
}

#[test]
fn a_draft_becomes_the_next_version_and_an_older_one_comes_back() {
    let house = House::new();
    house.configuration("Okta");
    draft(&house, "", &DraftSeen::Any).unwrap();
    let active = house
        .admin
        .activate_mapping(&actor(), house.id_of("Okta"), USER, &DraftSeen::Any)
        .unwrap();
    assert_eq!((active.version, versions(&house)), (2, vec![2, 1]));
    assert_eq!(
        house.admin.find_configuration("Okta").unwrap().model.user,
        2
    );
    house
        .admin
        .roll_back_mapping(&actor(), house.id_of("Okta"), USER, 1)
        .unwrap();
    assert_eq!(
        house.admin.find_configuration("Okta").unwrap().model.user,
        1
    );
    let audit = house.audit().pop().unwrap();
    assert_eq!(
        (&audit.details["old"], &audit.details["new"]),
        (&json!(2), &json!(1))
    );
    let none = house
        .admin
        .activate_mapping(&actor(), house.id_of("Okta"), USER, &DraftSeen::Any);
    assert!(matches!(none, Err(AdminError::NotFound { .. })), "{none:?}");
}

#[test]
fn a_field_that_a_rule_writes_stays() {
    let house = House::new();
    house.configuration("Okta");
    house
        .admin
        .add_custom_field(&actor(), &field("desk"))
        .unwrap();
    let again = house.admin.add_custom_field(&actor(), &field("desk"));
    assert!(matches!(again, Err(AdminError::NameTaken(_))), "{again:?}");
    let revision = house.admin.find_configuration("Okta").unwrap().model.fields;
    let renamed = CustomField {
        label: "Desk".to_owned(),
        ..field("desk")
    };
    house.admin.edit_custom_field(&actor(), &renamed).unwrap();
    let counted = house.admin.find_configuration("Okta").unwrap().model.fields;
    assert_eq!(counted, revision + 1, "every server reads the fields anew");
    house.admin.delete_custom_field(&actor(), "desk").unwrap();
    assert!(house.admin.custom_fields().unwrap().is_empty());
    let gone = house.admin.delete_custom_field(&actor(), "desk");
    assert!(matches!(gone, Err(AdminError::NotFound { .. })), "{gone:?}");
    let events = house.audited();
    let fields = events.iter();
    let fields: Vec<_> = fields
        .filter_map(|event| event.strip_prefix("customField."))
        .collect();
    assert_eq!(fields, ["created", "edited", "deleted"]);
}

#[test]
fn a_job_takes_the_place_of_one_that_is_not_finished_and_one_at_a_time_works_on_it() {
    let house = House::new();
    house.configuration("Okta");
    let first = house
        .admin
        .begin_reapply(&actor(), house.id_of("Okta"))
        .unwrap();
    let second = house
        .admin
        .begin_reapply(&actor(), house.id_of("Okta"))
        .unwrap();
    assert_eq!(
        house.admin.jobs(house.id_of("Okta")).unwrap(),
        std::slice::from_ref(&second)
    );
    assert!(house.admin.work_waits().unwrap());
    assert_eq!(house.admin.claim_job(Some(first.id)).unwrap(), None);
    assert_eq!(house.admin.claim_job(None).unwrap(), Some(second));
    assert_eq!(house.admin.claim_job(None).unwrap(), None);
}
