//! What is done again: requests of the log, and rules over what is stored. And what a link would
//! make of a person.

use chrono::TimeDelta;
use scim_mapping::{Field, FieldValue, OnUnknown, Source, Transform};
use scim_protocol::schema::uri;
use scim_provisioning::directory::Status;
use scim_provisioning::reapply::Job;
use scim_provisioning::replay::Kept;
use scim_provisioning::{Caller, Cause, ExistingUsers, Method, Outcome, ResourceId, RunId};
use serde_json::{Value, json};

use crate::house::{House, group, user};

#[test]
fn a_refused_request_is_carried_out_again_when_its_cause_is_mended() {
    let mut house = House::new();
    house.by_hand("eve", |_| {});
    house.refused(Method::Post, "/Users", &user("eve"));
    let failed = house.last();
    let kept = Kept::read(failed.request.as_ref().unwrap(), None).unwrap();
    let admin = Caller {
        actor: Some("admin".to_owned()),
        ..house.caller.clone()
    };
    assert_eq!(house.provider.replay(&admin, &kept).status, 409);
    house.configure(|policies| policies.existing_users = ExistingUsers::Link);
    let admin = Caller {
        actor: Some("admin".to_owned()),
        ..house.caller.clone()
    };
    assert_eq!(house.provider.replay(&admin, &kept).status, 201);
    assert_eq!(house.last().actor.as_deref(), Some("admin"));
}

fn job(house: &House) -> Job {
    let job = Job {
        id: RunId::new(),
        configuration: house.caller.configuration.id,
        position: None,
        total: 0,
        done: 0,
        changed: 0,
        failed: 0,
        finished: false,
        actor: "admin".to_owned(),
        created: house.now(),
        updated: house.now(),
    };
    house.directory.put_job(job.clone());
    job
}

fn titled(name: &str, title: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name, "title": title})
}

fn title(house: &House, id: ResourceId) -> Option<String> {
    let record = house.stored(id).record;
    let title = record.get(&Field::JobTitle).and_then(FieldValue::as_text);
    title.map(str::to_owned)
}

#[test]
fn rules_are_applied_again_to_everybody_but_their_status() {
    let mut house = House::new();
    let ava = house.create("/Users", &titled("ava", "Boss"));
    let bo = house.create("/Users", &user("bo"));
    let ops = house.create("/Groups", &group("Ops", &[]));
    house.change(ava, |person| person.user.status = Status::Blocked);
    let chief = house.create("/Users", &titled("chief", "Chief"));
    house.change(chief, |person| person.protected = true);
    house.map(|model| {
        let rules = model.users.rules.iter_mut();
        for rule in rules.filter(|rule| rule.target == Field::JobTitle) {
            rule.transforms.push(Transform::Upper);
        }
    });
    house.environment.advance(TimeDelta::hours(1));
    let job = job(&house);
    let id = job.id;
    let done = house
        .provider
        .reapply(&house.caller.configuration, &job)
        .unwrap();
    assert_eq!(
        (done.done, done.changed, done.failed, done.finished),
        (2, 1, 0, true)
    );
    assert_eq!((done.position, done.updated), (Some(bo), house.now()));
    assert_eq!(house.directory.job(id), Some(done));
    assert_eq!(title(&house, ava).as_deref(), Some("BOSS"));
    assert_eq!(
        house.stored(ava).status,
        Status::Blocked,
        "rules let nobody in"
    );
    assert_eq!(title(&house, chief).as_deref(), Some("Chief"));
    assert_eq!(house.told(), ("update", Outcome::Success));
    assert_eq!(house.directory.author().unwrap().run, Some(id));
    assert!(house.directory.group(ops).is_some());
}

#[test]
fn whom_the_rules_refuse_is_counted_and_told_and_keeps_nobody_from_the_others() {
    let mut house = House::new();
    let ava = house.create("/Users", &titled("ava", "Boss"));
    let bo = house.create("/Users", &titled("bo", "Works"));
    house
        .directory
        .add_reference(scim_mapping::ReferenceKind::Department, "Works", false);
    house.map(|model| {
        let rules = model.users.rules.iter_mut();
        for rule in rules.filter(|rule| rule.target == Field::Department) {
            rule.source = Source::Path("title".to_owned());
            rule.on_unknown = Some(OnUnknown::Reject);
        }
    });
    let done = house
        .provider
        .reapply(&house.caller.configuration, &job(&house))
        .unwrap();
    assert_eq!((done.changed, done.failed), (1, 1));
    let failed: Vec<_> = house
        .directory
        .events()
        .into_iter()
        .filter(|event| event.cause.is_some())
        .collect();
    assert_eq!(
        (failed[0].resource_id, failed[0].cause),
        (Some(ava), Some(Cause::ReferenceUnknown))
    );
    assert!(house.stored(bo).record.contains_key(&Field::Department));
}

#[test]
fn edits_by_hand_are_found_and_what_rules_would_change_is_counted() {
    let mut house = House::new();
    let ava = house.create("/Users", &titled("ava", "Boss"));
    house.create("/Users", &user("bo"));
    assert_eq!(
        house
            .provider
            .drift(&house.caller.configuration)
            .unwrap()
            .drifted,
        0
    );
    house.change(ava, |person| {
        let title = FieldValue::Text("Else".to_owned());
        person.user.record.insert(Field::JobTitle, title);
    });
    let drift = house.provider.drift(&house.caller.configuration).unwrap();
    assert_eq!((drift.users, drift.drifted), (2, 1));
    assert_eq!(drift.examples[0].fields, ["job_title"]);
    let mut source = None;
    house.map(|model| {
        model
            .users
            .rules
            .retain(|rule| rule.target != Field::JobTitle);
        source = Some(model.clone());
    });
    let before = house.directory.events().len();
    let impact = house
        .provider
        .impact(&house.caller.configuration, &source.unwrap())
        .unwrap();
    assert_eq!((impact.users, impact.errors), (2, 0));
    assert_eq!(house.directory.events().len(), before, "nothing is written");
}

#[test]
fn a_person_is_compared_with_what_linking_would_make_of_them() {
    let house = House::new();
    let eve = house.by_hand("eve", |person| {
        let title = FieldValue::Text("Clerk".to_owned());
        person.user.record.insert(Field::JobTitle, title);
    });
    let (document, nobody) = (titled("eve", "Boss"), json!({"userName": ""}));
    let managed = house.create("/Users", &user("ava"));
    let pairs = [(eve, &document), (eve, &nobody), (managed, &document)];
    let compared = house
        .provider
        .compare(&house.caller.configuration, &pairs)
        .unwrap();
    let change = |field: &str| {
        compared[0]
            .changes
            .iter()
            .find(|change| change.field == field)
    };
    let title = change("job_title").unwrap();
    assert_eq!(
        (title.old.as_ref(), title.new.as_ref()),
        (Some(&json!("Clerk")), Some(&json!("Boss")))
    );
    assert!(compared[1].refused.is_some());
    assert_eq!(compared[2], scim_provisioning::Comparison::default());
    assert_eq!(house.person(eve).managed_by, None);
}
