//! Carrying over what hangs on people and groups, and who waits to be linked.

use std::collections::{BTreeMap, BTreeSet};

use scim_admin::rehearsal::{GoingLive, Rehearsal};
use scim_admin::run::RowSubject;
use scim_provisioning::StoreError;
use scim_provisioning::directory::Author;
use serde_json::Value;

use super::rows::{Row, Table};
use crate::admin::rehearsals;
use crate::connection::Connection;
use crate::database::Database;
use crate::runs::images;
use crate::time::millis;

const MEMBERS: Table = Table {
    name: "group_members",
    keys: &["group_id", "member_id"],
    there: "EXISTS (SELECT 1 FROM groups g WHERE g.id = carried.group_id AND g.confers_admin = 0) \
        AND (EXISTS (SELECT 1 FROM users u WHERE u.id = carried.member_id AND u.is_tenant_admin = 0) \
        OR EXISTS (SELECT 1 FROM groups m WHERE m.id = carried.member_id AND m.confers_admin = 0))",
    open: "group_members.member_id NOT IN (SELECT u.id FROM users u WHERE u.is_tenant_admin = 1)",
};

const GROUP_GRANTS: Table = Table {
    name: "group_grants",
    keys: &["group_id", "field", "value"],
    there: "EXISTS (SELECT 1 FROM groups g WHERE g.id = carried.group_id AND g.confers_admin = 0)",
    open: "TRUE",
};

const MANUAL_GRANTS: Table = Table {
    name: "manual_grants",
    keys: &["user_id", "field", "value"],
    there: "EXISTS (SELECT 1 FROM users u WHERE u.id = carried.user_id AND u.is_tenant_admin = 0)",
    open: "manual_grants.user_id NOT IN (SELECT u.id FROM users u WHERE u.is_tenant_admin = 1)",
};

const HELD_CHANGES: Table = Table {
    name: "held_changes",
    keys: &["id"],
    there: "EXISTS (SELECT 1 FROM users u WHERE u.id = carried.user_id AND u.is_tenant_admin = 0)",
    open: "TRUE",
};

const AWAITED: Table = Table {
    name: "awaited_members",
    keys: &["group_id", "member_id"],
    there: "EXISTS (SELECT 1 FROM groups g WHERE g.id = carried.group_id)",
    open: "TRUE",
};

const LINKS: Table = Table {
    name: "link_candidates",
    keys: &["id"],
    there: "EXISTS (SELECT 1 FROM users u WHERE u.id = carried.person_id AND u.is_tenant_admin = 0)",
    open: "TRUE",
};

/// The table of what hangs on people and groups, and the names that images have of its keys.
fn table(subject: RowSubject) -> Option<(Table, &'static [&'static str])> {
    match subject {
        RowSubject::Membership => Some((MEMBERS, &["group", "member"])),
        RowSubject::GroupGrant => Some((GROUP_GRANTS, &["group", "field", "value"])),
        RowSubject::ManualGrant => Some((MANUAL_GRANTS, &["user", "field", "value"])),
        RowSubject::HeldChange => Some((HELD_CHANGES, &["id"])),
        RowSubject::AwaitedMember => Some((AWAITED, &["group", "member"])),
        RowSubject::User | RowSubject::Group => None,
    }
}

/// Rows of one table that become what they are in the copy.
#[derive(Clone)]
struct Change {
    table: Table,
    put: Vec<Row>,
    gone: Vec<Vec<String>>,
}

impl Change {
    fn write(&self, connection: &mut Connection) -> Result<(), StoreError> {
        self.table.take(connection, &self.gone)?;
        self.table.put(connection, &self.put, "NULL").map(drop)
    }
}

/// Who changes what is carried over.
pub(super) fn author(live: &GoingLive) -> Author {
    Author {
        actor: live.actor.clone(),
        run: Some(live.run),
        request: None,
    }
}

/// Carries over the next of what hangs on people and groups.
pub(super) fn step(
    directory: &Database,
    copy: &Database,
    rehearsal: &Rehearsal,
    live: &GoingLive,
) -> Result<Rehearsal, StoreError> {
    let (changes, last) = copy.reading(|connection| {
        let images = images::attached_behind(connection, rehearsal.id, live.position, AT_ONCE)?;
        let last = images.last().map(|image| image.id);
        let mut keys: BTreeMap<RowSubject, BTreeSet<Vec<String>>> = BTreeMap::new();
        for image in &images {
            let Some((_, names)) = table(image.subject) else {
                continue;
            };
            let Some(row) = image.new.as_ref().or(image.old.as_ref()) else {
                continue;
            };
            let text = |name: &&str| row.get(*name).and_then(Value::as_str).map(str::to_owned);
            let key: Option<Vec<String>> = names.iter().map(text).collect();
            keys.entry(image.subject).or_default().extend(key);
        }
        let mut changes = Vec::new();
        for (subject, keys) in keys {
            let Some((table, _)) = table(subject) else {
                continue;
            };
            let keys: Vec<Vec<String>> = keys.into_iter().collect();
            let put = table.of_keys(connection, &keys)?;
            let there: BTreeSet<Vec<String>> = put.iter().map(|row| table.key_of(row)).collect();
            let gone = keys.into_iter().filter(|key| !there.contains(key));
            changes.push(Change {
                table,
                gone: gone.collect(),
                put,
            });
        }
        Ok::<_, StoreError>((changes, last))
    })?;
    let next = match last {
        Some(last) => GoingLive {
            position: last,
            ..live.clone()
        },
        None => GoingLive {
            phase: live.phase.next(),
            position: 0,
            ..live.clone()
        },
    };
    finish(directory, rehearsal, live, next, changes)
}

/// Carries over who waits to be linked.
pub(super) fn links(
    directory: &Database,
    copy: &Database,
    rehearsal: &Rehearsal,
    live: &GoingLive,
) -> Result<Rehearsal, StoreError> {
    let configuration = rehearsal.configuration.to_string();
    let put = copy.reading(|connection| {
        LINKS.read(connection, |sql| {
            sql.push("configuration_id = ").bind(&configuration);
        })
    })?;
    // What was there when the copy was made, and is not in it any more.
    let before = directory.reading(|connection| {
        LINKS.read(connection, |sql| {
            sql.push("configuration_id = ").bind(&configuration);
            sql.push(" AND at < ").bind(millis(rehearsal.began));
        })
    })?;
    let there: BTreeSet<Vec<String>> = put.iter().map(|row| LINKS.key_of(row)).collect();
    let gone = before.iter().map(|row| LINKS.key_of(row));
    let change = Change {
        table: LINKS,
        gone: gone.filter(|key| !there.contains(key)).collect(),
        put,
    };
    let next = GoingLive {
        phase: live.phase.next(),
        position: 0,
        ..live.clone()
    };
    finish(directory, rehearsal, live, next, vec![change])
}

/// Writes what changes, and notes how far the rehearsal is then.
fn finish(
    directory: &Database,
    rehearsal: &Rehearsal,
    live: &GoingLive,
    next: GoingLive,
    changes: Vec<Change>,
) -> Result<Rehearsal, StoreError> {
    let author = author(live);
    let after = Rehearsal {
        live: Some(next),
        ..rehearsal.clone()
    };
    let saved = after.clone();
    directory.writing(move |connection| {
        connection.speak_as(&author)?;
        for change in &changes {
            change.write(connection)?;
        }
        connection.end_speech()?;
        rehearsals::save(connection, &saved)
    })?;
    Ok(after)
}

/// How many changes are carried over at once.
const AT_ONCE: i64 = 500;
