#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use chrono::DateTime;

use super::*;
use crate::change::Recorded;
use crate::stream::{StreamKind, StreamState};

fn stream() -> Stream {
    Stream {
        id: "0192".to_owned(),
        name: "Mail".to_owned(),
        kind: StreamKind::Poll,
        topics: None,
        state: StreamState::Active,
        position: 0,
        delivered: None,
        version: 1,
        created: DateTime::UNIX_EPOCH,
        made_by: None,
        url: None,
    }
}

fn change(subject: Subject, id: &str, old: Value, new: Value) -> Change {
    let record = |value: Value| value.as_object().cloned();
    Change::of(Recorded {
        position: 7,
        at: DateTime::from_timestamp(1_458_496_404, 0).unwrap(),
        subject,
        id: id.to_owned(),
        name: None,
        version: Some(2),
        old: record(old),
        new: record(new),
        actor: None,
        run: None,
    })
}

fn claims_of(subject: Subject, id: &str, old: Value, new: Value) -> Option<Value> {
    let change = change(subject, id, old, new);
    claims(&stream(), &change, "https://x.example/scim").map(Value::Object)
}

fn ava() -> Value {
    json!({
        "id": "u1", "userName": "ava", "firstName": "Ava", "lastName": null, "email": "ava@x.example",
        "altContactNo1": "+1", "location": "Oslo", "roles": ["agent"], "company": "X",
        "managerId": "u2", "manager": "by name", "status": "active", "externalId": "e1",
        "customFields": {"desk": "4.1"}, "managedBy": "c1", "tenantAdmin": true, "vip": true,
        "adminRole": "owner",
    })
}

#[test]
fn the_claims_are_those_of_rfc_8417_and_9967() {
    let claims = claims_of(Subject::User, "u1", Value::Null, ava()).unwrap();
    assert_eq!(claims["iss"], "https://x.example/scim");
    assert_eq!(claims["iat"], 1_458_496_404);
    assert_eq!(claims["jti"], "0192.7");
    assert_eq!(claims["txn"], "7");
    assert_eq!(claims["aud"], json!(["urn:uuid:0192"]));
    let subject = json!({"format": "scim", "uri": "/Users/u1", "externalId": "e1"});
    assert_eq!(claims["sub_id"], subject);
    assert!(claims.get("sub").is_none() && claims.get("exp").is_none());
    assert_eq!(position_of(&stream(), "0192.7"), Some(7));
    for other in ["0193.7", "0192", "0192.", "0192.x", "01927"] {
        assert_eq!(position_of(&stream(), other), None, "{other}");
    }
}

#[test]
fn a_person_is_told_as_a_resource_without_what_is_the_directorys_own() {
    let claims = claims_of(Subject::User, "u1", Value::Null, ava()).unwrap();
    let expected = json!({
        "schemas": [resource_uri("core:2.0:User"), resource_uri("extension:enterprise:2.0:User"),
            resource_uri("extension:serviceops:2.0:User")],
        "id": "u1", "externalId": "e1", "userName": "ava", "name": {"givenName": "Ava"},
        "emails": [{"value": "ava@x.example", "type": "work", "primary": true}],
        "phoneNumbers": [{"value": "+1", "type": "mobile"}],
        "addresses": [{"locality": "Oslo", "type": "work", "primary": true}],
        "roles": [{"value": "agent"}], "active": true,
        resource_uri("extension:enterprise:2.0:User"): {"organization": "X", "manager": {"value": "u2"}},
        resource_uri("extension:serviceops:2.0:User"): {"desk": "4.1"},
    });
    assert_eq!(claims["events"], json!({CREATED: {"data": expected}}));
}

fn resource_uri(schema: &str) -> String {
    format!("urn:ietf:params:scim:schemas:{schema}")
}

#[test]
fn what_happens_to_a_person_is_named_by_its_events() {
    let with = |member: &str, value: Value| {
        let mut record = ava();
        record[member] = value;
        record
    };
    let names = |old: Value, new: Value| {
        let claims = claims_of(Subject::User, "u1", old, new)?;
        let events = claims["events"].as_object().unwrap();
        Some(events.keys().cloned().collect::<Vec<_>>().join(" "))
    };
    let both = |first: &str| Some(format!("{first} {PUT}"));
    assert_eq!(
        names(ava(), with("firstName", json!("Eva"))),
        Some(PUT.to_owned())
    );
    assert_eq!(
        names(ava(), with("status", json!("blocked"))),
        both(DEACTIVATED)
    );
    assert_eq!(
        names(ava(), with("status", json!("archived"))),
        both(DEACTIVATED)
    );
    assert_eq!(
        names(with("status", json!("blocked")), ava()),
        both(ACTIVATED)
    );
    assert_eq!(names(ava(), Value::Null), Some(DELETED.to_owned()));
    for own in ["tenantAdmin", "vip"] {
        assert_eq!(names(ava(), with(own, json!(false))), None, "{own}");
    }
    assert_eq!(names(ava(), with("managedBy", Value::Null)), None);
    let gone = claims_of(Subject::User, "u1", ava(), Value::Null).unwrap();
    assert_eq!(gone["events"], json!({DELETED: {}}));
    assert_eq!(gone["sub_id"]["externalId"], "e1");
}

#[test]
fn groups_and_their_members_are_told_as_patches() {
    let crew = |name: &str, external: Value| json!({"id": "g", "name": name, "kind": "team", "externalId": external});
    let of = |old, new| claims_of(Subject::Group, "g", old, new);
    let created = of(Value::Null, crew("Crew", json!("x"))).unwrap();
    let data = json!({"schemas": [resource_uri("core:2.0:Group")], "id": "g", "externalId": "x", "displayName": "Crew"});
    assert_eq!(
        created["events"],
        json!({CREATED: {"data": data, "version": "W/\"2\""}})
    );
    let renamed = of(crew("Crew", json!("x")), crew("Team", Value::Null)).unwrap();
    let operations = json!([
        {"op": "replace", "path": "displayName", "value": "Team"},
        {"op": "remove", "path": "externalId"},
    ]);
    let payload = &renamed["events"][PATCHED];
    assert_eq!(
        payload["data"],
        json!({"schemas": [PATCH_OP], "Operations": operations})
    );
    assert_eq!(payload["version"], "W/\"2\"");
    let mut kind = crew("Crew", Value::Null);
    kind["kind"] = json!("other");
    assert_eq!(of(crew("Crew", Value::Null), kind), None);
    let record = json!({"group": "g", "member": "u1", "type": "User"});
    let joined = claims_of(Subject::Membership, "g/u1", Value::Null, record.clone()).unwrap();
    assert_eq!(
        joined["sub_id"],
        json!({"format": "scim", "uri": "/Groups/g"})
    );
    let member = json!([{"value": "u1", "$ref": "/Users/u1", "type": "User"}]);
    let add = json!([{"op": "add", "path": "members", "value": member}]);
    assert_eq!(joined["events"][PATCHED]["data"]["Operations"], add);
    let left = claims_of(Subject::Membership, "g/u1", record, Value::Null).unwrap();
    let remove = json!([{"op": "remove", "path": "members[value eq \"u1\"]"}]);
    assert_eq!(left["events"][PATCHED]["data"]["Operations"], remove);
}

#[test]
fn what_scim_does_not_know_is_no_event() {
    for subject in [Subject::Grant, Subject::CustomField, Subject::Alert] {
        let told = claims_of(subject, "x", Value::Null, json!({"overAt": null}));
        assert_eq!(told, None, "{subject:?}");
    }
}

#[test]
fn every_event_that_is_sent_is_listed() {
    for uri in [
        CREATED,
        PATCHED,
        PUT,
        DELETED,
        ACTIVATED,
        DEACTIVATED,
        VERIFICATION,
    ] {
        assert!(EVENT_URIS.contains(&uri), "{uri}");
    }
    let test = verification(&stream(), "d1", DateTime::UNIX_EPOCH, "https://x.example");
    assert_eq!(test["events"], json!({VERIFICATION: {"state": "d1"}}));
    assert_eq!(test["jti"], "d1");
}
