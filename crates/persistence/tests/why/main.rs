//! Why somebody is as they are: planted cases, of each of which the right cause comes first.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

#[path = "../common/mod.rs"]
mod common;

mod absent;
mod case;
mod leaving;
mod present;

use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{House, actor, caller, configuration};
use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection;
use scim_admin::event::{AuditQuery, EventQuery, EventState};
use scim_admin::people::{PersonChange, PersonInput, UserType};
use scim_admin::policy::{LinksQuery, Which};
use scim_admin::why::WhyAnswer;
use scim_admin::{ConfigurationInput, ConfigurationStatus, WhyQuery};
use scim_protocol::schema::uri;
use scim_provisioning::policy::{Deletion, ExistingUsers, Guard, GuardAction, MemberGuard};
use scim_provisioning::{
    Caller, Cause, ConfigurationId, Method, Policies, RefusedRequest, Request,
};
use serde_json::{Value, json};

use case::*;

fn why(house: &House, who: &str, only: Option<ConfigurationId>) -> WhyAnswer {
    let query = WhyQuery {
        who: who.to_owned(),
        configuration: only,
        field: None,
    };
    house.admin.why(&actor(), &house.provider, &query).unwrap()
}

/// Every case.
fn cases() -> impl Iterator<Item = &'static Plant> {
    let parts = [absent::ABSENT, leaving::LEAVING, present::PRESENT];
    parts.into_iter().flatten()
}

fn the_right_cause_comes_first(house: &House) {
    let mut wrong = Vec::new();
    for (number, (what, plant, cause, alone)) in cases().enumerate() {
        let case = Case::new(house, number);
        let only = alone.then(|| case.id());
        let planted = catch_unwind(AssertUnwindSafe(|| plant(case)));
        let Ok(who) = planted else {
            wrong.push(format!("{what}: cannot be planted"));
            continue;
        };
        let answer = why(house, &who, only);
        assert!(!answer.sentence.is_empty());
        if answer.cause.as_str() != *cause {
            wrong.push(format!(
                "{what}: {} in place of {cause}: {answer:#?}",
                answer.cause.as_str()
            ));
        }
    }
    assert!(cases().count() >= 40);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn what_ends_a_person_ends_what_the_person_is_found_by(house: &House) {
    let case = Case::new(house, 1).with(Policies {
        deletion: Deletion::Delete { after_days: 0 },
        ..Policies::default()
    });
    case.look_up("userName eq \"case1\"");
    case.refused(&with("case1", "active", "maybe"));
    let id = case.create();
    assert_eq!(why(house, "stonecase1", None).cause.as_str(), "fine");
    case.delete(&id);
    let later = chrono::Utc::now() + chrono::Duration::days(1);
    assert_eq!(house.admin.purge_people(later, 10).unwrap(), 1);
    assert_eq!(why(house, "case1", None).cause.as_str(), "purged");
    let gone = why(house, "stonecase1", None);
    assert_eq!(gone.cause.as_str(), "notAskedFor", "{gone:#?}");
    assert!(
        gone.found.is_empty() && gone.timeline.is_empty(),
        "{gone:#?}"
    );
    // The log forgets what is left.
    house.admin.forget_events(later, 100).unwrap();
    let gone = why(house, "case1", None);
    assert_eq!(gone.cause.as_str(), "notAskedFor", "{gone:#?}");
}

/// What of a name people are found by stands in the entry of the provider, whatever the rules make of
/// it.
fn people_are_found_by_the_name_that_came_and_not_by_what_rules_made_of_it(house: &House) {
    let case = Case::new(house, 1);
    case.create();
    let document = match house.settings.url.starts_with("sqlite:") {
        true => "json_set(search_document, '$.name.familyName', 'quarry')",
        false => "jsonb_set(search_document, '{name,familyName}', '\"quarry\"')",
    };
    house.tamper(&format!("UPDATE users SET search_document = {document}"));
    assert_eq!(why(house, "quarry", None).cause.as_str(), "fine");
}

#[derive(diesel::QueryableByName)]
struct Waiting {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    waiting: i64,
}

fn who_writes_while_words_are_filled_in_waits_and_is_not_refused(house: &House) {
    let case = Case::new(house, 1);
    let id = case.create();
    let later = Case::new(house, 2).create();
    let connect =
        || -> diesel::PgConnection { diesel::Connection::establish(&house.settings.url).unwrap() };
    let (mut other, mut watch) = (connect(), connect());
    house.tamper("DELETE FROM person_terms; INSERT INTO person_terms_fill (position) VALUES ('')");
    // Holds the filling at the second person.
    let hold =
        format!("BEGIN; INSERT INTO person_terms (person_id, term) VALUES ('{later}', 'case2')");
    other.batch_execute(&hold).unwrap();
    let mut wait_for = |waiting: i64, done: &dyn Fn() -> bool| {
        let count = "SELECT count(*) AS waiting FROM pg_stat_activity \
                     WHERE datname = current_database() AND wait_event_type = 'Lock'";
        loop {
            let rows: Vec<Waiting> = diesel::sql_query(count).load(&mut watch).unwrap();
            if rows[0].waiting >= waiting || done() {
                break;
            }
            std::thread::yield_now();
        }
    };
    let status = std::thread::scope(|scope| {
        let filling = scope.spawn(|| house.admin.fill_terms(500).unwrap());
        wait_for(1, &|| filling.is_finished());
        let patching = scope.spawn(|| case.patch(&id, "name.familyName", "Rock"));
        wait_for(2, &|| patching.is_finished());
        other.batch_execute("ROLLBACK").unwrap();
        assert!(filling.join().unwrap());
        patching.join().unwrap()
    });
    assert_eq!(status, 200);
    assert_eq!(why(house, "rock", None).cause.as_str(), "fine");
    // Nothing of an older name stayed.
    house.tamper("DELETE FROM event_terms");
    assert_eq!(why(house, "stonecase1", None).cause.as_str(), "notAskedFor");
}

fn people_who_were_there_before_are_found_when_they_were_gone_through(house: &House) {
    let case = Case::new(house, 1);
    let id = case.create();
    house.tamper("DELETE FROM person_terms; INSERT INTO person_terms_fill (position) VALUES ('')");
    assert_eq!(why(house, "stonecase1", None).cause.as_str(), "notAskedFor");
    while house.admin.fill_terms(1).unwrap() {}
    let found = why(house, "stonecase1", None);
    assert_eq!(found.cause.as_str(), "fine");
    // What is of an older name goes when everybody is gone through again.
    house.tamper(&format!(
        "INSERT INTO person_terms (person_id, term) VALUES ('{id}', 'quarry'); \
         INSERT INTO person_terms_fill (position) VALUES ('')"
    ));
    assert_eq!(why(house, "quarry", None).cause.as_str(), "fine");
    while house.admin.fill_terms(1).unwrap() {}
    assert_eq!(why(house, "quarry", None).cause.as_str(), "notAskedFor");
    // Nothing is kept of it twice, nor of an older name.
    assert_eq!(case.patch(&id, "name.familyName", "Rock"), 200);
    assert_eq!(why(house, "rock", None).cause.as_str(), "fine");
    assert_eq!(
        why(house, "stonecase1", None).cause.as_str(),
        "fine",
        "by the log"
    );
    house.tamper("DELETE FROM event_terms");
    assert_eq!(why(house, "stonecase1", None).cause.as_str(), "notAskedFor");
}

fn each_question_is_in_the_audit(house: &House) {
    why(house, "Somebody", None);
    let audit = AuditQuery {
        event: Some("why.asked".to_owned()),
        limit: 10,
        ..AuditQuery::default()
    };
    let told = house.admin.audit(&audit).unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].1.object.as_str(), told[0].1.actor.as_str()),
        ("Somebody", "test")
    );
    let nobody = WhyQuery::default();
    assert!(house.admin.why(&actor(), &house.provider, &nobody).is_err());
}

fn look_ups_are_counted_and_bounded(house: &House) {
    let case = Case::new(house, 1);
    for _ in 0..3 {
        case.look_up("userName eq \"Gone\"");
    }
    house
        .admin
        .note_look_ups(house.provider.take_look_ups())
        .unwrap();
    case.look_up("userName eq \"gone\"");
    let answer = why(house, "GONE", None);
    assert!(answer.sentence.contains("4 times"), "{}", answer.sentence);
    let look_ups = answer
        .timeline
        .iter()
        .filter(|one| one.sentence.contains("looked for"));
    assert_eq!(look_ups.count(), 1, "a value is kept once: {answer:#?}");
    // Who was found is no look-up.
    case.create();
    case.look_up("userName eq \"case1\"");
    assert!(house.provider.take_look_ups().is_empty());
    house.tamper("UPDATE look_ups SET last_at = 1");
    assert_eq!(house.admin.forget_look_ups(10).unwrap(), 1);
    assert_eq!(why(house, "gone", None).cause.as_str(), "notAskedFor");
}

fn of_a_configuration_the_newest_look_ups_stay(house: &House) {
    use scim_admin::AdminStoreExt as _;
    let case = Case::new(house, 1);
    for number in 0..5 {
        case.look_up(&format!("userName eq \"gone{number}\""));
        pause();
    }
    house
        .admin
        .note_look_ups(house.provider.take_look_ups())
        .unwrap();
    let forgotten = house
        .database
        .upkeep(|rows| Ok(rows.forget_look_ups(chrono::DateTime::UNIX_EPOCH, 3, 10)?));
    assert_eq!(forgotten.unwrap(), 2);
    assert_eq!(why(house, "gone1", None).cause.as_str(), "notAskedFor");
    assert_eq!(why(house, "gone2", None).cause.as_str(), "lookedUp");
}

fn a_field_says_where_its_value_is_from(house: &House) {
    let case = Case::new(house, 1);
    let id = case.create();
    case.patch(&id, "title", "Boss");
    let of = |field: &str| {
        let query = WhyQuery {
            who: id.clone(),
            field: Some(field.to_owned()),
            configuration: None,
        };
        let answer = house.admin.why(&actor(), &house.provider, &query).unwrap();
        answer.field.unwrap()
    };
    let newest = common::found(house, EventQuery::default()).remove(0);
    let title = of("job_title");
    assert_eq!(title.origin.as_str(), "rule", "{title:?}");
    assert_eq!(title.event, Some(newest.id));
    assert_eq!((title.version, title.value), (Some(1), Some(json!("Boss"))));
    // The address came with the creation.
    let email = of("email");
    assert_eq!(email.origin.as_str(), "rule", "{email:?}");
    assert!(email.event.is_some() && email.event != title.event);
    house.tamper("UPDATE users SET job_title = 'Clerk'");
    assert_eq!(of("job_title").origin.as_str(), "changedByHand");
    pause();
    case.change(&id, PersonChange::Convert(UserType::Technician));
    let converted = of("user_type");
    assert!(converted.sentence().contains("by test"), "{converted:?}");
    let unknown = WhyQuery {
        who: id,
        field: Some("shoe_size".to_owned()),
        configuration: None,
    };
    assert!(
        house
            .admin
            .why(&actor(), &house.provider, &unknown)
            .is_err()
    );
}

engines::tests! {
    on_both(House::new): the_right_cause_comes_first,
        what_ends_a_person_ends_what_the_person_is_found_by,
        people_who_were_there_before_are_found_when_they_were_gone_through,
        each_question_is_in_the_audit, look_ups_are_counted_and_bounded,
        of_a_configuration_the_newest_look_ups_stay, a_field_says_where_its_value_is_from,
        people_are_found_by_the_name_that_came_and_not_by_what_rules_made_of_it;
    on_postgres(House::new): who_writes_while_words_are_filled_in_waits_and_is_not_refused;
}
