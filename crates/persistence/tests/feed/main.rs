//! The feed: a receiver that has nothing but what is recorded ends with exactly the directory,
//! whoever wrote it and however.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod changes;
#[path = "../common/mod.rs"]
mod common;
mod copy;

use chrono::{Duration, Utc};
use common::{Engine, House, actor, caller, configuration};
use diesel::connection::SimpleConnection;
use scim_admin::people::{GroupInput, ManagedBy, PeopleQuery, PersonChange, PersonInput, UserType};
use scim_admin::policy::Which;
use scim_admin::{Actor, AdminService};
use scim_feed::{
    Change, Extent, Feed, FeedError, FeedStore, PAGE_BYTES, Position, SnapshotRow, Subject, Topic,
};
use scim_persistence::Database;
use scim_protocol::schema::uri;
use scim_provisioning::policy::Deletion;
use scim_provisioning::{Method, Policies, Request};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use changes::*;
use copy::*;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn of<'a, T>(&mut self, among: &'a [T]) -> Option<&'a T> {
        match among.len() {
            0 => None,
            some => among.get(self.below(some)),
        }
    }
}

fn extent(house: &House) -> Extent {
    house.database.extent().unwrap()
}

/// Everything behind a position, in pages.
fn follow(house: &House, mut after: Position) -> (Vec<Change>, Position) {
    let feed = Feed::new(house.database.clone());
    let mut all = Vec::new();
    loop {
        let page = feed.changes(None, after, 7).unwrap();
        if page.items.is_empty() {
            return (all, after);
        }
        after = page.next;
        all.extend(page.items);
    }
}

fn snapshot(house: &House) -> Vec<SnapshotRow> {
    let mut all: Vec<SnapshotRow> = Vec::new();
    loop {
        let after = all.last().map(SnapshotRow::key);
        let page = house
            .database
            .snapshot(Subject::ALL, after.as_ref(), 5)
            .unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn ids(house: &House, subject: Subject) -> Vec<String> {
    let rows = snapshot(house).into_iter();
    let of = rows.filter(|row| row.subject == subject);
    of.map(|row| row.id).collect()
}

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": name, "active": true,
        "displayName": format!("{name} Doe"),
        "emails": [{"value": format!("{name}@corp.example"), "type": "work", "primary": true}]})
}

fn patch(operations: &Value) -> Value {
    json!({"schemas": [uri::PATCH_OP], "Operations": operations})
}

/// Custom fields come, change and go, and their values with them.
fn fields(house: &House, dice: &mut Dice) {
    let field = |label: &str| {
        serde_json::from_value(
            json!({"key": "desk", "label": label, "type": {"text": {"max": 100}}}),
        )
        .unwrap()
    };
    let admin = &house.admin;
    match dice.below(3) {
        0 => {
            drop(admin.add_custom_field(&actor(), &field("Desk")));
            drop(admin.edit_custom_field(&actor(), &field("Where")));
        }
        1 => drop(admin.add_custom_field(&actor(), &field("Desk"))),
        _ => drop(admin.delete_custom_field(&actor(), "desk")),
    }
}

engines::tests! {
    on_both(Engine::clone): a_copy_kept_by_the_feed_alone_is_the_directory;
    on_both(House::new): what_is_written_behind_the_back_of_the_program_is_in_the_feed_too,
        a_change_says_who_did_it_and_what_nobody_sees_is_none,
        whoever_writes_is_told_by_the_name_as_it_is,
        what_is_rolled_back_leaves_neither_a_change_nor_its_author,
        what_is_forgotten_asks_for_a_snapshot_and_streams_hold_back,
        large_records_end_a_page_and_none_is_lost,
        a_time_is_the_position_before_what_was_written_since;
    on_postgres(Engine::clone): what_is_committed_later_is_not_skipped,
        changes_of_one_resource_come_in_their_order_whatever_stays_open;
}
