//! What must never happen to people by what an identity provider leaves unsaid, or by what the
//! rules are applied to again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod active;
#[path = "../common/mod.rs"]
mod common;
mod fields;
mod managers;
mod members;

use common::{Engine, House, actor};
use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use scim_admin::AdminError;
use scim_admin::people::{PersonChange, PersonInput};
use scim_admin::policy::{LinksQuery, Which};
use scim_protocol::schema::uri;
use scim_provisioning::policy::{
    Deletion, ExistingUsers, Guard, MemberGuard, MemberGuardAction, RepeatedExternalIds,
    UnknownMembers,
};
use scim_provisioning::{Method, Policies};
use serde_json::{Value, json};

use active::*;
use fields::*;
use managers::*;
use members::*;

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name})
}

fn patched(house: &House, id: &str, operations: &Value) -> Value {
    let body = json!({"schemas": [uri::PATCH_OP], "Operations": operations});
    let answer = house.request(Method::Patch, &format!("/Users/{id}"), &body);
    assert_eq!(answer.status, 200, "{operations}: {:?}", answer.body);
    answer.body.unwrap()
}

fn status(house: &House, id: &str) -> String {
    house.admin.person(id).unwrap().person.status
}

fn total(house: &House, filter: &str) -> u64 {
    let list = house.get(&format!("/Users?filter={}", filter.replace(' ', "%20")));
    list["totalResults"].as_u64().unwrap()
}

/// The same house with other policies of its caller.
fn with_policies(house: &mut House, policies: Policies) {
    let mut configuration = (*house.caller.configuration).clone();
    configuration.policies = policies;
    house.caller.configuration = configuration.into();
}

/// Applies the rules to everybody, in as many steps as it takes.
fn reapply(house: &House) {
    let mut job = house
        .admin
        .begin_reapply(&actor(), house.id_of("Test"))
        .unwrap();
    while !job.finished {
        job = house
            .provider
            .reapply(&house.caller.configuration, &job)
            .unwrap();
    }
}

/// The caller with the fields and rules that are there now.
fn again(house: &mut House) {
    let stored = house.admin.find_configuration("Test").unwrap();
    house.caller = common::caller(stored.to_provisioning());
}

fn person(house: &House, id: &str) -> Value {
    Value::Object(house.admin.person(id).unwrap().person.fields)
}

fn logged(house: &House) -> Vec<scim_admin::event::LoggedEvent> {
    common::found(house, scim_admin::event::EventQuery::default())
}

engines::tests! {
    on_both(House::new):
        what_says_nothing_of_active_lets_nobody_in_and_keeps_nobody_out,
        silence_undoes_no_administrator,
        a_person_blocked_by_hand_who_is_linked_in_silence_stays_blocked,
        a_user_of_whom_nobody_said_it_is_answered_and_found_as_active,
        users_of_an_older_version_are_found_as_active_after_the_migration,
        reports_of_one_who_left_go_to_the_one_who_comes_in_the_place,
        whoever_came_at_the_same_time_as_the_manager_is_linked_when_the_manager_changes,
        only_a_manager_who_can_be_read_has_a_reference,
        an_update_of_which_something_was_dropped_is_a_warning_that_names_it,
        a_repeated_external_id_names_no_manager,
        a_group_that_is_not_shown_is_no_part_of_the_entity_tag_that_is_looked_for,
        every_user_who_waits_for_a_person_is_kept_and_the_strongest_comes_first;
    on_both(Engine::clone):
        a_person_who_is_linked_at_once_keeps_the_status_unless_it_is_said,
        a_manager_whose_deletion_is_held_or_who_left_stays_the_manager,
        whole_numbers_reach_the_record_exactly_and_edits_of_them_reach_the_identity_provider,
        a_field_that_is_deleted_takes_its_values_along_and_leaves_the_others,
        a_repeated_external_id_is_accepted_and_told_or_refused,
        unknown_members_refuse_the_request_or_are_left_out_and_join_when_they_come,
        the_guard_of_members_holds_until_an_administrator_decides,
        the_guard_of_members_refuses_or_warns_where_the_policy_says_so;
    on_postgres(Engine::clone):
        whoever_comes_back_joins_what_awaits_them_then_and_nothing_forgets_them;
}
