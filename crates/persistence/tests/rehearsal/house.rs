//! A house that rehearses, and what its directory is to the letter.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use diesel::sql_types::Text;
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
use scim_admin::rehearsal::{Rehearsal, RehearsedItem, RehearsedPlace};
use scim_admin::{ConfigurationStatus, ProvisioningConfiguration};
use scim_provisioning::policy::ExistingUsers;
use scim_provisioning::{Answer, Caller, Method, Policies, Request, ServiceProvider};
use serde_json::{Value, json};

use super::common::{House, actor, read_back};

/// Every row of the directory, by its table.
pub(super) type Dump = BTreeMap<String, Vec<String>>;

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

pub(super) const TABLES: [&str; 13] = [
    "users",
    "user_emails",
    "groups",
    "group_members",
    "awaited_members",
    "group_grants",
    "manual_grants",
    "held_changes",
    "link_candidates",
    "mapping_versions",
    "custom_fields",
    "reference_values",
    "resource_totals",
];

/// A connection of one's own to the database of a house.
enum Look {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Look {
    fn at(house: &House) -> Self {
        let url = &house.settings.url;
        match url.strip_prefix("sqlite:") {
            Some(path) => Self::Sqlite(SqliteConnection::establish(path).unwrap()),
            None => Self::Postgres(PgConnection::establish(url).unwrap()),
        }
    }

    fn lines(&mut self, sql: &str) -> Vec<String> {
        let query = diesel::sql_query(sql);
        let lines: Vec<Line> = match self {
            Self::Sqlite(connection) => query.load(connection).unwrap(),
            Self::Postgres(connection) => query.load(connection).unwrap(),
        };
        lines.into_iter().map(|line| line.line).collect()
    }

    /// A row of a table as one value.
    fn row(&mut self, table: &str) -> String {
        if matches!(self, Self::Postgres(_)) {
            return format!("CAST(row_to_json({table}) AS text)");
        }
        let columns = format!(
            "SELECT '''' || name || ''', \"' || name || '\"' AS line \
             FROM pragma_table_info('{table}')"
        );
        format!("json_object({})", self.lines(&columns).join(", "))
    }
}

/// The directory to the letter.
pub(super) fn dump(house: &House) -> Dump {
    // One for all tables: a connection reads the whole schema before its first statement.
    let mut look = Look::at(house);
    let of = |table: &str| {
        // Totals are kept in more rows or fewer, of which the sums count.
        let sql = match table {
            "resource_totals" => "SELECT configuration_id || ' ' || counted || ' ' || \
                CAST(SUM(amount) AS text) AS line FROM resource_totals \
                GROUP BY configuration_id, counted HAVING SUM(amount) <> 0"
                .to_owned(),
            _ => format!("SELECT {} AS line FROM {table}", look.row(table)),
        };
        let mut rows = look.lines(&sql);
        rows.sort();
        (table.to_owned(), rows)
    };
    TABLES.into_iter().map(of).collect()
}

/// What differs, for a message that can be read.
pub(super) fn differences(one: &Dump, other: &Dump) -> String {
    let mut said = String::new();
    for (table, rows) in one {
        let others = &other[table];
        let (here, there): (HashSet<_>, HashSet<_>) =
            (rows.iter().collect(), others.iter().collect());
        for row in rows.iter().filter(|row| !there.contains(row)) {
            said.push_str(&format!("{table} - {row}\n"));
        }
        for row in others.iter().filter(|row| !here.contains(row)) {
            said.push_str(&format!("{table} + {row}\n"));
        }
    }
    said
}

pub(super) fn found(house: &House) -> ProvisioningConfiguration {
    house.admin.find_configuration("Test").unwrap()
}

/// Begins to rehearse, and answers who answers.
pub(super) fn rehearse(house: &House) -> (Rehearsal, Arc<ServiceProvider>) {
    let begun = house
        .admin
        .begin_rehearsal(&actor(), &found(house))
        .unwrap();
    assert_eq!(found(house).status, ConfigurationStatus::Rehearsing);
    let provider = house.admin.rehearsed(&house.provider, begun.id).unwrap();
    (begun, provider)
}

pub(super) fn go_live(house: &House, anyway: bool) -> String {
    let begun = house
        .admin
        .begin_going_live(&actor(), &found(house), anyway);
    let begun = begun.unwrap();
    house.admin.finish_going_live(&begun).unwrap();
    begun.live.unwrap().run.to_string()
}

pub(super) fn items(house: &House, rehearsal: &Rehearsal) -> Vec<RehearsedItem> {
    let first = RehearsedPlace::FIRST;
    let page = house.admin.rehearsed_items(rehearsal, None, first, 1_000);
    page.unwrap().items
}

pub(super) fn answered(
    provider: &ServiceProvider,
    caller: &Caller,
    method: Method,
    path: &str,
    body: &Value,
) -> Answer {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let request = Request {
        method,
        path,
        query,
        body: body.as_bytes(),
        if_match: None,
        if_none_match: None,
    };
    read_back(provider.answer(caller, &request))
}

pub(super) fn with_policies(house: &mut House, change: impl FnOnce(&mut Policies)) {
    let before = found(house);
    let mut input = scim_admin::ConfigurationInput::of(&before);
    change(&mut input.policies);
    let edited = house.admin.edit_configuration(&actor(), &before, &input);
    house.caller = Caller {
        configuration: Arc::new(edited.unwrap().to_provisioning()),
        ..house.caller.clone()
    };
}

pub(super) fn linking(house: &mut House) {
    with_policies(house, |policies| {
        policies.existing_users = ExistingUsers::Link
    });
}

/// A person created by hand.
pub(super) fn by_hand(house: &House, name: &str, protected: bool) -> String {
    let input = scim_admin::people::PersonInput {
        user_name: name.to_owned(),
        email: Some(format!("{name}@corp.example")),
        tenant_admin: protected,
        role: None,
    };
    house.admin.add_person(&actor(), &input).unwrap()
}

pub(super) fn id(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    answer.body.as_ref().unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

pub(super) fn user(name: &str) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
        "active": true, "displayName": format!("{name} Doe"), "externalId": format!("x-{name}"),
        "emails": [{"value": format!("{name}@corp.example"), "type": "work", "primary": true}]})
}

pub(super) fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name,
        "members": members})
}

pub(super) fn patch(operations: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations})
}

pub(super) fn replace(path: &str, value: impl Into<Value>) -> Value {
    patch(&json!([{"op": "replace", "path": path, "value": value.into()}]))
}
