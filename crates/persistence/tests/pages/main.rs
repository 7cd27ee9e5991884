//! What the administrators' pages read and do, on every engine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod accounts;
#[path = "../common/mod.rs"]
mod common;
mod configurations;
mod people;

use chrono::{Duration, Utc};
use common::{House, actor, configuration, found};
use scim_admin::account::Role;
use scim_admin::event::{AuditQuery, EventQuery};
use scim_admin::mapping::DraftSeen;
use scim_admin::people::{ManagedBy, PeopleQuery, PersonChange, UserType};
use scim_admin::policy::LinksQuery;
use scim_admin::survey::{Survey, SurveyKind};
use scim_admin::{AdminError, Attempt, ConfigurationInput, ConfigurationStatus, VersionChoice};
use scim_mapping::ResourceKind;
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use scim_provisioning::event::Outcome;
use serde_json::{Value, json};

use accounts::*;
use configurations::*;
use people::*;

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name, "externalId": format!("x-{name}"), "password": "s3cret-s3cret"})
}

engines::tests! {
    on_both(House::new):
        one_person_and_one_group_are_shown_with_what_belongs_to_them,
        people_are_blocked_and_unlinked_by_hand,
        the_last_administrator_stays,
        sessions_are_seen_and_ended,
        the_audit_is_found_by_who_what_and_when,
        people_are_found_by_how_they_are_and_who_manages_them,
        a_group_that_is_unlinked_stays_and_is_out_of_sight,
        a_custom_field_changes_but_for_its_type,
        a_configuration_has_a_history_of_its_own,
        nobody_overwrites_what_they_have_not_seen,
        the_audit_tells_what_a_draft_changes_member_by_member,
        of_many_who_draft_at_once_one_is_kept,
        what_is_allowed_does_not_reach_whoever_was_protected_meanwhile,
        whoever_stays_keeps_what_belongs_to_them,
        a_name_stands_for_nobody_else,
        a_name_that_nobody_has_is_answered_as_one_that_somebody_has,
        what_is_counted_over_many_is_counted_in_the_background,
        an_approved_link_is_one_change_with_its_entry;
}
