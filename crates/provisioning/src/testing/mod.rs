//! The contract of [`Directory`](crate::Directory), for a directory's own tests: checks that panic
//! where it is broken.
//!
//! ```
//! use scim_provisioning::testing::{CHECKS, MemorySubject};
//!
//! for check in CHECKS {
//!     (check.run)(&MemorySubject::new());
//! }
//! ```
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what is broken is told by a panic"
)]

mod groups;
mod links;
mod members;
mod pages;
mod people;
mod sharers;
mod subject;
mod transactions;
mod writes;

pub use subject::{MemorySubject, PersonByHand, Subject};

/// Something that a service provider relies on.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// What it is, as the name of a test.
    pub name: &'static str,
    /// Checks it of a directory in which nobody is.
    ///
    /// # Panics
    /// Where the directory breaks the contract.
    pub run: fn(&dyn Subject),
}

macro_rules! checks {
    ($($module:ident: $($name:ident),+;)+) => {
        /// Everything that a service provider relies on.
        pub const CHECKS: &[Check] = &[$($(Check {
            name: stringify!($name),
            run: $module::$name,
        },)+)+];
    };
}

checks! {
    transactions:
        a_write_that_fails_leaves_nothing,
        a_part_that_fails_is_undone_alone,
        a_write_that_panics_leaves_nothing_and_the_next_one_works,
        what_is_logged_with_a_write_stands_and_falls_with_it,
        a_failure_is_open_until_the_same_succeeds,
        no_write_is_lost_among_many,
        a_read_sees_one_moment,
        a_job_goes_on_where_it_was_left;
    people:
        a_user_is_read_as_it_was_written,
        a_configuration_sees_nobody_but_its_own,
        names_of_users_are_unique_as_people_read_them,
        a_user_is_written_at_the_version_that_it_has,
        whoever_leaves_is_out_of_sight_and_gives_the_name_back_when_archived,
        whose_leaving_is_held_stays_who_they_are,
        what_is_held_is_replaced_and_withdrawn,
        departures_are_counted_as_they_are_logged;
    links:
        a_person_made_by_hand_is_taken_over_and_one_who_left_is_taken_up_again,
        nobody_is_taken_over_who_administers,
        a_manager_is_linked_whenever_they_arrive,
        a_link_waits_until_it_is_approved_and_what_was_dismissed_does_not;
    sharers:
        whoever_has_a_value_is_found_once_with_what_is_shared,
        a_protected_account_is_found_by_everything_that_recovers_it,
        records_that_fields_name_are_found_by_name_or_id_and_made;
    groups:
        names_of_groups_are_unique_inside_a_configuration,
        a_group_is_written_at_the_version_that_it_has,
        a_group_made_by_hand_is_taken_over_unless_it_is_protected,
        a_group_goes_with_its_memberships_or_stays_with_those_of_others,
        a_group_is_found_by_what_it_is_told_apart_by;
    members:
        a_member_is_added_once_and_removed_once,
        who_is_out_of_sight_is_no_member_and_stays_one,
        what_is_held_of_a_group_is_hidden_until_it_is_added_again,
        whoever_is_awaited_joins_when_they_come,
        members_are_read_chunk_by_chunk;
    pages:
        filters_find_what_the_evaluator_says,
        pages_hold_everybody_once_in_order,
        groups_are_sorted_and_found_by_their_members,
        a_name_is_the_same_with_blanks_around_it,
        the_address_of_a_manager_is_found_as_it_is_shown;
}
