//! The provisioning log: what is found in it quickly, and what administrators do with its entries.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod ends;
mod entries;
mod replay;
mod search;

use chrono::{DateTime, Duration, Utc};
use common::{House, actor, configuration, found, names};
use scim_admin::event::{AuditQuery, EventQuery, EventState, LoggedEvent, Word};
use scim_admin::people::{PersonChange, PersonInput};
use scim_admin::{Actor, AdminError};
use scim_protocol::schema::uri;
use scim_provisioning::ResourceKind;
use scim_provisioning::event::{Action, Outcome};
use scim_provisioning::{ConfigurationId, Method, Request};
use serde_json::{Value, json};

use ends::*;
use entries::*;
use replay::*;
use search::*;

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name})
}

/// How often the audit has an event.
fn audited(house: &House, event: &str) -> usize {
    let query = AuditQuery {
        event: Some(event.to_owned()),
        limit: 100,
        ..AuditQuery::default()
    };
    house.admin.audit(&query).unwrap().len()
}

/// The id of the newest entry, which is a failure.
fn failure(house: &House) -> i64 {
    let event = &found(house, EventQuery::default())[0];
    assert_eq!(event.outcome.as_str(), "failure");
    event.id
}

fn title(value: &str) -> Value {
    json!({"schemas": [uri::PATCH_OP],
        "Operations": [{"op": "replace", "path": "title", "value": value}]})
}

engines::tests! {
    on_both(House::new):
        a_refusal_keeps_its_step_and_cause_and_the_name_of_what_it_was_about,
        requests_are_added_up_by_hour,
        what_another_version_wrote_of_an_entry_is_shown_as_it_stands,
        a_damaged_entry_takes_nothing_but_its_own_values_along,
        the_log_is_found_by_what_people_look_for,
        a_name_is_found_among_few_entries_and_among_many,
        the_log_keeps_requests_without_their_secrets,
        what_happened_is_counted_once_however_often_hours_are_closed,
        a_time_is_found_from_either_side_in_either_order,
        a_failure_is_resolved_and_opened_again,
        an_entry_knows_what_the_client_was_answered,
        the_entry_of_a_large_group_has_the_status_that_was_answered,
        a_failed_request_is_carried_out_again_as_it_was,
        an_old_request_does_not_undo_what_is_newer,
        what_was_bound_to_a_version_stays_bound_to_it,
        only_what_the_log_keeps_whole_is_replayed,
        what_is_older_than_it_is_kept_goes_block_by_block,
        what_an_old_request_said_is_forgotten_block_by_block_and_its_entry_stays,
        a_refused_name_that_cannot_be_stored_is_left_out_of_the_entry,
        a_failure_closes_when_the_same_object_succeeds_later;
}
