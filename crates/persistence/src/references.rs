//! Records that fields name: departments, locations, companies, roles; and managers.

use std::marker::PhantomData;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Integer, Nullable, Text};
use diesel::sqlite::Sqlite;
use scim_mapping::{ReferenceKind, Role};
use scim_provisioning::{ResourceId, ResourceKind, Scope, StoreError};

#[cfg(feature = "postgres")]
use diesel::pg::Pg;

use crate::connection::Connection;
use crate::engine::on_backend;
use crate::key::Key;
use crate::nodes::{Aliased, Among, among, expression};
use crate::people::{self, Write};
use crate::schema::{reference_values, users};
use crate::scope::{Managed, gone, managed, managed_as_w, visible};
use crate::sql::{Dialect, Sql, Written};

/// The roles, in order of name.
pub(crate) fn roles(connection: &mut Connection) -> Result<Vec<Role>, StoreError> {
    let rows: Vec<(String, String, i32)> = connection.load(
        reference_values::table
            .filter(reference_values::kind.eq("role"))
            .order(reference_values::name_key)
            .select((
                reference_values::id,
                reference_values::name,
                reference_values::privileged,
            )),
    )?;
    let role = |(id, name, privileged)| Role {
        id,
        name,
        privileged: privileged != 0,
    };
    Ok(rows.into_iter().map(role).collect())
}

/// The name of the record that has this name or id; one that is not there is made where `create`
/// is true.
pub(crate) fn resolve(
    connection: &mut Connection,
    kind: ReferenceKind,
    name: &str,
    create: bool,
) -> Result<Option<String>, StoreError> {
    let kind = table_name(kind);
    let key = Key::of(name);
    let named = reference_values::name_key
        .eq(key.as_str())
        .or(reference_values::id.eq(name));
    let found: Option<String> = connection.first(
        reference_values::table
            .filter(reference_values::kind.eq(kind))
            .filter(named)
            // A role that administers ServiceOps is none that anybody can be given.
            .filter(reference_values::privileged.eq(0))
            .order(reference_values::id)
            .limit(1)
            .select(reference_values::name),
    )?;
    if found.is_some() || !create {
        return Ok(found);
    }
    let id = connection.uuid().to_string();
    let made = diesel::insert_into(reference_values::table).values((
        reference_values::id.eq(&id),
        reference_values::kind.eq(kind),
        reference_values::name.eq(name),
        reference_values::name_key.eq(key.as_str()),
    ));
    // Somebody else may make it at the same time.
    on_backend!(connection, execute, made.on_conflict_do_nothing())?;
    Ok(Some(name.to_owned()))
}

fn table_name(kind: ReferenceKind) -> &'static str {
    match kind {
        ReferenceKind::Department => "department",
        ReferenceKind::Location => "location",
        ReferenceKind::Company => "company",
        ReferenceKind::Role => "role",
        ReferenceKind::Manager => "manager",
    }
}

/// Finds the manager whom a user names, by id, `externalId`, `userName` or e-mail address.
///
/// Whom the identity provider sees comes first. Somebody out of its sight, who left or whose
/// deletion is held, stays the manager for as long as the user names the same one.
pub(crate) fn link_manager(
    connection: &mut Connection,
    scope: Scope,
    user: ResourceId,
    manager: Option<&str>,
) -> Result<(), StoreError> {
    let Some(manager) = manager else {
        let whom = users::id
            .eq(user.to_string())
            .and(users::manager_id.is_not_null());
        people::change!(connection, whom, users::manager_id.eq(None::<String>));
        return Ok(());
    };
    people::set(connection, &user.to_string(), |sql| {
        sql.push("manager_id = COALESCE(");
        found(sql, scope, manager, Sight::Seen);
        sql.push(", (SELECT kept.id FROM users kept WHERE kept.id = users.manager_id), ");
        found(sql, scope, manager, Sight::Gone);
        sql.push(")");
    })?;
    Ok(())
}

/// The manager whom a user that is changed names, as [`link_manager`] finds it; whoever was found
/// under the same name stays.
pub(crate) fn named_manager(
    dialect: Dialect,
    scope: Scope,
    manager: Option<&str>,
) -> Written<Nullable<Text>> {
    let Some(manager) = manager else {
        return Sql::new(dialect, "NULL").written();
    };
    let mut sql = Sql::new(dialect, "COALESCE(");
    found(&mut sql, scope, manager, Sight::Seen);
    sql.push(
        ", (SELECT kept.id FROM users kept \
         WHERE kept.id = CASE WHEN users.manager_key = ",
    );
    sql.bind(Key::of_name(manager))
        .push(" THEN users.manager_id END), ");
    found(&mut sql, scope, manager, Sight::Gone);
    sql.push(")");
    sql.written()
}

/// Who is looked for as a manager.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// Whom the identity provider sees.
    Seen,
    /// Who left, by id; whose deletion is held, by anything.
    Gone,
}

/// The id of the user whom the text names. What is not unique names nobody where several have it.
fn found(sql: &mut Sql, scope: Scope, manager: &str, sight: Sight) {
    let (folded, name) = (Key::of(manager), Key::of_name(manager));
    let user_name = match sight {
        Sight::Seen => "scim_user_name_key",
        Sight::Gone => "user_name_key",
    };
    // Each part has an index of its own.
    let ways = [
        ("id", manager),
        ("external_id", manager),
        (user_name, name.as_str()),
        ("email_key", folded.as_str()),
    ];
    sql.push("(SELECT id FROM (");
    for (rank, (column, value)) in ways.into_iter().enumerate() {
        let union = if rank > 0 { " UNION ALL " } else { "" };
        sql.push(&format!(
            "{union}SELECT MIN(m.id) AS id, {rank} AS rank FROM users m WHERE m.{column} = "
        ));
        sql.bind(value).push(" AND ");
        match sight {
            Sight::Seen => visible(sql, ResourceKind::User, scope, "m"),
            Sight::Gone => {
                gone(sql, scope, "m");
                sql.push(if rank > 0 { " AND m.held = 1" } else { "" });
            }
        }
        sql.push(" HAVING COUNT(*) = 1");
    }
    sql.push(") AS found ORDER BY rank LIMIT 1)");
}

/// By what others may name a user as their manager.
pub(crate) struct ManagerKeys<'a> {
    pub(crate) user_name: Option<&'a str>,
    pub(crate) external_id: Option<&'a str>,
    pub(crate) email: Option<&'a str>,
}

/// Whether somebody waits for a manager, as a number in what a change of the manager returns.
#[derive(Debug, Clone)]
pub(crate) struct WaitedFor<C> {
    named: Among<Aliased>,
    managed: Managed,
    of: PhantomData<C>,
}

/// Whether somebody waits for a manager who is named like this one: who came at the same time as
/// the manager was not seen then.
pub(crate) fn is_waited_for(
    scope: Scope,
    manager: ResourceId,
    keys: &ManagerKeys<'_>,
) -> WaitedFor<users::id> {
    let id = manager.to_string();
    let named = [keys.user_name, keys.external_id, keys.email, Some(&*id)];
    let named = named.into_iter().flatten();
    let named = named.map(|name| Key::of_name(name).as_str().to_owned());
    WaitedFor {
        named: among(Aliased("w.manager_key"), named),
        managed: managed_as_w(scope),
        of: PhantomData,
    }
}

expression!(WaitedFor<C>, Integer);

const WAITING: &str = "CASE WHEN EXISTS (SELECT 1 FROM users w WHERE w.manager_id IS NULL AND ";
const NOBODY_WAITS: &str = ") THEN 1 ELSE 0 END";

impl<C> QueryFragment<Sqlite> for WaitedFor<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(WAITING);
        self.named.walk_ast(out.reborrow())?;
        out.push_sql(" AND ");
        self.managed.walk_ast(out.reborrow())?;
        out.push_sql(NOBODY_WAITS);
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl<C> QueryFragment<Pg> for WaitedFor<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(WAITING);
        self.named.walk_ast(out.reborrow())?;
        out.push_sql(" AND ");
        self.managed.walk_ast(out.reborrow())?;
        out.push_sql(NOBODY_WAITS);
        Ok(())
    }
}

/// Links those who wait for a manager, or have one who left, to the one who arrived.
pub(crate) fn link_reports(
    connection: &mut Connection,
    scope: Scope,
    manager: ResourceId,
    keys: &ManagerKeys<'_>,
) -> Result<(), StoreError> {
    let id = manager.to_string();
    let names: Vec<Key> = keys
        .user_name
        .map(Key::of_name)
        .into_iter()
        .chain([Key::of(&id)])
        .collect();
    // Several may have these; then they name nobody.
    let shared: Vec<(&str, &str, String)> = [
        (
            "manager",
            "external_id",
            keys.external_id.map(str::to_owned),
        ),
        (
            "manager_key",
            "email_key",
            keys.email.map(|email| Key::of(email).as_str().to_owned()),
        ),
    ]
    .into_iter()
    .filter_map(|(column, of, value)| Some((column, of, value?)))
    .collect();
    let all = names
        .iter()
        .cloned()
        .chain(shared.iter().map(|(.., value)| Key::of_name(value)));
    let link = Write::update(
        connection,
        |sql| {
            sql.push("manager_id = ").bind(&id);
        },
        |sql| {
            managed(sql, scope, "managed_by");
            sql.push(" AND manager_key ").among(all);
            sql.push(
                " AND (manager_id IS NULL OR (SELECT l.left_at FROM users l \
                 WHERE l.id = users.manager_id) IS NOT NULL) AND (manager_key ",
            );
            sql.among(&names);
            for (column, of, value) in &shared {
                sql.push(&format!(" OR {column} = ")).bind(value);
                sql.push(&format!(
                    " AND NOT EXISTS (SELECT 1 FROM users o WHERE o.{of} = "
                ));
                sql.bind(value)
                    .push(" AND o.id <> ")
                    .bind(&id)
                    .push(" AND ");
                visible(sql, ResourceKind::User, scope, "o");
                sql.push(")");
            }
            sql.push(")");
        },
    );
    link.run(connection)?;
    Ok(())
}
