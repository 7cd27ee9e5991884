//! A protected account stays as it is, whatever is asked of the store.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

#[path = "../common/mod.rs"]
mod common;
mod groups;
mod writes;

use chrono::Utc;
use common::House;
use common::{actor, configuration, found};
use diesel::QueryableByName;
use diesel::sql_types::Text;
use scim_admin::event::EventQuery;
use scim_admin::people::PersonUpdate;
use scim_admin::people::{GroupInput, PersonChange, PersonInput, UserType};
use scim_admin::policy::{LinksQuery, Which};
use scim_admin::store::Written;
use scim_admin::{AdminError, ConfigurationInput};
use scim_mapping::Field;
use scim_protocol::schema::uri;
use scim_provisioning::directory::{Departure, HeldAction, Status, UserWrite};
use scim_provisioning::event::Outcome;
use scim_provisioning::{DirectoryExt, DirectoryTransaction, Method, ResourceId, StoreError};
use serde_json::{Value, json};

use groups::*;
use writes::*;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Every row of a table that a condition names, with every column, as one text.
fn rows(house: &House, table: &str, condition: &str) -> Vec<String> {
    let url = &house.settings.url;
    let rows: Vec<Row> = match url.strip_prefix("sqlite:") {
        Some(path) => {
            let mut connection: diesel::SqliteConnection =
                diesel::Connection::establish(path).unwrap();
            let columns = diesel::sql_query(format!(
                "SELECT group_concat('\"' || name || '\"') AS text FROM pragma_table_info('{table}')"
            ));
            let columns: Vec<Row> = diesel::RunQueryDsl::load(columns, &mut connection).unwrap();
            let sql = format!(
                "SELECT json_array({}) AS text FROM {table} WHERE {condition} ORDER BY 1",
                columns[0].text
            );
            diesel::RunQueryDsl::load(diesel::sql_query(sql), &mut connection).unwrap()
        }
        None => {
            let mut connection: diesel::PgConnection = diesel::Connection::establish(url).unwrap();
            let sql = format!(
                "SELECT CAST(row_to_json(t) AS text) AS text FROM {table} t WHERE {condition} \
                 ORDER BY 1"
            );
            diesel::RunQueryDsl::load(diesel::sql_query(sql), &mut connection).unwrap()
        }
    };
    rows.into_iter().map(|row| row.text).collect()
}

/// What is stored of a person: the row, addresses, memberships and what was given by hand.
fn stored(house: &House, id: &str) -> Vec<Vec<String>> {
    [
        ("users", "id"),
        ("user_emails", "user_id"),
        ("group_members", "member_id"),
        ("manual_grants", "user_id"),
    ]
    .map(|(table, column)| rows(house, table, &format!("{column} = '{id}'")))
    .to_vec()
}

fn user(name: &str) -> Value {
    json!({"schemas": [uri::USER], "userName": name, "active": true,
        "emails": [{"value": format!("{name}@corp.example"), "primary": true}]})
}

fn protect(house: &House, id: &str) {
    house.tamper(&format!(
        "UPDATE users SET is_tenant_admin = 1 WHERE id = '{id}'"
    ));
}

/// A person whom the configuration manages, in a group, with a manager who is not there yet; a
/// tenant admin from then on.
fn admin(house: &House) -> (String, String) {
    let mut said = user("chief");
    said[uri::ENTERPRISE_USER] = json!({"manager": {"value": "boss"}});
    let chief = house.create("/Users", &said);
    let group =
        json!({"schemas": [uri::GROUP], "displayName": "Board", "members": [{"value": chief}]});
    let group = house.create("/Groups", &group);
    protect(house, &chief);
    (chief, group)
}

engines::tests! {
    on_both(House::new):
        no_write_of_an_administrator_reaches_a_protected_account,
        no_write_of_the_directory_reaches_a_protected_account,
        no_request_and_no_job_reaches_a_protected_account,
        what_is_held_of_an_account_waits_while_it_is_protected,
        a_configuration_that_is_deleted_changes_nothing_of_a_protected_account_but_who_manages_it,
        a_group_that_is_deleted_is_released_with_the_members_whom_others_put_there,
        a_group_that_confers_an_administrative_right_is_out_of_sight,
        a_group_tells_of_the_members_alone_whom_its_configuration_sees,
        no_rule_takes_over_a_group_with_a_protected_account_in_it,
        a_link_that_waits_does_not_reach_an_account_that_is_protected,
        the_numbers_and_addresses_of_a_protected_account_are_taken_however_they_are_written;
    once:
        statements_that_change_people_are_made_in_one_place;
}
