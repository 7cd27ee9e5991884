//! Fills a database with many users, in minutes.
//!
//! One user is created over SCIM; the others are copies of all that the service wrote for it, written
//! by the database itself, whose triggers count them as they count any.

use serde_json::{Value, json};

use crate::Failed;
use crate::database::{Database, Place};
use crate::http::{Connection, Target};
use crate::rows::{self, MARK, Pattern};

pub use crate::rows::lines;

/// A user as an identity provider sends one.
pub fn user(name: &str) -> Value {
    json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            ENTERPRISE,
        ],
        "userName": format!("{name}@corp.example"),
        "externalId": format!("ext-{name}"),
        "displayName": format!("{name} Doe"),
        "name": {"givenName": name, "familyName": "Doe"},
        "title": "Engineer",
        "active": true,
        "preferredLanguage": "en-US",
        "emails": [
            {"type": "work", "primary": true, "value": format!("{name}@corp.example")},
            {"type": "home", "value": format!("{name}@home.example")},
        ],
        "phoneNumbers": [
            {"type": "work", "value": "+1 555 0100"},
            {"type": "mobile", "value": "+1 555 0101"},
        ],
        ENTERPRISE: {"employeeNumber": format!("E-{name}"), "department": "Support"},
    })
}

/// The name of a seeded user, in [`user`].
pub fn name(number: usize) -> String {
    format!("u{number}")
}

/// Where a server listens on this machine, and whose token speaks.
#[derive(Debug, Clone)]
pub struct Speaker {
    /// The port.
    pub port: u16,
    /// The token.
    pub token: String,
}

/// Adds users with the numbers from 1 on to the configuration of a token, and answers the id of the
/// one that they are copies of, who is there as well.
///
/// # Errors
/// When the server or the database cannot be used.
pub fn users(speaker: &Speaker, place: &Place, users: usize) -> Result<String, Failed> {
    let target = Target::local(speaker.port, SCIM, &speaker.token)?;
    let id = create(&mut target.connect()?, &target, "/Users", &user(MARK))?;
    let mut database = place.connect()?;
    let pattern = Pattern::of(&mut database, &id)?;
    let sqlite = matches!(database, Database::Sqlite(_));
    let mut first = 1;
    while first <= users {
        let last = users.min(first + CHUNK - 1);
        database.run("BEGIN")?;
        for statement in pattern.copies(sqlite, (first, last), users) {
            database.run(&statement)?;
        }
        database.run("COMMIT")?;
        first = last + 1;
    }
    Ok(id)
}

/// Adds the same users one by one, over SCIM.
///
/// # Errors
/// When the server cannot be used.
pub fn users_over_scim(speaker: &Speaker, users: usize) -> Result<(), Failed> {
    let target = Target::local(speaker.port, SCIM, &speaker.token)?;
    let mut connection = target.connect()?;
    create(&mut connection, &target, "/Users", &user(MARK))?;
    for number in 1..=users {
        create(&mut connection, &target, "/Users", &user(&name(number)))?;
    }
    Ok(())
}

/// Creates a group with these of the users in it, by their numbers, over SCIM.
pub(crate) fn group(
    connection: &mut Connection,
    target: &Target,
    name: &str,
    members: impl IntoIterator<Item = usize>,
) -> Result<String, Failed> {
    let body = json!({"schemas": [GROUP], "displayName": name});
    let id = create(connection, target, "/Groups", &body)?;
    let numbers: Vec<usize> = members.into_iter().collect();
    for some in numbers.chunks(MEMBERS) {
        let named = some
            .iter()
            .map(|number| json!({"value": rows::user_id(*number)}));
        let add = json!([{"op": "add", "path": "members", "value": named.collect::<Vec<_>>()}]);
        let body = patch(&add).to_string();
        let request = target.request("PATCH", &format!("/Groups/{id}"), &body);
        let answer = connection.send(&request)?;
        if !matches!(answer.status, 200 | 204) {
            return Err(refused("PATCH /Groups", answer.status, answer.body));
        }
    }
    Ok(id)
}

/// The body of a PATCH with these operations.
pub(crate) fn patch(operations: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

/// Creates a resource, and answers its id.
pub(crate) fn create(
    connection: &mut Connection,
    target: &Target,
    path: &str,
    body: &Value,
) -> Result<String, Failed> {
    let answer = connection.send(&target.request("POST", path, &body.to_string()))?;
    if answer.status != 201 {
        return Err(refused(path, answer.status, answer.body));
    }
    let created: Value = serde_json::from_slice(answer.body)?;
    let id = created.get("id").and_then(Value::as_str);
    Ok(id.ok_or("no id")?.to_owned())
}

pub(crate) fn refused(what: &str, status: u16, body: &[u8]) -> Failed {
    format!("{what}: {status} {}", String::from_utf8_lossy(body)).into()
}

/// The path of the endpoint.
pub(crate) const SCIM: &str = "/api/scim/v2";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Copies of one transaction: few enough that the log of a file does not grow without end.
const CHUNK: usize = 20_000;
/// Members that one request adds.
const MEMBERS: usize = 1_000;
