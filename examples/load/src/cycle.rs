//! The initial cycle of an identity provider: everybody is looked for and created, then the groups
//! with their members.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::Failed;
use crate::http::{Connection, Target};
use crate::seed::{self, GROUP};

/// How much a cycle brings, and from how many connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) users: usize,
    pub(crate) connections: usize,
}

impl Size {
    pub(crate) fn groups(self) -> usize {
        (self.users / USERS_OF_GROUP).max(1)
    }

    /// How long the cycle takes of the processor if each request takes what it takes alone: a match
    /// and a create for each user, a create and a PATCH of 100 members for each group.
    pub(crate) fn sum_of_parts(
        self,
        each_user: [Duration; 2],
        each_group: [Duration; 2],
    ) -> Duration {
        let times = |count: usize, each: Duration| {
            each.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
        };
        times(self.users, each_user.iter().sum()) + times(self.groups(), each_group.iter().sum())
    }
}

/// Runs a cycle into an empty configuration.
pub(crate) fn run(target: &Target, size: Size, run: &str) -> Result<(), Failed> {
    let created: Vec<String> = in_lanes(target, size, size.users, |connection, at| {
        let name = format!("cycle{run}-{at}");
        let filter = format!("/Users?filter=externalId%20eq%20%22ext-{name}%22");
        let answer = connection.send(&target.request("GET", &filter, ""))?;
        let nobody = memchr::memmem::find(answer.body, b"\"totalResults\":0").is_some();
        if answer.status != 200 || !nobody {
            return Err(seed::refused(&filter, answer.status, answer.body));
        }
        seed::create(connection, target, "/Users", &seed::user(&name))
    })?;
    let members = USERS_IN_GROUP.min(created.len());
    in_lanes(target, size, size.groups(), |connection, at| {
        let group = json!({"schemas": [GROUP], "displayName": format!("cycle{run}-{at}")});
        let id = seed::create(connection, target, "/Groups", &group)?;
        let first = at * USERS_OF_GROUP;
        let named = created.iter().cycle().skip(first).take(members);
        let named = named.map(|id| json!({"value": id})).collect::<Vec<_>>();
        let add = seed::patch(&json!([{"op": "add", "path": "members", "value": named}]));
        let path = format!("/Groups/{id}");
        let answer = connection.send(&target.request("PATCH", &path, &add.to_string()))?;
        match answer.status {
            200 | 204 => Ok(()),
            status => Err(seed::refused(&path, status, answer.body)),
        }
    })?;
    Ok(())
}

/// Does something for every number, each lane on a connection of its own.
fn in_lanes<T: Send>(
    target: &Target,
    size: Size,
    count: usize,
    work: impl Fn(&mut Connection, usize) -> Result<T, Failed> + Sync,
) -> Result<Vec<T>, Failed> {
    let work = &work;
    let lanes = thread::scope(|scope| {
        let lanes: Vec<_> = (0..size.connections)
            .map(|lane| {
                scope.spawn(move || {
                    let mut connection = target.connect()?;
                    let own = (lane..count).step_by(size.connections);
                    let done = own.map(|at| work(&mut connection, at));
                    done.collect::<Result<Vec<T>, Failed>>()
                })
            })
            .collect();
        let ended = lanes.into_iter().map(thread::ScopedJoinHandle::join);
        ended.collect::<Vec<_>>()
    });
    let mut done = Vec::with_capacity(count);
    for lane in lanes {
        done.extend(lane.map_err(|_panic| Failed::from("a lane panicked"))??);
    }
    Ok(done)
}

/// One group for so many users.
const USERS_OF_GROUP: usize = 20;
/// Members of each group.
const USERS_IN_GROUP: usize = 100;
