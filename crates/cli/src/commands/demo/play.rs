//! What an identity provider says to the server: test connection, first cycle, changes, leavers, and
//! a comparison.

use std::cell::Cell;
use std::collections::HashMap;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use scim_client::{Client, Method, UreqTransport};
use scim_protocol::query::Query;
use serde_json::{Value, json};

use super::company::{Company, DOMAIN, Person};

/// How an identity provider words its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Entra,
    Okta,
}

impl Dialect {
    /// The product.
    pub(super) fn product(self) -> &'static str {
        match self {
            Self::Entra => "Entra ID",
            Self::Okta => "Okta",
        }
    }
}

/// What was played.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) requests: u64,
    pub(super) users: usize,
    pub(super) groups: usize,
    pub(super) changed: usize,
    pub(super) left: usize,
    /// Where the server has something else than was sent.
    pub(super) differences: Vec<String>,
}

struct Player<'a> {
    client: &'a Client<UreqTransport>,
    dialect: Dialect,
    quiet: bool,
    requests: Cell<u64>,
}

/// Plays a company: everybody comes, some change, some leave.
///
/// # Errors
/// When the server does not answer, or otherwise than an identity provider needs.
pub(super) fn play(
    client: &Client<UreqTransport>,
    dialect: Dialect,
    mut company: Company,
    quiet: bool,
) -> anyhow::Result<Played> {
    let player = Player {
        client,
        dialect,
        quiet,
        requests: Cell::new(0),
    };
    player.test_connection()?;
    for person in player.each("People come", &mut company.people) {
        player.create(person)?;
    }
    let ids = ids(&company.people);
    for group in player.each("Groups come", &mut company.groups) {
        let members = group.members.iter().filter_map(|number| ids.get(number));
        player.create_group(group.name, &members.cloned().collect::<Vec<_>>())?;
    }
    let mut changed: Vec<&mut Person> = every(&mut company.people, CHANGED, 1);
    for person in player.each("People change", &mut changed) {
        person.promote();
        player.change(person)?;
    }
    let changed = changed.len();
    let mut left: Vec<&mut Person> = every(&mut company.people, LEFT, 2);
    for person in player.each("People leave", &mut left) {
        person.active = false;
        player.deactivate(person)?;
    }
    let left = left.len();
    let differences = player.compare(&company)?;
    Ok(Played {
        requests: player.requests.get(),
        users: company.people.len(),
        groups: company.groups.len(),
        changed,
        left,
        differences,
    })
}

/// Deletes every group and everybody whom the client sees; answers how many.
///
/// # Errors
/// When the server does not answer, or somebody is not of the demo.
pub(super) fn remove(client: &Client<UreqTransport>, quiet: bool) -> anyhow::Result<usize> {
    let mut paths = Vec::new();
    for endpoint in ["/Groups", "/Users"] {
        for found in client.walk(endpoint, &Query::default()) {
            let found = found?;
            let text = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default();
            if endpoint == "/Users" && !text("userName").ends_with(DOMAIN) {
                bail!(
                    "{} is not of the demo; nothing was taken away",
                    text("userName")
                );
            }
            paths.push(format!("{endpoint}/{}", text("id")));
        }
    }
    let bar = bar("Taking away", paths.len(), quiet);
    for path in bar.wrap_iter(paths.iter()) {
        let answer = client.send(Method::Delete, path, None, None)?;
        if !matches!(answer.status, 204 | 404) {
            bail!("DELETE {path} is answered {}", answer.status);
        }
    }
    Ok(paths.len())
}

fn ids(people: &[Person]) -> HashMap<usize, String> {
    let known = people.iter();
    known
        .filter_map(|person| Some((person.number, person.id.clone()?)))
        .collect()
}

/// Every so many-th of the people, from one on.
fn every(people: &mut [Person], step: usize, first: usize) -> Vec<&mut Person> {
    people.iter_mut().skip(first).step_by(step).collect()
}

fn bar(said: &'static str, length: usize, quiet: bool) -> ProgressBar {
    let target = match quiet {
        true => ProgressDrawTarget::hidden(),
        // On a terminal alone.
        false => ProgressDrawTarget::stderr(),
    };
    let bar = ProgressBar::with_draw_target(u64::try_from(length).ok(), target);
    let style = ProgressStyle::with_template("{msg:14} {bar:30} {pos}/{len}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.with_message(said)
}

impl Player<'_> {
    fn each<'p, T>(
        &self,
        said: &'static str,
        things: &'p mut [T],
    ) -> impl Iterator<Item = &'p mut T> {
        let bar = bar(said, things.len(), self.quiet);
        bar.wrap_iter(things.iter_mut())
    }

    /// Sends a request that must be answered with one of these statuses.
    fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        expected: &[u16],
    ) -> anyhow::Result<Value> {
        self.requests.set(self.requests.get() + 1);
        let answer = self.client.send(method, path, body, None);
        let answer = answer.context("the server does not answer; is it running?")?;
        let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if !expected.contains(&answer.status) {
            let detail = document.get("detail").and_then(Value::as_str);
            let (method, status) = (method.as_str(), answer.status);
            bail!(
                "{method} {path} is answered {status}: {}",
                detail.unwrap_or("without a word")
            );
        }
        Ok(document)
    }

    fn test_connection(&self) -> anyhow::Result<()> {
        let path = match self.dialect {
            // Somebody whom there is not.
            Dialect::Entra => "/Users?filter=userName%20eq%20%22demo-test-connection%22",
            Dialect::Okta => "/ServiceProviderConfig",
        };
        self.send(Method::Get, path, None, &[200]).map(drop)
    }

    fn create(&self, person: &mut Person) -> anyhow::Result<()> {
        let attribute = match self.dialect {
            Dialect::Entra => "externalId",
            Dialect::Okta => "userName",
        };
        let value = match self.dialect {
            Dialect::Entra => person.external_id(),
            Dialect::Okta => person.user_name(),
        };
        let query = format!("/Users?filter={attribute}%20eq%20%22{value}%22");
        let found = self.send(Method::Get, &query, None, &[200])?;
        if found.get("totalResults").and_then(Value::as_u64) != Some(0) {
            bail!("{value} is there already");
        }
        let created = self.send(Method::Post, "/Users", Some(&person.document()), &[201])?;
        let id = created.get("id").and_then(Value::as_str);
        person.id = Some(id.context("a new user has no id")?.to_owned());
        Ok(())
    }

    fn create_group(&self, name: &str, members: &[String]) -> anyhow::Result<()> {
        let group = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": name,
            "externalId": name,
        });
        let created = self.send(Method::Post, "/Groups", Some(&group), &[201])?;
        let id = created.get("id").and_then(Value::as_str);
        let path = format!("/Groups/{}", id.context("a new group has no id")?);
        // As many as are sent at once.
        for members in members.chunks(100) {
            let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
            let add = match self.dialect {
                Dialect::Entra => "Add",
                Dialect::Okta => "add",
            };
            let patch = patch(&json!({"op": add, "path": "members", "value": members}));
            self.send(Method::Patch, &path, Some(&patch), &[200, 204])?;
        }
        Ok(())
    }

    fn change(&self, person: &Person) -> anyhow::Result<()> {
        let path = path_of(person)?;
        match self.dialect {
            Dialect::Entra => {
                let replace = json!({"op": "Replace", "path": "title", "value": person.title});
                self.send(Method::Patch, &path, Some(&patch(&replace)), &[200, 204])
            }
            Dialect::Okta => self.send(Method::Put, &path, Some(&person.document()), &[200]),
        }
        .map(drop)
    }

    fn deactivate(&self, person: &Person) -> anyhow::Result<()> {
        let replace = match self.dialect {
            Dialect::Entra => json!({"op": "Replace", "path": "active", "value": "False"}),
            Dialect::Okta => json!({"op": "replace", "value": {"active": false}}),
        };
        let path = path_of(person)?;
        self.send(Method::Patch, &path, Some(&patch(&replace)), &[200, 204])
            .map(drop)
    }

    /// What the server has against what was sent.
    fn compare(&self, company: &Company) -> anyhow::Result<Vec<String>> {
        let mut there = HashMap::new();
        for user in self.client.walk("/Users", &Query::default()) {
            let user = user?;
            let id = user.get("id").and_then(Value::as_str);
            there.insert(id.unwrap_or_default().to_owned(), user);
        }
        let mut differences = Vec::new();
        for person in &company.people {
            let name = person.user_name();
            let Some(found) = person.id.as_ref().and_then(|id| there.remove(id)) else {
                differences.push(format!("{name} is missing"));
                continue;
            };
            for member in ["userName", "externalId", "displayName", "title", "active"] {
                let sent = person.document();
                if found.get(member) != sent.get(member) {
                    differences.push(format!("{member} of {name}"));
                }
            }
        }
        differences.extend(there.into_keys().map(|id| format!("{id} was not sent")));
        Ok(differences)
    }
}

fn patch(operation: &Value) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [operation],
    })
}

fn path_of(person: &Person) -> anyhow::Result<String> {
    let id = person.id.as_ref().context("somebody was not created")?;
    Ok(format!("/Users/{id}"))
}

/// Every so many-th of the people changes, and leaves.
const CHANGED: usize = 5;
const LEFT: usize = 10;
