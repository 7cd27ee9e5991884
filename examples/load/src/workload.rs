//! What is asked of the server.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::closed::{Call, Lane};
use crate::http::Target;
use crate::rows::user_id;
use crate::seed::{self, GROUP};

/// A kind of request that is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    GetUser,
    MatchUserName,
    MatchExternalId,
    MatchEmail,
    Create,
    Patch,
    Put,
    Deactivate,
    CreateGroup,
    /// Adds one member and takes it out again, to a group with the size of this number.
    OneMember(usize),
    /// Adds so many members to the smallest group, and takes them out again.
    Members(usize),
    /// The largest group, without its members.
    GroupAlone,
    WholeGroup,
    Total,
    FirstPage,
    DeepPage,
    CursorPages,
    Sorted(&'static str),
    Unserved,
    Bulk,
}

/// What there is in the configuration.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) users: usize,
    /// Groups with members, by their size, the smallest first.
    pub(crate) groups: Vec<(usize, String)>,
    /// In every name that is new.
    pub(crate) run: String,
}

impl Workload {
    pub(crate) const ALL: [Self; 25] = [
        Self::GetUser,
        Self::MatchUserName,
        Self::MatchExternalId,
        Self::MatchEmail,
        Self::GroupAlone,
        Self::FirstPage,
        Self::DeepPage,
        Self::CursorPages,
        Self::Sorted("userName"),
        Self::Sorted("displayName"),
        Self::Sorted("meta.lastModified"),
        Self::Total,
        Self::Unserved,
        Self::WholeGroup,
        Self::Create,
        Self::Patch,
        Self::Put,
        Self::Deactivate,
        Self::OneMember(0),
        Self::OneMember(1),
        Self::OneMember(2),
        Self::Members(100),
        Self::Members(1000),
        Self::CreateGroup,
        Self::Bulk,
    ];

    pub(crate) fn name(self, world: &World) -> String {
        match self {
            Self::GetUser => "GET a user".to_owned(),
            Self::MatchUserName => "match userName".to_owned(),
            Self::MatchExternalId => "match externalId".to_owned(),
            Self::MatchEmail => "match work e-mail".to_owned(),
            Self::Create => "create".to_owned(),
            Self::Patch => "PATCH displayName".to_owned(),
            Self::Put => "PUT".to_owned(),
            Self::Deactivate => "deactivate".to_owned(),
            Self::CreateGroup => "create a group".to_owned(),
            Self::OneMember(at) => format!("one member of {}", world.group(at).0),
            Self::Members(count) => format!("{count} members in one PATCH"),
            Self::GroupAlone => format!("group of {} without members", world.largest().0),
            Self::WholeGroup => format!("group of {}", world.largest().0),
            Self::Total => "total".to_owned(),
            Self::FirstPage => "page of 100, the first".to_owned(),
            Self::DeepPage => "page of 100 at 90 %".to_owned(),
            Self::CursorPages => "page of 100 by cursor".to_owned(),
            Self::Sorted(by) => format!("page of 100 by {by}"),
            Self::Unserved => "filter that no index serves".to_owned(),
            Self::Bulk => "create in a Bulk of 100".to_owned(),
        }
    }

    /// How many things one request does.
    pub(crate) fn units(self) -> u32 {
        match self {
            Self::Bulk => BULK,
            _ => 1,
        }
    }

    /// Whether it is sent from one connection alone, because it is about one group.
    pub(crate) fn is_alone(self) -> bool {
        matches!(
            self,
            Self::OneMember(_) | Self::Members(_) | Self::WholeGroup
        )
    }

    /// Whether there is enough in the configuration to do it.
    pub(crate) fn fits(self, world: &World) -> bool {
        match self {
            Self::OneMember(at) => at < world.groups.len(),
            Self::Members(count) => world.users / 2 >= count + SMALLEST,
            _ => true,
        }
    }

    /// By how much the number of users grows with one request, and that of groups.
    pub(crate) fn adds(self) -> (u64, u64) {
        match self {
            Self::Create => (1, 0),
            Self::Bulk => (u64::from(BULK), 0),
            Self::CreateGroup => (0, 1),
            _ => (0, 0),
        }
    }

    /// The requests of so many connections.
    pub(crate) fn lanes(self, world: &World, target: &Target, connections: usize) -> Vec<Requests> {
        let world = Arc::new(world.clone());
        let lanes = (0..connections).map(|lane| Requests {
            workload: self,
            world: Arc::clone(&world),
            target: target.clone(),
            at: lane,
            step: connections,
            cursor: None,
        });
        lanes.collect()
    }
}

impl World {
    fn group(&self, at: usize) -> (usize, &str) {
        self.groups
            .get(at)
            .map_or((0, ""), |(size, id)| (*size, id))
    }

    fn largest(&self) -> (usize, &str) {
        self.group(self.groups.len().saturating_sub(1))
    }
}

/// The requests of one connection.
pub(crate) struct Requests {
    workload: Workload,
    world: Arc<World>,
    target: Target,
    /// The number of the next request among those of all connections.
    at: usize,
    step: usize,
    cursor: Option<String>,
}

impl Requests {
    fn get(&self, path: &str, holds: String) -> Call {
        self.call("GET", path, "", 200, Some((holds, 1)))
    }

    fn call(
        &self,
        method: &str,
        path: &str,
        body: &str,
        status: u16,
        holds: Option<(String, usize)>,
    ) -> Call {
        Call {
            request: self.target.request(method, path, body),
            status,
            holds,
        }
    }

    fn patch(&self, path: &str, operation: &Value, status: u16, holds: Option<String>) -> Call {
        let body = seed::patch(&json!([operation])).to_string();
        self.call("PATCH", path, &body, status, holds.map(|text| (text, 1)))
    }

    /// One of the users that nobody deactivates.
    fn some(&self) -> usize {
        1 + self.at * 7919 % (self.world.users * 3 / 4).max(1)
    }

    fn matched(&self, filter: &str) -> Call {
        let path = format!(
            "/Users?filter={}",
            filter.replace(' ', "%20").replace('"', "%22")
        );
        self.get(&path, "\"totalResults\":1,".to_owned())
    }

    fn page(&self, parameters: &str) -> Call {
        let size = self.world.users.min(PAGE);
        self.get(
            &format!("/Users?count={PAGE}&{parameters}"),
            format!("\"itemsPerPage\":{size}"),
        )
    }

    fn new_user(&self, at: usize) -> Value {
        seed::user(&format!("new{}-{at}", self.world.run))
    }

    fn bulk(&self) -> Call {
        let operations = (0..BULK).map(|one| {
            json!({
                "method": "POST",
                "path": "/Users",
                "bulkId": format!("b{one}"),
                "data": seed::user(&format!("bulk{}-{}-{one}", self.world.run, self.at)),
            })
        });
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": operations.collect::<Vec<_>>(),
        });
        let created = Some(("\"status\":\"201\"".to_owned(), BULK as usize));
        self.call("POST", "/Bulk", &body.to_string(), 200, created)
    }

    /// Adds members at every other request, and takes them out at those between.
    fn members(&self, group: (usize, &str), count: usize) -> Call {
        let (size, id) = group;
        let members = (1..=count).map(|more| json!({"value": user_id(size + more)}));
        let members: Vec<_> = members.collect();
        let operation = match (self.at.is_multiple_of(2), members.as_slice()) {
            (true, _) => json!({"op": "add", "path": "members", "value": members}),
            (false, [_]) => {
                let path = format!("members[value eq \"{}\"]", user_id(size + 1));
                json!({"op": "remove", "path": path})
            }
            (false, _) => json!({"op": "remove", "path": "members", "value": members}),
        };
        // A larger group is not shown after a write.
        let grown = size + if self.at.is_multiple_of(2) { count } else { 0 };
        let status = if grown > SHOWN { 204 } else { 200 };
        self.patch(&format!("/Groups/{id}"), &operation, status, None)
    }

    fn read(&self) -> Option<Call> {
        let world = &self.world;
        let name = seed::name(self.some());
        Some(match self.workload {
            Workload::GetUser => {
                let path = format!("/Users/{}", user_id(self.some()));
                self.get(&path, format!("\"externalId\":\"ext-{name}\""))
            }
            Workload::MatchUserName => {
                self.matched(&format!("userName eq \"{name}@corp.example\""))
            }
            Workload::MatchExternalId => self.matched(&format!("externalId eq \"ext-{name}\"")),
            Workload::MatchEmail => self.matched(&format!(
                "emails[type eq \"work\" and value eq \"{name}@corp.example\"]"
            )),
            Workload::GroupAlone => self.get(
                &format!("/Groups/{}?excludedAttributes=members", world.largest().1),
                "\"displayName\"".to_owned(),
            ),
            Workload::WholeGroup => {
                let (size, id) = world.largest();
                let members = Some((format!("\"{}", MEMBER), size));
                self.call("GET", &format!("/Groups/{id}"), "", 200, members)
            }
            Workload::Total => self.get(
                "/Users?count=0",
                format!("\"totalResults\":{},", world.users),
            ),
            Workload::FirstPage => self.page("startIndex=1"),
            Workload::DeepPage => {
                let last = world.users.saturating_sub(PAGE);
                let start = (world.users / 10 * 9).min(last) + 1;
                self.page(&format!("startIndex={start}"))
            }
            // The last page is shorter.
            Workload::CursorPages => {
                let cursor = self.cursor.as_ref().map(|cursor| format!("={cursor}"));
                let cursor = cursor.unwrap_or_default();
                let path = format!("/Users?count={PAGE}&cursor{cursor}");
                self.get(&path, "\"userName\"".to_owned())
            }
            Workload::Sorted(by) => self.page(&format!("sortBy={by}")),
            Workload::Unserved => {
                let filter = format!("title%20co%20%22nobody {}%22", self.at).replace(' ', "%20");
                let path = format!("/Users?filter={filter}");
                match world.users > BOUNDED {
                    true => self.call("GET", &path, "", 400, Some(("tooMany".to_owned(), 1))),
                    false => self.get(&path, "\"totalResults\":0".to_owned()),
                }
            }
            _ => return None,
        })
    }

    fn write(&self) -> Option<Call> {
        let world = &self.world;
        let of = |number: usize| format!("/Users/{}", user_id(number));
        Some(match self.workload {
            Workload::Create => {
                let body = self.new_user(self.at).to_string();
                self.call("POST", "/Users", &body, 201, None)
            }
            Workload::CreateGroup => {
                let name = format!("new{}-{}", world.run, self.at);
                let body = json!({"schemas": [GROUP], "displayName": name}).to_string();
                self.call("POST", "/Groups", &body, 201, None)
            }
            Workload::Patch => {
                let name = format!("Name {} of {}", self.at, world.run);
                let replace = json!({"op": "replace", "path": "displayName", "value": name});
                self.patch(&of(self.some()), &replace, 200, Some(name))
            }
            Workload::Put => {
                let mut user = seed::user(&seed::name(self.some()));
                let title = format!("Title {} of {}", self.at, world.run);
                if let Some(user) = user.as_object_mut() {
                    user.insert("title".to_owned(), Value::String(title.clone()));
                }
                let path = of(self.some());
                self.call("PUT", &path, &user.to_string(), 200, Some((title, 1)))
            }
            Workload::Deactivate => {
                let number = world.users.checked_sub(1 + self.at)?;
                if number <= world.users * 3 / 4 {
                    return None;
                }
                let replace = json!({"op": "replace", "path": "active", "value": false});
                let inactive = Some("\"active\":false".to_owned());
                self.patch(&of(number), &replace, 200, inactive)
            }
            Workload::OneMember(group) => self.members(world.group(group), 1),
            Workload::Members(count) => self.members(world.group(0), count),
            Workload::Bulk => self.bulk(),
            _ => return None,
        })
    }
}

impl Lane for Requests {
    fn next(&mut self) -> Option<Call> {
        let call = self.read().or_else(|| self.write());
        self.at += self.step;
        call
    }

    fn answered(&mut self, body: &[u8]) {
        if self.workload == Workload::CursorPages {
            self.cursor = next_cursor(body);
        }
    }
}

/// The cursor of the page behind a page.
fn next_cursor(body: &[u8]) -> Option<String> {
    let begin = memchr::memmem::find(body, CURSOR)? + CURSOR.len();
    let rest = body.get(begin..)?;
    let end = memchr::memchr(b'"', rest)?;
    let cursor = std::str::from_utf8(rest.get(..end)?).ok()?;
    Some(cursor.to_owned())
}

/// Operations of a bulk request.
pub(crate) const BULK: u32 = 100;
/// Members of the smallest group.
pub(crate) const SMALLEST: usize = 10;
/// Members of a group that is shown after a write.
const SHOWN: usize = 100;
const PAGE: usize = 100;
/// Users with whom a filter that no index serves takes more than its budget.
const BOUNDED: usize = 500_000;
const CURSOR: &[u8] = b"\"nextCursor\":\"";
/// How the value of each member of a group begins.
const MEMBER: &str = "value\":\"";
