//! Runs: what they count, what they changed, and that taking one back leaves the directory as it was.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod begun;
#[path = "../common/mod.rs"]
mod common;
mod leavers;
mod names;
mod spared;
mod taken_back;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::{BASE, Engine, House, actor};
use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
use scim_admin::run::{Chosen, RowDifference, Run, RunState, RunsQuery};
use scim_protocol::Limits;
use scim_protocol::schema::uri;
use scim_provisioning::policy::Deletion;
use scim_provisioning::{Caller, Configuration, Method, RunKind, ServiceProvider};
use serde_json::{Value, json};

use begun::*;
use leavers::*;
use names::*;
use spared::*;
use taken_back::*;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn of(&mut self, among: &[String]) -> String {
        match among.len() {
            0 => String::new(),
            some => among[self.below(some)].clone(),
        }
    }
}

/// Everything that undo puts back, times and versions apart, by what it is about.
type Dump = BTreeMap<String, String>;

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    about: String,
    #[diesel(sql_type = Text)]
    line: String,
}

const DUMPED: [&str; 11] = [
    "SELECT 'user ' || u.id AS about, f.record || ' ' || u.user_name_key || ' ' || u.display_key \
     || ' ' || COALESCE(u.email_key, '-') || ' ' || COALESCE(u.manager_key, '-') || ' ' || \
     COALESCE(u.scim_user_name_key, '-') || CASE WHEN u.held = 1 THEN ' held' ELSE '' END || \
     CASE WHEN u.left_at IS NULL THEN ' here' ELSE ' left' END AS line \
     FROM users u JOIN feed_users f ON f.id = u.id",
    "SELECT 'document ' || id AS about, scim_document AS line FROM users",
    "SELECT 'search ' || id AS about, CAST(search_document AS text) AS line FROM users",
    "SELECT 'document ' || id AS about, scim_document AS line FROM groups",
    "SELECT 'search ' || id AS about, CAST(search_document AS text) AS line FROM groups",
    "SELECT 'address ' || user_id || ' ' || value_key AS about, COALESCE(type_key, '-') AS line \
     FROM user_emails",
    "SELECT 'group ' || g.id AS about, f.record || ' ' || g.name_key || ' ' || \
     COALESCE(g.scim_name_key, '-') || ' ' || COALESCE(g.rule_key, '-') AS line \
     FROM groups g JOIN feed_groups f ON f.id = g.id",
    "SELECT 'member ' || group_id || ' ' || member_id AS about, member_kind || \
     CASE WHEN held_id IS NULL THEN '' ELSE ' held' END AS line FROM group_members",
    "SELECT 'grant ' || id AS about, record AS line FROM feed_group_grants",
    "SELECT 'held ' || user_id AS about, status || ' ' || deleted AS line FROM held_changes",
    "SELECT 'awaited ' || group_id || ' ' || member_id AS about, '' AS line FROM awaited_members",
];

fn dump(house: &House) -> Dump {
    let url = &house.settings.url;
    // One connection for all: each reads the whole schema before its first statement.
    let lines: Vec<Line> = match url.strip_prefix("sqlite:") {
        Some(path) => {
            let mut connection = SqliteConnection::establish(path).unwrap();
            let read = |query| diesel::sql_query(query).load(&mut connection).unwrap();
            DUMPED.into_iter().flat_map(read).collect()
        }
        None => {
            let mut connection = PgConnection::establish(url).unwrap();
            let read = |query| diesel::sql_query(query).load(&mut connection).unwrap();
            DUMPED.into_iter().flat_map(read).collect()
        }
    };
    let sorted = lines.into_iter().map(|line| {
        let text = match serde_json::from_str(&line.line) {
            // The order of attributes says nothing.
            Ok(Value::Object(members)) => {
                let sorted: BTreeMap<String, Value> = members.into_iter().collect();
                json!(sorted).to_string()
            }
            _ => line.line,
        };
        (line.about, text)
    });
    sorted.collect()
}

/// What differs, for a message that can be read.
fn differences(before: &Dump, after: &Dump) -> Vec<String> {
    let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let differing = keys
        .into_iter()
        .filter(|key| before.get(*key) != after.get(*key));
    differing
        .map(|key| {
            format!(
                "{key}:\n  was {:?}\n  is  {:?}",
                before.get(key),
                after.get(key)
            )
        })
        .collect()
}

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER, uri::ENTERPRISE_USER], "userName": name, "active": true,
        "displayName": format!("{name} Doe"), "externalId": format!("x-{name}"),
        "emails": [{"value": format!("{name}@corp.example"), "type": "work", "primary": true}]})
}

fn patch(operations: &Value) -> Value {
    json!({"schemas": [uri::PATCH_OP], "Operations": operations})
}

fn replace(path: &str, value: impl Into<Value>) -> Value {
    patch(&json!([{"op": "replace", "path": path, "value": value.into()}]))
}

/// What an identity provider sees.
fn listed(house: &House, path: &str) -> Vec<String> {
    let found = house.get(&format!("{path}?count=1000&attributes=id"));
    let resources = found["Resources"].as_array().cloned().unwrap_or_default();
    let ids = resources.iter().map(|one| one["id"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}

/// One request of an identity provider; what is refused is refused.
fn operate(house: &House, dice: &mut Dice, number: usize) {
    let (users, groups) = (listed(house, "/Users"), listed(house, "/Groups"));
    let (one, other) = (dice.of(&users), dice.of(&users));
    let (group, inner) = (dice.of(&groups), dice.of(&groups));
    let (user_path, group_path) = (format!("/Users/{one}"), format!("/Groups/{group}"));
    // Few names, so that one is given up by one and taken by another.
    let name = format!("p{}", dice.below(12));
    let ask = |method, path: &str, body: &Value| house.request(method, path, body).status;
    match dice.below(20) {
        0..=2 => {
            let mut body = user(&name);
            body[uri::ENTERPRISE_USER] = json!({"manager": {"value": format!("p{}", dice.below(12))},
                "department": format!("D{}", dice.below(3))});
            ask(Method::Post, "/Users", &body);
        }
        3 => {
            ask(
                Method::Patch,
                &user_path,
                &replace("title", format!("T{number}")),
            );
        }
        4 => {
            ask(Method::Patch, &user_path, &replace("userName", &*name));
        }
        5 => {
            ask(
                Method::Patch,
                &user_path,
                &replace("active", dice.below(2) == 0),
            );
        }
        6 => {
            let emails =
                json!([{"value": format!("{name}.{number}@corp.example"), "type": "work"}]);
            ask(Method::Patch, &user_path, &replace("emails", emails));
        }
        7 | 8 => {
            ask(Method::Put, &user_path, &user(&name));
        }
        9 | 10 => {
            ask(Method::Delete, &user_path, &Value::Null);
        }
        11 | 12 => {
            let body = json!({"schemas": [uri::GROUP], "displayName": format!("g{}", dice.below(5)),
                "members": [{"value": one}]});
            ask(Method::Post, "/Groups", &body);
        }
        13..=15 => {
            let op = ["add", "remove"][dice.below(2)];
            let member = [&one, &inner][dice.below(2)];
            let members = json!([{"op": op, "path": "members", "value": [{"value": member}]}]);
            ask(Method::Patch, &group_path, &patch(&members));
        }
        16 => {
            let body = json!({"schemas": [uri::GROUP], "displayName": format!("g{}", dice.below(5)),
                "members": [{"value": one}, {"value": other}]});
            ask(Method::Put, &group_path, &body);
        }
        17 => {
            let name = format!("g{}", dice.below(5));
            ask(Method::Patch, &group_path, &replace("displayName", name));
        }
        18 => {
            ask(Method::Delete, &group_path, &Value::Null);
        }
        _ => {
            let body = json!({"schemas": [uri::BULK_REQUEST], "Operations": [
                {"method": "POST", "path": "/Users", "bulkId": "a", "data": user(&name)},
                {"method": "POST", "path": "/Groups", "bulkId": "b", "data":
                    {"schemas": [uri::GROUP], "displayName": format!("g{}", dice.below(5)),
                     "members": [{"value": "bulkId:a"}]}},
            ]});
            ask(Method::Post, "/Bulk", &body);
        }
    }
}

/// Ends the cycle that is under way, as silence would.
fn end_cycle(house: &mut House) {
    house.provider.count_cycles().unwrap();
    house.tamper("UPDATE runs SET state = 'done', ended_at = last_request_at WHERE kind = 'cycle'");
    house.provider = another_server(house);
}

fn another_server(house: &House) -> ServiceProvider {
    let (directory, keys) = (house.database.clone(), house.keys.clone());
    ServiceProvider::new(directory, keys, BASE, Limits::default())
}

fn runs(house: &House, kind: RunKind) -> Vec<Run> {
    let query = RunsQuery {
        kind: Some(kind),
        limit: 100,
        ..RunsQuery::default()
    };
    house.admin.runs(&query).unwrap()
}

fn last_cycle(house: &House) -> Run {
    house.provider.count_cycles().unwrap();
    runs(house, RunKind::Cycle).swap_remove(0)
}

fn undo(house: &House, run: &Run, chosen: Chosen) -> Run {
    let begun = house.admin.begin_undo(&actor(), run, chosen).unwrap();
    let done = house.admin.finish_undo(begun.id).unwrap();
    assert_eq!(done.state, RunState::Done);
    done
}

fn preview(house: &House, run: &Run, chosen: &Chosen) -> Vec<RowDifference> {
    house.admin.preview_undo(run.id, chosen, None, 100).unwrap()
}

fn with_policy(house: &mut House, change: impl FnOnce(&mut scim_provisioning::Policies)) {
    let before = house.admin.find_configuration("Test").unwrap();
    let mut configuration = Configuration::clone(&house.caller.configuration);
    change(&mut configuration.policies);
    let input = scim_admin::ConfigurationInput {
        name: before.name.clone(),
        description: String::new(),
        users: true,
        groups: true,
        identity_provider: before.identity_provider,
        profile: before.profile,
        policies: configuration.policies,
        networks: Vec::new(),
    };
    let after = house
        .admin
        .edit_configuration(&actor(), &before, &input)
        .unwrap();
    house.caller = Caller {
        configuration: Arc::new(after.to_provisioning()),
        ..house.caller.clone()
    };
}

/// Random requests, taken back and done again: 0 differences.
fn undo_gives_back_the_directory_from_before(engine: &Engine) {
    let sequences = std::env::var("SERVICEOPS_SCIM_UNDO_SEQUENCES");
    let sequences: u64 = sequences.map_or(200, |text| text.parse().unwrap());
    let mut house = House::new(engine);
    let mut done = 0;
    for seed in 1..=sequences {
        if seed % 50 == 1 {
            // Another directory, in which leaving means something else.
            house = House::new(engine);
            let deletion =
                [Deletion::Archive, Deletion::Block][usize::try_from(seed / 50 % 2).unwrap()];
            with_policy(&mut house, |policies| policies.deletion = deletion);
        }
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for number in 0..3 {
            operate(&house, &mut dice, number);
        }
        end_cycle(&mut house);
        let before = dump(&house);
        for number in 3..15 {
            operate(&house, &mut dice, number);
        }
        let after = dump(&house);
        end_cycle(&mut house);
        let run = last_cycle(&house);
        if after == before {
            continue;
        }
        let undone = undo(&house, &run, Chosen::default());
        let mut then = dump(&house);
        // Whom the run created is archived.
        then.retain(|about, line| match about.strip_prefix("user ") {
            Some(_) if !before.contains_key(about) => {
                assert!(
                    line.contains("archived") && line.ends_with("left"),
                    "{seed}: {line}"
                );
                false
            }
            _ => true,
        });
        let created = |about: &String| {
            let mut words = about.split(' ');
            let (of, id) = (words.next().unwrap(), words.next().unwrap());
            let theirs = ["address", "document", "search"].contains(&of);
            !theirs
                || before.contains_key(&format!("user {id}"))
                || before.contains_key(&format!("group {id}"))
        };
        then.retain(|about, _| created(about));
        assert_eq!(
            differences(&before, &then).join("\n"),
            "",
            "sequence {seed} on {engine:?}"
        );
        let redone = undo(&house, &undone, Chosen::default());
        assert_eq!(redone.kind, RunKind::Redo);
        let again = dump(&house);
        assert_eq!(
            differences(&after, &again).join("\n"),
            "",
            "redo {seed} on {engine:?}"
        );
        done += 1;
    }
    assert!(done > sequences / 2, "{done} sequences changed something");
}

engines::tests! {
    in_turn;
    on_both(Engine::clone): undo_gives_back_the_directory_from_before;
    on_both(House::new): a_read_is_no_write_and_is_counted_with_the_others,
        what_changes_nothing_is_counted,
        servers_share_a_cycle_and_silence_ends_it,
        what_somebody_changed_since_is_kept_and_told_before,
        chosen_people_and_single_entries_are_taken_back_alone,
        a_protected_account_and_what_is_purged_stay_as_they_are,
        what_administrators_decide_is_a_run_that_can_be_taken_back,
        what_was_held_and_allowed_since_stays_with_the_decision,
        a_run_is_taken_back_in_steps_that_others_take_up,
        what_is_by_hand_and_no_run_leaves_no_image,
        a_name_that_was_given_since_is_not_taken,
        a_name_of_whom_nobody_chose_is_not_taken,
        a_group_whose_members_changed_keeps_its_name,
        a_name_of_a_protected_account_is_not_taken,
        names_in_a_circle_come_back_together,
        a_conflict_that_nobody_foresaw_is_refused_and_told,
        a_step_that_fails_is_done_later_and_nobody_begins_meanwhile,
        an_entry_of_a_decision_and_of_an_undo_is_taken_back,
        a_request_that_is_replayed_is_a_run_of_its_own,
        somebody_whose_memberships_alone_changed_is_chosen_by_name,
        a_run_is_forgotten_as_a_whole,
        leavers_come_back,
        who_was_brought_back_is_held_when_they_are_to_leave_again,
        a_member_who_was_brought_back_is_held_when_they_are_removed_again,
        who_was_taken_out_again_may_join_again,
        an_undo_pauses_the_configuration_that_may_do_it_again,
        what_hangs_on_what_is_protected_stays_as_it_is;
}
