//! Databases of any size, filled by SQL with copies of what the service wrote.

use diesel::RunQueryDsl;
use diesel::deserialize::QueryableByName;
use diesel::sql_types::Text;
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use serde_json::{Value, json};

use super::{Engine, House};

/// How many of everything.
#[derive(Debug, Clone, Copy)]
pub struct Crowd {
    pub users: usize,
    /// Groups of five members each.
    pub groups: usize,
    /// Members of one more group.
    pub large: usize,
    pub events: usize,
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

/// In every text of what is copied; the copy has its number there instead.
pub const SEED: &str = "zzseed";

/// The name of a copied user.
pub fn name(number: usize) -> String {
    format!("zz{number}")
}

/// The id of a copied user or group.
pub fn id(kind: char, number: usize) -> String {
    let kind = if kind == 'u' { 1 } else { 2 };
    format!("{number:08x}-0000-7000-800{kind}-{number:012x}")
}

/// A user as an identity provider sends one.
pub fn user(name: &str) -> Value {
    json!({
        "schemas": [uri::USER, uri::ENTERPRISE_USER],
        "userName": name,
        "externalId": format!("ext-{name}"),
        "displayName": format!("{name} Doe"),
        "name": {"givenName": name, "familyName": "Doe"},
        "title": "Engineer",
        "active": true,
        "emails": [
            {"type": "work", "primary": true, "value": format!("{name}@example.com")},
            {"type": "home", "value": format!("{name}@home.example")},
        ],
        "phoneNumbers": [{"type": "work", "value": "+1 555 0100"}],
        uri::ENTERPRISE_USER: {"employeeNumber": format!("E-{name}"), "department": "Support"},
    })
}

/// A house with a crowd in its configuration. Nothing analyses it.
pub fn filled(engine: &Engine, crowd: Crowd) -> House {
    let house = House::new(engine);
    if let Engine::Postgres(_) = engine {
        for table in [
            "users",
            "groups",
            "group_members",
            "user_emails",
            "provisioning_events",
        ] {
            house.tamper(&format!(
                "ALTER TABLE {table} SET (autovacuum_enabled = false)"
            ));
        }
    }
    let person = house.create("/Users", &user(SEED));
    let group = house.create(
        "/Groups",
        &json!({"schemas": [uri::GROUP], "displayName": SEED, "externalId": format!("ext-{SEED}")}),
    );
    // A failure and a warning beside the successes.
    house.request(Method::Post, "/Users", &user(SEED));
    let sql = Fill {
        house: &house,
        sqlite: matches!(engine, Engine::Sqlite),
    };
    sql.copy("users", &format!("s.id = '{person}'"), crowd.users, |c| {
        (c == "id").then(|| sql.id('u', "n"))
    });
    sql.copy(
        "user_emails",
        &format!("s.user_id = '{person}'"),
        crowd.users,
        |c| (c == "user_id").then(|| sql.id('u', "n")),
    );
    sql.copy(
        "groups",
        &format!("s.id = '{group}'"),
        crowd.groups + 1,
        |c| (c == "id").then(|| sql.id('g', "n")),
    );
    sql.copy(
        "provisioning_events",
        "s.resource_type = 'User'",
        crowd.events,
        |c| (c == "resource_id").then(|| sql.id('u', "n")),
    );
    sql.copy("audit_events", "s.id = 1", crowd.events, |c| {
        (c == "configuration_id").then(|| "NULL".to_owned())
    });
    // The first group is the large one.
    for (members, of) in [
        (crowd.large, "1".to_owned()),
        (crowd.groups * 5, "2 + n / 5".to_owned()),
    ] {
        house.tamper(&format!(
            "INSERT INTO group_members (group_id, member_id, member_kind, added_at) \
             SELECT {}, {}, 'User', 1 FROM {}",
            sql.id('g', &format!("({of})")),
            sql.id('u', &format!("(1 + n % {})", crowd.users)),
            sql.numbers(members, 0),
        ));
    }
    house
}

struct Fill<'a> {
    house: &'a House,
    sqlite: bool,
}

impl Fill<'_> {
    fn numbers(&self, count: usize, from: usize) -> String {
        let last = from + count - 1;
        match self.sqlite {
            true => format!(
                "(WITH RECURSIVE counted (n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM counted \
                 WHERE n < {last}) SELECT n FROM counted) AS numbers"
            ),
            false => format!("generate_series({from}, {last}) AS numbers (n)"),
        }
    }

    fn id(&self, kind: char, number: &str) -> String {
        let kind = if kind == 'u' { 1 } else { 2 };
        match self.sqlite {
            true => format!("printf('%08x-0000-7000-800{kind}-%012x', {number}, {number})"),
            false => format!(
                "(lpad(to_hex({number}), 8, '0') || '-0000-7000-800{kind}-' || \
                 lpad(to_hex({number}), 12, '0'))"
            ),
        }
    }

    fn columns(&self, table: &str) -> Vec<Column> {
        let url = &self.house.settings.url;
        match url.strip_prefix("sqlite:") {
            Some(path) => {
                let mut connection: diesel::SqliteConnection =
                    diesel::Connection::establish(path).unwrap();
                diesel::sql_query(format!(
                    "SELECT name, lower(type) AS kind FROM pragma_table_info('{table}')"
                ))
                .load(&mut connection)
                .unwrap()
            }
            None => {
                let mut connection: diesel::PgConnection =
                    diesel::Connection::establish(url).unwrap();
                diesel::sql_query(format!(
                    "SELECT CAST(column_name AS text) AS name, CAST(data_type AS text) AS kind \
                     FROM information_schema.columns WHERE table_name = '{table}'"
                ))
                .load(&mut connection)
                .unwrap()
            }
        }
    }

    /// Copies the rows that a condition on `s` selects, with other values where `other` has one.
    fn copy(
        &self,
        table: &str,
        condition: &str,
        count: usize,
        other: impl Fn(&str) -> Option<String>,
    ) {
        let columns = self.columns(table);
        let own_id = columns
            .iter()
            .any(|column| column.name == "id" && column.kind != "text");
        let columns: Vec<_> = columns
            .iter()
            .filter(|column| !(own_id && column.name == "id"))
            .collect();
        let values: Vec<String> = columns
            .iter()
            .map(|column| {
                let name = &column.name;
                let text = |value: &str| format!("replace({value}, '{SEED}', 'zz' || n)");
                match (other(name), column.kind.as_str()) {
                    (Some(value), _) => value,
                    (None, "text") => text(&format!("s.{name}")),
                    (None, "jsonb") => format!(
                        "CAST({} AS jsonb)",
                        text(&format!("CAST(s.{name} AS text)"))
                    ),
                    (None, _) => format!("s.{name}"),
                }
            })
            .collect();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        self.house.tamper(&format!(
            "INSERT INTO {table} ({}) SELECT {} FROM (SELECT * FROM {table} s WHERE {condition}) s, {}",
            names.join(", "),
            values.join(", "),
            self.numbers(count, 1),
        ));
    }
}

/// Has the engine look at what its tables hold.
pub fn analyse(house: &House) {
    let vacuum = if house.settings.url.starts_with("sqlite:") {
        ""
    } else {
        "VACUUM "
    };
    house.tamper(&format!("{vacuum}ANALYZE"));
}
