//! How people and groups stand in a copy and in the directory, and who has a name that is wanted.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::rehearsal::Rehearsal;
use scim_admin::run::{Chosen, RowImage, Touched};
use scim_provisioning::{ResourceKind, StoreError};

use super::rows::{Row, Table, number, text};
use crate::connection::Connection;
use crate::database::Database;
use crate::nodes::{among, locked, update};
use crate::runs::images;
use crate::schema::{groups, users};
use crate::schema_rehearsals::rehearsal_base;

pub(super) const USERS: Table = Table {
    name: "users",
    keys: &["id"],
    there: "TRUE",
    open: "users.is_tenant_admin = 0",
};

pub(super) const EMAILS: Table = Table {
    name: "user_emails",
    keys: &[],
    there: "EXISTS (SELECT 1 FROM users u WHERE u.id = carried.user_id AND u.is_tenant_admin = 0)",
    open: "TRUE",
};

pub(super) const GROUPS: Table = Table {
    name: "groups",
    keys: &["id"],
    there: "TRUE",
    open: "groups.confers_admin = 0",
};

pub(super) const KINDS: [ResourceKind; 2] = [ResourceKind::User, ResourceKind::Group];

fn table(kind: ResourceKind) -> Table {
    match kind {
        ResourceKind::User => USERS,
        ResourceKind::Group => GROUPS,
    }
}

#[derive(diesel::QueryableByName)]
struct HolderRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<Text>)]
    held: Option<String>,
    #[diesel(sql_type = BigInt)]
    protected: i64,
}

/// What the copy has of the next of those that the rehearsal changed.
pub(super) struct Found {
    pub(super) configuration: String,
    pub(super) touched: Vec<Touched>,
    pub(super) rows: BTreeMap<String, Row>,
    pub(super) base: BTreeMap<String, i64>,
    pub(super) images: BTreeMap<String, Vec<RowImage>>,
    pub(super) emails: Vec<Row>,
}

impl Found {
    pub(super) fn read(
        connection: &mut Connection,
        rehearsal: &Rehearsal,
        after: i64,
    ) -> Result<Self, StoreError> {
        let (run, all) = (rehearsal.id, Chosen::default());
        let touched = images::touched(connection, run, &all, (after, true), AT_ONCE)?;
        let ids: Vec<String> = touched.iter().map(|one| one.id.clone()).collect();
        let mut found = Self {
            configuration: rehearsal.configuration.to_string(),
            touched,
            rows: BTreeMap::new(),
            base: BTreeMap::new(),
            images: BTreeMap::new(),
            emails: Vec::new(),
        };
        if ids.is_empty() {
            return Ok(found);
        }
        for image in images::of_resources(connection, run, &all, &ids)? {
            let of = found.images.entry(image.resource.clone()).or_default();
            of.push(image);
        }
        for kind in KINDS {
            let ids = found.ids(kind);
            let rows = table(kind).read(connection, |sql| {
                sql.push("id ").among(ids);
            })?;
            let id = |row: &Row| text(row, "id").unwrap_or_default().to_owned();
            found
                .rows
                .extend(rows.into_iter().map(|row| (id(&row), row)));
        }
        let base = rehearsal_base::table
            .filter(among(rehearsal_base::id, &ids))
            .select((rehearsal_base::id, rehearsal_base::version));
        let base: Vec<(String, i64)> = connection.load(base)?;
        found.base = base.into_iter().collect();
        found.emails = EMAILS.read(connection, |sql| {
            sql.push("user_id ").among(&ids);
        })?;
        Ok(found)
    }

    pub(super) fn ids(&self, kind: ResourceKind) -> Vec<String> {
        let of = self.touched.iter().filter(|one| one.kind == kind);
        of.map(|one| one.id.clone()).collect()
    }
}

/// The versions of people or groups in the directory, and whether they are protected there.
pub(super) fn versions(
    connection: &mut Connection,
    kind: ResourceKind,
    ids: &[String],
    lock: bool,
) -> Result<BTreeMap<String, (i64, bool)>, StoreError> {
    let rows: Vec<(String, i64, i32)> = match kind {
        ResourceKind::User => {
            let of = users::table.filter(among(users::id, ids)).select((
                users::id,
                users::version,
                users::is_tenant_admin,
            ));
            match lock {
                true => connection.load(locked(connection, of.order(users::id)))?,
                false => connection.load(of)?,
            }
        }
        ResourceKind::Group => {
            let of = groups::table.filter(among(groups::id, ids)).select((
                groups::id,
                groups::version,
                groups::confers_admin,
            ));
            match lock {
                true => connection.load(locked(connection, of.order(groups::id)))?,
                false => connection.load(of)?,
            }
        }
    };
    let read = |(id, version, protected)| (id, (version, protected != 0));
    Ok(rows.into_iter().map(read).collect())
}

/// The versions of resources in the directory.
pub(super) fn versions_of(
    directory: &Database,
    ids: &[String],
) -> Result<BTreeMap<String, (i64, bool)>, StoreError> {
    directory.reading(|connection| {
        let mut found = BTreeMap::new();
        for kind in KINDS {
            found.extend(versions(connection, kind, ids, false)?);
        }
        Ok(found)
    })
}

/// Counts other versions as those of which the copy was made, where the ones before them were.
pub(super) fn rebase(
    copy: &Database,
    before: BTreeMap<String, (i64, bool)>,
    after: BTreeMap<String, (i64, bool)>,
) -> Result<(), StoreError> {
    copy.writing(move |connection| {
        for (id, (version, _)) in &after {
            let Some((was, _)) = before.get(id) else {
                continue;
            };
            let same = rehearsal_base::id
                .eq(id)
                .and(rehearsal_base::version.eq(*was));
            let version = rehearsal_base::version.eq(*version);
            connection.execute(update(rehearsal_base::table, same, version))?;
        }
        Ok::<_, StoreError>(())
    })
}

/// A name that no two may have.
#[derive(Clone, Copy)]
pub(super) struct Claimed {
    kind: ResourceKind,
    column: &'static str,
    /// Among which rows.
    among: Among,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Among {
    /// People who are not archived.
    Unarchived,
    /// What the configuration manages, and has not left.
    Managed,
}

pub(super) const CLAIMED: [Claimed; 4] = [
    Claimed::of(ResourceKind::User, "user_name_key", Among::Unarchived),
    Claimed::of(ResourceKind::User, "scim_user_name_key", Among::Managed),
    Claimed::of(ResourceKind::Group, "name_key", Among::Managed),
    Claimed::of(ResourceKind::Group, "scim_name_key", Among::Managed),
];

/// Who has a name that another one is to have.
pub(super) struct Holder {
    pub(super) kind: ResourceKind,
    pub(super) id: String,
    pub(super) protected: bool,
    pub(super) wanted_by: String,
}

impl Claimed {
    const fn of(kind: ResourceKind, column: &'static str, among: Among) -> Self {
        Self {
            kind,
            column,
            among,
        }
    }

    /// Who has one of the names that rows of the copy have, and is not the same one.
    pub(super) fn holders(
        self,
        connection: &mut Connection,
        found: &Found,
    ) -> Result<Vec<Holder>, StoreError> {
        let mut wanted: BTreeMap<String, String> = BTreeMap::new();
        for one in found.touched.iter().filter(|one| one.kind == self.kind) {
            let Some(row) = found.rows.get(&one.id) else {
                continue;
            };
            let claims = match self.among {
                Among::Unarchived => text(row, "status") != Some("archived"),
                Among::Managed => {
                    text(row, "managed_by") == Some(&found.configuration)
                        && number(row, "left_at").is_none()
                }
            };
            if let (true, Some(name)) = (claims, text(row, self.column)) {
                wanted.insert(name.to_owned(), one.id.clone());
            }
        }
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let (column, name) = (self.column, table(self.kind).name);
        let (protected, left) = match self.kind {
            ResourceKind::User => ("is_tenant_admin", " AND left_at IS NULL"),
            ResourceKind::Group => ("confers_admin", ""),
        };
        let mut sql = connection.sql(&format!(
            "SELECT id, {column} AS held, CAST({protected} AS BIGINT) AS protected FROM {name} \
             WHERE {column} "
        ));
        sql.among(wanted.keys());
        match self.among {
            Among::Unarchived => sql.push(" AND status <> 'archived'"),
            Among::Managed => sql
                .push(" AND managed_by = ")
                .bind(&found.configuration)
                .push(left),
        };
        let rows: Vec<HolderRow> = connection.rows(&sql)?;
        let holders = rows.into_iter().filter_map(|row| {
            let wanted_by = wanted.get(&row.held?)?.clone();
            (wanted_by != row.id).then_some(Holder {
                kind: self.kind,
                id: row.id,
                protected: row.protected != 0,
                wanted_by,
            })
        });
        Ok(holders.collect())
    }
}

/// How many people and groups are carried over at once.
const AT_ONCE: i64 = 200;
