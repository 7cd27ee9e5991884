//! The log as administrators treat it, and the audit itself.

use chrono::Duration;
use scim_provisioning::{Action, ConfigurationId, Event, Outcome, ResourceId, ResourceKind};
use serde_json::json;

use super::{House, actor, now, told};
use crate::error::AdminError;
use crate::event::{Activity, AuditFault, AuditQuery, EventState};
use crate::store::{AdminStoreExt, Written};

fn failure(house: &House) -> i64 {
    record(house, Outcome::Failure, ResourceId::new())
}

fn record(house: &House, outcome: Outcome, id: ResourceId) -> i64 {
    let configuration = ConfigurationId::parse(CONFIGURATION).unwrap();
    let event = Event {
        at: now(),
        configuration,
        configuration_name: "Okta".to_owned(),
        request_id: "request".to_owned(),
        action: Action::Create,
        kind: Some(ResourceKind::User),
        resource_id: Some(id),
        resource_name: Some("ava".to_owned()),
        mapping_version: None,
        outcome,
        status: 400,
        scim_type: None,
        cause: None,
        reason: None,
        detail: None,
        changes: json!([]),
        deviations: json!([]),
        duration_micros: 0,
        source: None,
        user_agent: None,
        request: None,
        actor: None,
        occurrences: 1,
        run: None,
    };
    let recorded = house
        .store
        .upkeep(move |rows| Ok(rows.record_event(&event)?));
    recorded.unwrap();
    house.store.rows().events.last().unwrap().id
}

const CONFIGURATION: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[test]
fn a_failure_is_resolved_and_reopened_and_each_is_audited_once() {
    let house = House::new();
    let id = failure(&house);
    for _twice in 0..2 {
        let resolved = house.admin.resolve_event(&actor(), id).unwrap();
        assert_eq!(resolved.state(), Some(EventState::Resolved));
        assert_eq!(resolved.resolved_by.as_deref(), Some("test"));
    }
    for _twice in 0..2 {
        let open = house.admin.reopen_event(&actor(), id).unwrap();
        assert_eq!(
            (open.state(), open.resolved_by),
            (Some(EventState::Open), None)
        );
    }
    assert_eq!(house.audited(), ["event.resolved", "event.reopened"]);
    let success = record(&house, Outcome::Success, ResourceId::new());
    let refused = house.admin.resolve_event(&actor(), success);
    assert!(
        matches!(refused, Err(AdminError::Invalid(_))),
        "{refused:?}"
    );
}

#[test]
fn a_later_success_resolves_and_an_administrator_may_say_so_again() {
    let house = House::new();
    let ava = ResourceId::new();
    let failed = record(&house, Outcome::Failure, ava);
    record(&house, Outcome::Success, ava);
    let event = house.admin.event(failed).unwrap();
    assert_eq!(
        event.resolved_by.as_deref(),
        Some(crate::event::LATER_SUCCESS)
    );
}

#[test]
fn requests_are_added_up() {
    let house = House::new();
    let hour = "2026-11-24T10:00:00Z".parse().unwrap();
    let one = |entries| Activity {
        configuration: ConfigurationId::parse(CONFIGURATION).unwrap(),
        hour,
        outcome: Outcome::Success,
        entries,
    };
    house.admin.count_requests(vec![one(3)]).unwrap();
    house.admin.count_requests(vec![one(2)]).unwrap();
    assert_eq!(house.admin.requests(hour, None).unwrap(), [one(5)]);
    let later = house.admin.requests(hour + Duration::hours(1), None);
    assert!(later.unwrap().is_empty());
}

#[test]
fn the_chain_shows_an_entry_that_was_changed_and_one_that_is_missing() {
    let house = House::new();
    for event in ["first", "second", "third"] {
        let written = house
            .store
            .write(move |_rows| Ok(Written::changed((), told(event))));
        written.unwrap();
    }
    assert_eq!(house.admin.verify_audit(None).unwrap().fault, None);
    let whole = house.store.rows().clone();
    house.store.rows().audit[1].entry.object = "other".to_owned();
    let verdict = house.admin.verify_audit(None).unwrap();
    assert_eq!(verdict.fault, Some(AuditFault::Entry(2)));
    *house.store.rows() = whole;
    house.store.rows().audit.pop();
    let verdict = house.admin.verify_audit(None).unwrap();
    assert_eq!(verdict.fault, Some(AuditFault::End));
}

#[test]
fn whoever_reads_the_audit_is_in_it_once_in_a_while() {
    let house = House::new();
    let query = AuditQuery {
        limit: 10,
        ..AuditQuery::default()
    };
    house.admin.read_audit(&actor(), &query).unwrap();
    house.admin.read_audit(&actor(), &query).unwrap();
    assert_eq!(house.audited(), ["audit.read"]);
}
